"""Pictures of signals as SVG text: pure functions of candles, averages and levels. Lengths are tenths of a pixel.

Their data are gathered by ``app.pictures``; PNG is made by ``adapters.pictures``.
"""

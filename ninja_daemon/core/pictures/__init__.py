"""Pictures of signals as SVG text: pure functions of candles, averages and levels. Lengths are tenths of a pixel."""

"""Candles from files for commands: the options they share, and which series a file is.

Reading a file is ``adapters.candle_files``; what is done with its candles is ``app.replays`` and ``app.record``.
"""

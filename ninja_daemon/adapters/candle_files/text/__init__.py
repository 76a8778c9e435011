"""From the bytes of a file to rows of integers: lines, fields, prices, times.

Time zones are ``candle_files.clocks``; candles are made of the rows by ``candle_files.settling``.
"""

"""From rows to candles: times in UTC, prices in one unit, the grid; everything checked, mended and counted on the way.

Reading rows is ``candle_files.text``; which zone a file is in is ``candle_files.clocks``.
"""

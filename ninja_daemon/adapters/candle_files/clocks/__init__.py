"""Clocks of candle files: time zones, closed time, the zone that a file shows, what a date alone means.

How a time is written is ``candle_files.text``.
"""

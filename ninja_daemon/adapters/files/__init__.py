"""Backups: the file that people bring or take away.

Files of candles are ``adapters.candle_files``; files that the processes keep open are ``adapters.journal``.
"""

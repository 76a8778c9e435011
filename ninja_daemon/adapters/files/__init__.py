"""Files that people bring or take away: candles as CSV, backups.

Files of our own that the processes keep open live in ``adapters.journal``.
"""

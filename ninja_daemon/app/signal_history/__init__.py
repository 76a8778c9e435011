"""The history of signals as the command ``signals`` shows it: read, as a table, for a spreadsheet, drawn, exported.

How the histories are stored is ``adapters.redis.reports`` and ``adapters.journal.reports``.
"""

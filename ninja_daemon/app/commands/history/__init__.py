"""Commands over histories of candles: replay, import, audit, verify.

Their work is in ``app.replays``, ``app.candles``, ``app.audits`` and ``app.record``.
"""

"""Decisions derived again from candles, and held against what was committed.

What is shown of it is ``app.why`` and ``app.audits``.
"""

"""Crosses and signals: a strategy's rules, candle by candle and over whole histories.

Averages live in ``core.averages``, candles in ``core.market``. What becomes of a message is in ``core.messages``.
"""

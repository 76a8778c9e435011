"""Whole histories as the broker has them: read page by page, with the larger candles that filters need.

Running strategies over them is ``usecases.replay``.
"""

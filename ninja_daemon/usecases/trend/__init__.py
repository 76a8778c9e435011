"""Candles of larger timeframes: those of a wake, and those beside a history.

What is made of them lies in ``core.averages.trend``.
"""

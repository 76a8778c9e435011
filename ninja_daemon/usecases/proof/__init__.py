"""Decisions derived again from candles, and held against what was committed."""

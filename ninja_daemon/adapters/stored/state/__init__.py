"""The stored form of a strategy: averages and windows, larger candles, and what is counted.

Commits, which write it, are in the folder above.
"""

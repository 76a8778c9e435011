"""Rules that keep a cross from being a signal, a file each; ``kinds`` is their table (contract 4.5 and 13).

A filter uses what was known when the candle closed, and nothing else: no clock, no state, no I/O.
"""

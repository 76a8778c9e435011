"""Candles from files for commands: the options they share, and which series a file is."""

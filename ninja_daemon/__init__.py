"""Ninja-daemon: candles from an OANDA v20 server in, exact crossover signals out, every one delivered."""

__version__ = "0.1.0"

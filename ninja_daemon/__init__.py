"""Ninja-daemon: candles from an OANDA v20 server in, exact crossover signals out, every one delivered.

Four floors: ``core``, ``usecases``, ``adapters`` with ``simulator``, ``app``. Imports go down only.
"""

__version__ = "0.1.0"

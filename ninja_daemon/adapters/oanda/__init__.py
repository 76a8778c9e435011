"""The broker: candles, instruments and prices from an OANDA v20 server, its limits, threads and errors.

When the broker is asked is decided in ``usecases`` and ``app.daemon``; the simulated server is ``simulator``.
"""

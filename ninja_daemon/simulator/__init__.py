"""Floor 3: a market, and an OANDA v20 REST server over it; for ``demo``, for trying things out and for the tests.

The command's options are ``app.simulated``. It shares no code with ``adapters.oanda``.
"""

"""What several adapters need to speak over a network: posting, host names, reachability, removal of secrets.

The broker's own transport is in ``adapters.oanda``, Redis' client in ``adapters.redis``.
"""

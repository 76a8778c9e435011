"""Redis or Valkey: client, scripts, keys, state, lanes and what commands look up there.

Stored forms that the journal shares are in ``adapters.stored``; what happens without Redis is in ``adapters.journal``.
"""

"""The files of the state directory (SQLite): commits that wait for Redis, the local queue, the sent ledger, heartbeats.

What lives in Redis is in ``adapters.redis``; the two do not know each other, except in the store that falls back.
"""

"""How several daemons divide the work: which series belong to which shard, which shards to which member.

Leases and members are stored by ``adapters.redis.sharing``; the processes are ``app.fleet``.
"""

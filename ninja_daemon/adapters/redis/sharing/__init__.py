"""Who works: the lease of a daemon or of a shard, and the members that share the shards.

Which series belongs to which member is decided in ``usecases.sharing``.
"""

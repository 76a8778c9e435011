"""Who works: the lease of a daemon or of a shard, and the members that share the shards."""

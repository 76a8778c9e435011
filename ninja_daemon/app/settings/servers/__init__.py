"""``[redis]`` and ``[shards]``: how one Redis and several daemons belong together."""

"""``[redis]``, ``[shards]`` and ``[web]``: how one Redis, several daemons and the page belong together."""

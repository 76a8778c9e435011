"""Tables about servers and what is asked of them: ``[redis]``, ``[shards]``, ``[web]``, ``[calendar]``."""

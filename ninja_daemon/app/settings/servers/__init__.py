"""Tables about servers: ``[redis]``, ``[shards]``, ``[web]``, ``[calendar]``, ``[audit]``, proxies.

Addresses and secrets come from the environment, in the folder above.
"""

"""A Redis-compatible server that the product starts itself, for ``up`` and ``demo``.

A server that somebody else runs is reached through ``client`` only.
"""

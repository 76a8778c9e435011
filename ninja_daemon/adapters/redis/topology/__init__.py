"""Redis on more than one server: addresses with several hosts, connections that follow Sentinel's master.

Failovers, elections and slots are the servers' work; here is only how a client finds the server to talk to.
"""

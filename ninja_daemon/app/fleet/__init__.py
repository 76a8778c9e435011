"""Several daemons that share one namespace: members, shards, and the processes of one machine.

What one daemon does with its part is in ``app.daemon``.
"""

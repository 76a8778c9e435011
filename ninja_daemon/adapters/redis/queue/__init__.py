"""The delivery queue in Redis: inbox, lanes, and the one guarded write.

The rules of a lane are in ``core.lanes``; state, client and scripts are one folder up.
"""

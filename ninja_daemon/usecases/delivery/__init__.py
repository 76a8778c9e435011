"""What the notifier does: drain the list into lanes, attempt a post, settle what came of it; and the ports for that.

The rules of a lane are in ``core.lanes``; what the daemon does with candles is one folder up.
"""

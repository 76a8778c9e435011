"""What every long-running process needs: start, signals, stop, liveness, children, output streams.

What a certain process does is in ``app.daemon`` and ``app.notifier``.
"""

"""What the processes tell about themselves: log lines, events, metrics, and reading the system's journal.

What `status` shows is put together in ``app.status``.
"""

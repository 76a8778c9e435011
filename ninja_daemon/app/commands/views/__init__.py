"""Commands that show what is: status, signals, why, report.

How it looks is in ``app.status``, ``app.signal_history``, ``app.why`` and ``app.record``.
"""

"""Settings: environment, strategies, destinations and routes, read and checked, all problems at once.

What ``check`` tests beyond the files is in ``app.checks``.
"""

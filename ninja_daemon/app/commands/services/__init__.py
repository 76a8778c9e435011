"""Commands that run until they are stopped: run, notify, up, demo, simulator, web.

How a process starts is in ``app.lean``, what it does with its settings in ``app.serving``.
"""

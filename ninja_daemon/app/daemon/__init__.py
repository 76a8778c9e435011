"""The signal daemon as a process: its wakes, its leadership, what it says and counts, and the single pass.

What a wake does to the strategies is ``usecases``; the command line is ``app.commands.services.run``.
"""

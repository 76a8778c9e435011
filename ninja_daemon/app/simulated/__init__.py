"""The simulated broker as the command ``simulator`` serves it: its options, and what it says while it runs.

The server itself is ``ninja_daemon.simulator``, which knows nothing of a command line; ``demo`` starts that directly.
"""

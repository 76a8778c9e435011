"""Markets that the simulated broker shows: random ones and files, their quotes, and which candles are complete.

How requests are answered is in ``simulator.answers``; faults are in ``simulator.faults``.
"""

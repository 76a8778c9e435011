"""Markets that the simulated broker shows: random ones and files, their quotes, and which candles are complete.

What is answered to a request is in ``simulator.answers``; faults are in ``simulator.faults``.
"""

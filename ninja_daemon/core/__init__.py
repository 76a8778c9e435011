"""Floor 1: pure values and rules. No clock, no I/O, no logger, nothing from the floors above.

The order in which a process applies the rules is ``usecases``.
"""

"""Floor 3: the ports made real. Each third-party library has one home here.

Rules are in ``core``, the order of steps in ``usecases``, settings and commands in ``app``.
"""

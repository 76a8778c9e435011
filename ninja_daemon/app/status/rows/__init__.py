"""Tables of the terminal: one line each at any width.

Where their figures come from is ``status.gathering``.
"""

"""What happened, kept for people: the record of signals and outcomes, and the notes of evaluations.

Files of their own in the state directory. No decision of the daemon depends on them.
"""

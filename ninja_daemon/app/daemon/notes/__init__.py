"""What a daemon notes of each scheduled close, beside its work: when it was evaluated, or why not.

Nothing here decides; the file itself lies in adapters/journal/history.
"""

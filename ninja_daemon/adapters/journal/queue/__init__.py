"""The delivery queue in the journal's file: inbox, lanes and their records.

The rules of a lane are in ``core.lanes``; the other files of the state directory are one folder up.
"""

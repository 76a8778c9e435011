"""The page of the record: the owner's, and the one that strangers see behind a delay.

The record itself lies in app/record and adapters/journal/history.
"""

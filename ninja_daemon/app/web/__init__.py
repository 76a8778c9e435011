"""The read-only page: a server on the standard library, HTML from small functions, one style sheet, one script.

It reads what ``status``, ``signals``, ``why`` and ``report`` read, and has no data of its own.
"""

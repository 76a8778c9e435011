"""Stored forms that Redis and the journal share: signals, queue elements, commits.

Pure functions from values to text and back. ``adapters.redis`` and ``adapters.journal`` keep the text.
"""

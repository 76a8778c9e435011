"""Queues as commands see them: those of Redis and of the journal as one, pauses and silences in both.

The queues themselves are in ``adapters.redis`` and ``adapters.journal``.
"""

"""The rules of the queue: how messages enter lanes, who may work on a lane, what becomes of its messages.

Pure functions over records. How records and messages are kept is in ``adapters.redis`` and ``adapters.journal``.
"""

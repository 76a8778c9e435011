"""Moving averages: one file a kind, each with its exact value in integers, and the table of all kinds.

What an average decides lives in ``core.signals``; where it is stored, in ``adapters.stored`` and ``adapters.redis``.
"""

"""Floor 4: settings, wiring, the life and death of a process, one file a command.

No rule of signals or delivery: those are in ``core`` and ``usecases``. Outside systems are in ``adapters``.
"""

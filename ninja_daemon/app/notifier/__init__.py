"""The notifier as a process: its parts, its workers, its reports, and the single pass.

Rules of delivery are in ``core.messages`` and ``usecases.deliver``; services are in ``adapters.channels``.
"""

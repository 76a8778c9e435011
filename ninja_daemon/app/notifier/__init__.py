"""The notifier as a process: its parts, its workers, its reports, and the single pass.

Rules of delivery are in ``core.lanes`` and ``core.messages``; services are in ``adapters.channels``.
"""

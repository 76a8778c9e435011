"""The machine: its clock, its scheduler, the service manager, processes and who holds a lease.

Logs, metrics and the system's journal live in ``adapters.telemetry``; addresses and sockets in ``adapters.network``.
"""

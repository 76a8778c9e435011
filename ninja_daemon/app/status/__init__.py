"""What `status` and the metrics page show: gathering figures, and their forms for terminal, JSON and Prometheus.

Where the figures come from is in ``adapters``; log lines are in ``adapters.telemetry``.
"""

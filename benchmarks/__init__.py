"""What BENCHMARKS.md quotes: run all with ``make bench``, one with ``python -m benchmarks.NAME``."""

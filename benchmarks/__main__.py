"""Run every benchmark, one after the other; ``make bench``."""

from __future__ import annotations

import platform

from benchmarks import delivery


def main() -> None:
    """Say on what it runs, then measure."""
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()} {platform.release()}\n")
    delivery.main()


if __name__ == "__main__":
    main()

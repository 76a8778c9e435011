"""Strategies that nothing is known of, with slow averages of many lengths: run as a file, also with an older product.

``benchmarks.contenders`` is that of the tree on the path; all that is relied on is what it has had from the beginning.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.contenders import Ours, Stage

_SHORTEST = 100


class Newcomers:
    """The daemon's own wake for so many strategies a series; the first one is their first start."""

    def __init__(self, arguments: Sequence[str], a_series: int) -> None:
        """Put the parts together."""
        self._ours = Ours(Stage(arguments))
        parts = vars(self._ours)
        parts["_strategies"] = [
            replace(one, name=f"{one.name}_{place}", fast_ma=20, slow_ma=_SHORTEST + 2 * place)
            for one in parts["_strategies"]
            for place in range(a_series)
        ]
        self.before = _memory("VmRSS")

    def wake(self, now: int) -> dict[str, float]:
        """Make one wake and say what it cost, and how large the process is and was, in megabytes."""
        wall, cpu = time.perf_counter(), time.process_time()
        self._ours.wake(now)
        cost = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "before": self.before}
        return cost | {"resident": _memory("VmRSS"), "peak": _memory("VmHWM")}


def _memory(name: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1_024 / 1e6


def main(a_series: str, *arguments: str) -> None:
    """Make wakes as told."""
    newcomers = Newcomers(arguments, int(a_series))
    print(json.dumps({"ready": "newcomers"}), flush=True)
    for line in sys.stdin:
        print(json.dumps(newcomers.wake(json.loads(line)["now"])), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

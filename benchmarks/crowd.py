"""Many strategies a series, woken when told: run as a file, so that it can drive the product of an older tree, too.

``benchmarks.contenders`` is that of the tree on the path; all that is relied on is what it has had from the beginning.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.contenders import Ours, Stage


class Crowd:
    """The daemon's own wake for so many strategies a series, and when the broker's answers were there."""

    def __init__(self, arguments: Sequence[str], a_series: int) -> None:
        """Put the parts together; strategies of a series differ in their fast average."""
        self._ours = Ours(Stage(arguments))
        parts = vars(self._ours)
        parts["_strategies"] = [
            replace(one, name=f"{one.name}_{place}", fast_ma=one.fast_ma - 28 + place) if place else one
            for one in parts["_strategies"]
            for place in range(a_series)
        ]
        source, self.answered = parts["_source"], 0.0
        ask = source.newer

        def asked(wanted: object) -> object:
            answers: object = ask(wanted)
            self.answered = time.time()
            return answers

        source.newer = asked

    def wake(self, now: int) -> dict[str, float]:
        """Make one wake and say what it cost."""
        wall, cpu = time.perf_counter(), time.process_time()
        self._ours.wake(now)
        cost = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "answered": self.answered}
        return cost | {"rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024}


def main(a_series: str, *arguments: str) -> None:
    """Make wakes as told."""
    crowd = Crowd(arguments, int(a_series))
    print(json.dumps({"ready": "crowd"}), flush=True)
    for line in sys.stdin:
        print(json.dumps(crowd.wake(json.loads(line)["now"])), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The daemon's part of the page's pictures: behind the commit, in a thread of its own, candles are kept."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from ninja_daemon.adapters.journal.history.candles import SqliteCandles
from ninja_daemon.app.background_writer import BackgroundWriter
from ninja_daemon.usecases.wake_result import Run, StrategyResult, WakeResult

_MOST_WAITING: Final = 64
"""Wakes that may wait to be written; the candles of later ones are not kept: it is said, the page shows a hole."""


class CandleKeeper:
    """Hands candles to the thread that writes them; no caller waits for the disk."""

    def __init__(self, file: SqliteCandles) -> None:
        """Choose where they go."""
        self._file = file
        self._writer = BackgroundWriter(
            "candles", "the page's pictures go without the newest candles", most=_MOST_WAITING
        )

    def after(self, wake: WakeResult) -> None:
        """Keep the candles that a look took in."""
        runs = runs_of(wake.results)
        if runs:
            self._writer.put(partial(self._file.keep, runs))

    def close(self) -> None:
        """Write what is left, and let the file go."""
        self._writer.close()
        self._file.close()


def runs_of(results: Iterable[StrategyResult]) -> dict[str, Run]:
    """Return the candles of a look by the names of their series; of several strategies the longest run counts."""
    runs: dict[str, Run] = {}
    for one in results:
        if one.run is not None and one.run.candles:
            name = str(one.strategy.series)
            if name not in runs or len(one.run.candles) > len(runs[name].candles):
                runs[name] = one.run
    return runs

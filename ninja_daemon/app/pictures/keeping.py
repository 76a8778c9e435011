"""The daemon's part of the page's pictures: behind the commit, in a thread of its own, candles are kept."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from queue import SimpleQueue
from typing import Final

import structlog

from ninja_daemon.adapters.journal.history.candles import SqliteCandles
from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.usecases.wake_result import Run, StrategyResult, WakeResult

_MOST_WAITING: Final = 64
"""Wakes that may wait to be written; of later ones the candles are not kept, and the page shows the hole."""
_CLOSE_GRACE: Final = 2.0


class CandleKeeper:
    """Hands candles to the thread that writes them; no caller waits for the disk."""

    def __init__(self, file: SqliteCandles) -> None:
        """Choose where they go; the thread begins with the first of them."""
        self._file = file
        self._waiting: SimpleQueue[dict[str, Run] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_failing = False

    def after(self, wake: WakeResult) -> None:
        """Keep the candles that a look took in."""
        runs = runs_of(wake.results)
        if not runs or self._waiting.qsize() >= _MOST_WAITING:
            return
        self._waiting.put(runs)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="candles", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (runs := self._waiting.get()) is not None:
            try:
                self._file.keep(runs)
            except JournalUnavailable as error:
                if not self._is_failing:
                    log = structlog.get_logger("ninja.daemon")
                    log.warning(f"the page's pictures go without the newest candles: {error}", event_id="journal.down")
                self._is_failing = True
            else:
                self._is_failing = False

    def close(self) -> None:
        """Write what is left, and let the file go."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(_CLOSE_GRACE)
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

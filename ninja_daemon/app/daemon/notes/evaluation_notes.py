"""Notes of when each candle was taken in, or why not; written by a thread of its own, behind the commit."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from queue import SimpleQueue
from typing import Final

import structlog

from ninja_daemon.adapters.journal.history.evaluation_rows import Batch
from ninja_daemon.adapters.journal.history.evaluations import SqliteEvaluations
from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import PriceSide, Series
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Clock
from ninja_daemon.usecases.proof.evaluations import NOT_ENABLED, SEEN_EVERY
from ninja_daemon.usecases.proof.noted import Apart, Evaluation, Seen
from ninja_daemon.usecases.wake_result import JudgedCandles, StrategyResult, WakeResult

_CLOSE_GRACE: Final = 2.0
"""Seconds that the end of a process waits for its last notes."""


class EvaluationNotes:
    """Hands notes to the thread that writes them; no caller waits for the disk."""

    def __init__(self, file: SqliteEvaluations, clock: Clock) -> None:
        """Choose where the notes go; the thread begins with the first of them."""
        self._file = file
        self._clock = clock
        self._by = f"{os.uname().nodename}:{os.getpid()}"
        self._began = clock.now()
        self._present_at = float("-inf")
        self._batches: SimpleQueue[Callable[[], Batch] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_failing = False

    def after(self, wake: WakeResult) -> None:
        """Note the candles that a look took in."""
        results = [one for one in wake.results if one.judged]
        if results:
            self._put(partial(_taken_in, results, self._clock.now(), self._by))

    def behind(self, reasons: Mapping[str, tuple[Instant, str]]) -> None:
        """Note why strategies are not up to date: by name the close that was not evaluated, and the reason."""
        if reasons:
            absent = [(name, close, why) for name, (close, why) in reasons.items()]
            self._put(partial(Batch, self._clock.now(), self._by, absent=absent))

    def watches(self, strategies: Iterable[Strategy]) -> None:
        """Note which of the strategies are not enabled, from now on."""
        now = self._clock.now()
        self.behind({each.name: (int(now), NOT_ENABLED) for each in strategies if not each.enabled})

    def present(self) -> None:
        """Note, once a minute, that this process works."""
        now = self._clock.now()
        if not 0 <= now - self._present_at < SEEN_EVERY:
            self._present_at = now
            self._put(partial(Batch, now, self._by, is_present=True, began=self._began))

    def close(self) -> None:
        """Write what is left, and let the file go."""
        if self._thread is not None:
            self._batches.put(None)
            self._thread.join(_CLOSE_GRACE)
        self._file.close()

    def _put(self, batch: Callable[[], Batch]) -> None:
        self._batches.put(batch)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="evaluation notes", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (batch := self._batches.get()) is not None:
            self._write(batch())

    def _write(self, batch: Batch) -> None:
        try:
            self._file.note(batch)
        except JournalUnavailable as error:
            if not self._is_failing:
                log = structlog.get_logger("ninja.daemon")
                log.warning(f"when candles were taken in is not noted: {error}", event_id="journal.down")
            self._is_failing = True
        else:
            if self._is_failing:
                log = structlog.get_logger("ninja.daemon")
                log.info("when candles were taken in is noted again", event_id="journal.up")
            self._is_failing = False


def _taken_in(results: Sequence[StrategyResult], at: float, by: str) -> Batch:
    return Batch(at, by, [each for one in results for each in evaluations_of(one, at, by)])


def evaluations_of(result: StrategyResult, at: float, by: str) -> Sequence[Evaluation]:
    """Return the notes of the candles that were taken in for one strategy.

    The side is followed from cross to cross. Where it began in the middle of several candles, only the last one's and
    those around a cross are known. The gap is known after the last one.
    """
    if result.judged is None:
        return ()
    candles, instrument, _ = result.judged
    decimals, gap = instrument.decimals, _apart(result.strategy, result.judged)
    strategy, start = result.strategy, result.start.value
    name, series = strategy.name, _series_text(strategy.instrument, strategy.granularity, strategy.price)
    side, after = result.sides
    if not result.crosses and len(candles) == 1:  # nearly all wakes of nearly all strategies
        seen = Seen(candles[0], decimals, series)
        return (Evaluation(name, candles[0].time, at, by, start, after, None, None, None, seen, gap),)
    crosses = {cross.candle.time: cross for cross in result.crosses}
    ids = {signal.time: signal.id for signal in result.signals}
    found: list[Evaluation] = []
    for candle in candles:
        cross = crosses.get(candle.time)
        side = side if cross is None else cross.side
        rejected = None if cross is None or cross.rejected_by is None else cross.rejected_by.name
        turned: Side | None = None if cross is None else cross.side
        seen = Seen(candle, decimals, series)
        found.append(Evaluation(name, candle.time, at, by, start, side, turned, rejected, ids.get(candle.time), seen))
    return [*found[:-1], found[-1]._replace(side=after, gap=gap)]


@lru_cache(maxsize=65_536)
def _series_text(instrument: str, granularity: Granularity, price: PriceSide) -> str:
    return str(Series(instrument, granularity, price))


def _apart(strategy: Strategy, judged: JudgedCandles) -> Apart | None:
    fast, slow = judged.state.fast.ratio, judged.state.slow.ratio
    if fast is None or slow is None:
        return None
    return Apart(fast, slow, strategy.source.parts * 10**judged.instrument.pip_digits)

"""Notes of when each candle was taken in, or why not; written behind the commit, at once or by a thread of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from ninja_daemon.adapters.journal.history.evaluation_rows import Batch, QuietRow
from ninja_daemon.adapters.journal.history.evaluations import SqliteEvaluations
from ninja_daemon.app.background_writer import BackgroundWriter
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Clock
from ninja_daemon.usecases.proof.evaluations import NOT_ENABLED, SEEN_EVERY
from ninja_daemon.usecases.proof.noted import Apart, Evaluation, Seen
from ninja_daemon.usecases.wake_result import JudgedCandles, Start, StrategyResult, WakeResult


class EvaluationNotes:
    """Writes notes, or hands them to the thread that does; no caller waits for another one, or for the disk."""

    def __init__(self, file: SqliteEvaluations, clock: Clock) -> None:
        """Choose where the notes go."""
        self._file = file
        self._clock = clock
        self._by = f"{os.uname().nodename}:{os.getpid()}"
        self._began = clock.now()
        self._present_at = float("-inf")
        self._has_noted = False
        self._quiet = QuietRows()
        self._writer = BackgroundWriter(
            "evaluation notes",
            "when candles were taken in is not noted",
            "when candles were taken in is noted again",
        )

    @property
    def waiting(self) -> int:
        """Number of batches that are not written yet."""
        return self._writer.waiting

    def after(self, wake: WakeResult) -> None:
        """Note the candles that a look took in.

        One candle of each strategy is a few kilobytes for the system's cache: that takes less of the processor than to
        wake a thread. History, and a file that somebody else uses, are the thread's.
        """
        results = [one for one in wake.results if one.judged is not None]
        if not results:
            return
        batch = partial(self._taken_in, results, self._clock.now())
        if self.waiting or any(map(_is_history, results)) or not self._is_noted(batch):
            self._put(batch)

    def _is_noted(self, batch: Callable[[], Batch]) -> bool:
        try:
            return self._file.note_at_once(batch())
        except Exception:  # noqa: BLE001 - no wake ends for a note; the thread meets the same, and says it
            return False

    def behind(self, reasons: Mapping[str, tuple[Instant, str]]) -> None:
        """Note why strategies are not up to date: by name the close that was not evaluated, and the reason."""
        if reasons:
            absent = [(name, close, why) for name, (close, why) in reasons.items()]
            self._put(partial(Batch, self._clock.now(), self._by, absent=absent))

    def watches(self, strategies: Iterable[Strategy]) -> None:
        """Note which of the strategies are not enabled, from now on."""
        now = self._clock.now()
        self.behind({each.name: (int(now), NOT_ENABLED) for each in strategies if not each.enabled})

    def present(self, *, is_idle: bool) -> None:
        """Note, once a minute, that this process works; put older notes in order, once a day, when no close is near."""
        now = self._clock.now()
        is_due = not 0 <= now - self._present_at < SEEN_EVERY
        if is_due or (is_idle and self._file.is_prune_due(now)):
            self._present_at = now
            self._put(partial(Batch, now, self._by, is_present=True, began=self._began, is_idle=is_idle))

    def close(self) -> None:
        """Write what is left, and let the file go; a single pass puts notes in order here."""
        if self._has_noted:
            self._put(partial(Batch, self._clock.now(), self._by, is_idle=True))
        self._writer.close()
        self._file.close()

    def _taken_in(self, results: Iterable[StrategyResult], at: float) -> Batch:
        batch = Batch(at, self._by)
        for one in results:
            if (row := self._quiet.of(one)) is not None:
                batch.quiet.append(row)
            else:
                batch.evaluations += evaluations_of(one, at, self._by)
        return batch

    def _put(self, batch: Callable[[], Batch]) -> None:
        self._has_noted = True
        self._writer.put(lambda: self._file.note(batch()))


def _is_history(result: StrategyResult) -> bool:
    return result.judged is not None and len(result.judged.candles) > 1


class QuietRows:
    """Makes rows of candles that changed nothing; what is the same at each look is worked out once a strategy."""

    def __init__(self) -> None:
        """Know no strategy yet."""
        self._same: dict[str, tuple[Strategy, Instrument, QuietRow]] = {}

    def of(self, result: StrategyResult) -> QuietRow | None:
        """Return the row of the one candle that was taken in; None where there is more to tell."""
        if result.judged is None or result.crosses or result.start is not Start.STORED:
            return None
        strategy = result.strategy
        candles, instrument, state = result.judged
        fast, slow = state.fast.ratio, state.slow.ratio
        if len(candles) != 1 or fast is None or slow is None:
            return None
        same = self._same.get(strategy.name)
        if same is None or same[0] is not strategy or same[1] is not instrument:
            same = self._same[strategy.name] = strategy, instrument, _same_row(strategy, instrument)
        return (*same[2], result.sides[1], *candles[0], *fast, *slow)


def _same_row(strategy: Strategy, instrument: Instrument) -> QuietRow:
    """Return the part of a row that is the same at each look."""
    return strategy.name, str(strategy.series), instrument.decimals, _pip_units(strategy, instrument)


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
    name, series = strategy.name, str(strategy.series)
    side, after = result.sides
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


def _apart(strategy: Strategy, judged: JudgedCandles) -> Apart | None:
    fast, slow = judged.state.fast.ratio, judged.state.slow.ratio
    if fast is None or slow is None:
        return None
    return Apart(fast, slow, _pip_units(strategy, judged.instrument))


def _pip_units(strategy: Strategy, instrument: Instrument) -> int:
    unit: int = strategy.source.parts * 10**instrument.pip_digits
    return unit

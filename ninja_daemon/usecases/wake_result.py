"""What a wake came to: one result for each strategy, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from ninja_daemon.core.errors import JournalUnavailable, NinjaError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.state import Cross, StrategyState
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Counts
from ninja_daemon.usecases.revisions import scaled


class Start(Enum):
    """Where a strategy's averages came from in this wake."""

    STORED = "stored"
    REBUILT = "rebuilt"
    FIRST = "first"


class Run(NamedTuple):
    """Candles of a series, one behind the other, as a strategy took them in.

    Attributes:
        instrument: decimals and pip of the prices.
        before: open of the candle before the first one; None where that is not known.
        candles: oldest first; at a first start or a rebuild with the history that was read.
    """

    instrument: Instrument
    before: Instant | None
    candles: Sequence[Candle]

    def followed_by(self, later: Run | None) -> Run:
        """Return both as one."""
        if later is None or self.instrument != later.instrument:
            return later or self
        return Run(self.instrument, self.before, [*self.candles, *later.candles])


class JudgedCandles(NamedTuple):
    """Candles that were judged one after the other.

    Attributes:
        candles: oldest first.
        instrument: in whose decimals they are.
        state: after the last of them.
    """

    candles: Sequence[Candle]
    instrument: Instrument
    state: StrategyState


class StrategyResult(NamedTuple):
    """What became of one strategy in one wake.

    Attributes:
        strategy: its settings.
        start: where its averages came from.
        cursor: open of the last candle taken in, now stored; None when there is none.
        taken_in: candles taken in.
        judged: the candles that were judged: the ones taken in, at a first start the newest of its history.
        sides: side before the first of them and after the last.
        fetched: complete candles that the broker sent for it, history included.
        signals: signals that were put on the list in this wake.
        repeated: signals that had been listed before.
        crosses: turns of the side, with what became of each.
        closed: outcomes that were put on their list in this wake.
        forming: open of the candle that is forming, as far as the broker said.
        revised: the broker shows the cursor's candle differently now.
        quiet: candles that are missing because there was no price.
        gaps: opens of candles that are missing although there were prices.
        held: newer candles wait for now for one that may yet come.
        awaited: what they wait for when that is a larger timeframe's candle; empty when it is not.
        newest: open of the newest complete candle that was new; None where none was, and at a first start.
        more: the broker has more candles than were handed over at once.
        error: why the strategy is not up to date; None when it is.
        notes: stored parts that could not be used, one sentence each.
        counts: the counts that are stored now; None when they are not known.
        run: the candles behind ``judged``, for pictures; None where nothing was written.
    """

    strategy: Strategy
    start: Start
    cursor: Instant | None = None
    taken_in: int = 0
    judged: JudgedCandles | None = None
    sides: tuple[Side | None, Side | None] = (None, None)
    fetched: int = 0
    signals: Sequence[Signal] = ()
    repeated: int = 0
    crosses: Sequence[Cross] = ()
    closed: Sequence[Outcome] = ()
    forming: Instant | None = None
    revised: bool = False
    quiet: int = 0
    gaps: Sequence[Instant] = ()
    held: bool = False
    awaited: str = ""
    newest: Instant | None = None
    more: bool = False
    error: NinjaError | None = None
    notes: Sequence[str] = ()
    counts: Counts | None = None
    run: Run | None = None


class WakeResult(NamedTuple):
    """What one call of ``catch_up`` did.

    Attributes:
        results: one for each strategy, in the order given.
        journal_error: why the local journal could not be used, None when it could.
        fenced: another daemon has taken over; nothing of this wake was written.
    """

    results: Sequence[StrategyResult]
    journal_error: JournalUnavailable | None = None
    fenced: bool = False


def joined(earlier: StrategyResult | None, later: StrategyResult) -> StrategyResult:
    """Add what a strategy did earlier in the same wake to what it did last."""
    if earlier is None:
        return later
    return later._replace(
        start=later.start if earlier.error is not None else earlier.start,
        taken_in=earlier.taken_in + later.taken_in,
        judged=_judged(earlier.judged, later.judged),
        sides=(
            earlier.sides[0] if earlier.judged else later.sides[0],
            later.sides[1] if later.judged else earlier.sides[1],
        ),
        fetched=earlier.fetched + later.fetched,
        signals=[*earlier.signals, *later.signals],
        newest=earlier.newest if later.newest is None else later.newest,
        repeated=earlier.repeated + later.repeated,
        crosses=[*earlier.crosses, *later.crosses],
        closed=[*earlier.closed, *later.closed],
        revised=earlier.revised or later.revised,
        quiet=earlier.quiet + later.quiet,
        gaps=[*earlier.gaps, *later.gaps],
        notes=list(dict.fromkeys([*earlier.notes, *later.notes])),
        run=later.run if earlier.run is None else earlier.run.followed_by(later.run),
    )


def _judged(earlier: JudgedCandles | None, later: JudgedCandles | None) -> JudgedCandles | None:
    """Put candles behind each other, in the decimals of the later ones, which are as many or more."""
    if earlier is None or later is None:
        return earlier or later
    factor = 10 ** max(0, later.instrument.decimals - earlier.instrument.decimals)
    return later._replace(candles=[*(scaled(candle, factor) for candle in earlier.candles), *later.candles])

"""The whole record of a strategy against the broker's history (contract 9). Nothing is changed by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ninja_daemon.core.errors import NinjaError
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import HistorySource
from ninja_daemon.usecases.proof.derivation import Derived, derive
from ninja_daemon.usecases.proof.difference import Difference
from ninja_daemon.usecases.proof.judgement import judge
from ninja_daemon.usecases.proof.outcome_comparison import outcomes_of
from ninja_daemon.usecases.proof.record import Record
from ninja_daemon.usecases.replay import Span


@dataclass(frozen=True, slots=True)
class Audited:
    """What came of one strategy.

    Attributes:
        strategy: which one.
        error: why it could not be audited; None when it was.
        differences: by candle.
        candles: candles up to the cursor that were gone through, without those for warm-up.
        first: open of the first of them, None where nothing was committed yet.
        last: open of the last of them.
        due_since: open of the first candle whose signals had to be listed, None when that is not known.
        derived: signals that the candles up to the cursor give since ``due_since``.
        listed: signals of the strategy in the history.
        ended: outcomes that the candles up to the cursor give for signals that are followed.
        outcomes: outcomes of the strategy in the history.
        other_settings: those among them that were listed under other settings, which are not compared.
        ahead: candles that the broker has behind the cursor.
    """

    strategy: Strategy
    error: NinjaError | None = None
    differences: Sequence[Difference] = ()
    candles: int = 0
    first: Instant | None = None
    last: Instant | None = None
    due_since: Instant | None = None
    derived: int = 0
    listed: int = 0
    ended: int = 0
    outcomes: int = 0
    other_settings: int = 0
    ahead: int = 0


def audit(
    source: HistorySource,
    strategy: Strategy,
    record: Record,
    since: Instant | None = None,
    progress: Callable[[int], None] = lambda _: None,
    *,
    to_the_newest: bool = True,
) -> Audited:
    """Compare what was committed of a strategy with what the broker's candles give.

    Args:
        source: the broker, which keeps its own limits, or files.
        strategy: whose record.
        record: what was committed.
        since: open of the first candle compared; None for all that were ever taken in.
        progress: told after each page how many candles came.
        to_the_newest: the source has the newest candle; files may end before the cursor.

    An error of the source stands in the answer, so that other strategies can go on.
    """
    loaded, listed = record.loaded, len(record.signals)
    if loaded.cursor is None:
        return Audited(strategy, listed=listed)
    span, more, known = Span(_oldest(record) if since is None else since), loaded.counts.evaluated, loaded.instrument
    try:
        derived = derive(source, strategy, span, known=known, more=more, calendar=record.calendar, progress=progress)
    except NinjaError as error:
        return Audited(strategy, error, listed=listed)
    return _audited(derived, record, loaded.cursor, to_the_newest=to_the_newest)


def _oldest(record: Record) -> Instant | None:
    """Return the oldest thing to compare where there are no counts: the first listed signal."""
    return record.signals[0].time if record.signals and not record.is_counted else None


def _audited(now: Derived, record: Record, cursor: Instant, *, to_the_newest: bool) -> Audited:
    """Compare, and add up what was found up to the cursor."""
    judged = judge(now, record, to_the_newest=to_the_newest)
    derived, found = judged.derived, judged.comparison
    times, since = derived.candles.time[derived.start :], found.since
    taken_in = times[: int(times.searchsorted(cursor, side="right"))]
    due = [one for one in derived.signals().values() if since is not None and since <= one.time <= cursor]
    return Audited(
        derived.rules.strategy,
        differences=found.differences,
        candles=len(taken_in),
        first=int(taken_in[0]) if len(taken_in) else None,
        last=int(taken_in[-1]) if len(taken_in) else None,
        due_since=since,
        derived=len(due),
        listed=len(record.signals),
        ended=len(outcomes_of(derived, record)),
        outcomes=len(record.outcomes),
        other_settings=found.other_settings,
        ahead=found.ahead,
    )

"""Decisions as rows of their file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeAlias

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.usecases.proof.noted import Apart, Evaluation, Seen

COLUMNS: Final = ("time", "at", "by", "start", "side", "cross", "rejected_by", "id")
LATER_COLUMNS: Final = ("series", "decimals", "open", "high", "low", "close", "gap")
"""Integers, null in the rows of versions before them; the series is the number of a name, the gap in 0.0001 pips."""
_GAP_DIGITS: Final = 4
_STORED: Final = "stored"
QuietRow: TypeAlias = tuple[str | int | None, ...]
"""The candle of a strategy that changed nothing: all that an ``Evaluation`` tells of it, one value behind the other.

Strategy, series, decimals, ``Apart.unit``, side, the candle (5), the fast average (2), the slow one (2).
"""


@dataclass(slots=True)
class Batch:
    """What is to be noted at once.

    Attributes:
        now: when it is noted (epoch seconds).
        by: the process that notes it.
        evaluations: candles taken in; a candle that is noted already keeps its first note.
        absent: by strategy, the close that was not evaluated and why.
        is_present: the process works.
        began: since when.
        quiet: candles taken in that changed nothing: nearly all, in a form that is quickly made and written.
        is_idle: no close is near: now older notes may be put in order.
    """

    now: float
    by: str
    evaluations: list[Evaluation] = field(default_factory=list)
    absent: Sequence[tuple[str, Instant, str]] = ()
    is_present: bool = False
    began: float = field(default=0.0)
    quiet: list[QuietRow] = field(default_factory=list)
    is_idle: bool = False

    def strategies(self) -> set[object]:
        """Return the names of those that took candles in."""
        return {row[0] for row in self.quiet} | {one.strategy for one in self.evaluations}


_written: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def written(batch: Batch) -> tuple[str, str | None]:
    """Write the candles that a look took in as two texts, the second one for those that changed nothing."""
    quiet = _written((batch.now, batch.by, *batch.quiet)) if batch.quiet else None
    return _written(batch.evaluations), quiet


def read_again(noted: str, quiet: str | None) -> Iterator[Evaluation]:
    """Go through the notes of such texts; versions before this one wrote the first one only."""
    for strategy, *quiet_row in _rows_of_quiet(quiet, str):
        yield evaluation_of(strategy, quiet_row)
    for row in json.loads(noted):
        one = Evaluation(*row)
        seen = None if one.seen is None else Seen(Candle(*one.seen[0]), *one.seen[1:])
        side, cross = (None if each is None else Side(each) for each in (one.side, one.cross))
        apart: Any = one.gap
        gap = Apart(*apart).gap if isinstance(apart, list) else apart
        yield one._replace(side=side, cross=cross, seen=seen, gap=gap)


def rows_of(noted: str, quiet: str | None, number: Callable[[str], int]) -> Iterator[tuple[object, ...]]:
    """Return the rows of the decisions that such texts hold, with numbers in the place of names."""
    yield from _rows_of_quiet(quiet, number)
    for one in read_again(noted, None):
        yield row_of(one, number)


def _rows_of_quiet(text: str | None, number: Callable[[str], Any]) -> Iterator[tuple[Any, ...]]:
    at, by, *rows = (0, "") if text is None else json.loads(text)
    at_ms, by_number = int(at * 1_000 + 0.5), number(by)
    for strategy, series, decimals, unit, side, time, opened, high, low, close, fast, over, slow, under in rows:
        noted = number(strategy), time, at_ms, by_number, _STORED, side, None, None, None
        gap = Apart((fast, over), (slow, under), unit).gap
        yield *noted, number(series), decimals, opened, high, low, close, gap


def row_of(one: Evaluation, number: Callable[[str], int]) -> tuple[object, ...]:
    """Return the row of a decision, with numbers in the place of names."""
    strategy, time, at, by, start, side, cross, rejected_by, signal_id, seen, gap = one
    return (
        number(strategy),
        time,
        int(at * 1_000 + 0.5),
        number(by),
        start,
        # Both are integers already.
        side,
        cross,
        rejected_by,
        None if signal_id is None else bytes.fromhex(signal_id),
        *((None,) * 6 if seen is None else (number(seen.series), seen.decimals, *seen.candle[1:])),
        gap,
    )


def evaluation_of(strategy: str, row: Sequence[Any]) -> Evaluation:
    """Return the decision that a row of ``COLUMNS`` and ``LATER_COLUMNS`` holds, with names in the place of numbers."""
    time, at, by, start, side, cross, rejected_by, signal_id, series, decimals, *prices, gap = row
    return Evaluation(
        strategy,
        time,
        at / 1_000,
        by,
        start,
        None if side is None else Side(side),
        None if cross is None else Side(cross),
        rejected_by,
        None if signal_id is None else signal_id.hex(),
        None if decimals is None else Seen(Candle(time, *prices), decimals, series),
        gap,
    )


def gap_pips(gap: int) -> Decimal:
    """Return a gap in pips as it is stored."""
    return Decimal(gap).scaleb(-_GAP_DIGITS)

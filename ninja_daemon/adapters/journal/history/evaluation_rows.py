"""Decisions as rows of their file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.usecases.proof.noted import Apart, Evaluation, Seen

COLUMNS: Final = ("time", "at", "by", "start", "side", "cross", "rejected_by", "id")
LATER_COLUMNS: Final = ("series", "decimals", "open", "high", "low", "close", "gap")
"""Integers, null in the rows of versions before them; the series is the number of a name, the gap in 0.0001 pips."""
_GAP_DIGITS: Final = 4


@dataclass(slots=True)
class Batch:
    """What is to be noted at once.

    Attributes:
        now: when it is noted (epoch seconds).
        by: the process that notes it.
        evaluations: candles taken in; a candle that is noted already keeps its first note.
        absent: by strategy, the close that was not evaluated and why.
        is_present: the process works.
    """

    now: float
    by: str
    evaluations: Sequence[Evaluation] = ()
    absent: Sequence[tuple[str, Instant, str]] = ()
    is_present: bool = False
    began: float = field(default=0.0)


written: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
"""Writes the notes of one look as a text."""


def read_again(text: str) -> Iterator[Evaluation]:
    """Go through the notes of such a text."""
    for row in json.loads(text):
        one = Evaluation(*row)
        seen = None if one.seen is None else Seen(Candle(*one.seen[0]), *one.seen[1:])
        side, cross = (None if each is None else Side(each) for each in (one.side, one.cross))
        apart: Any = one.gap
        gap = Apart(*apart).gap if isinstance(apart, list) else apart
        yield one._replace(side=side, cross=cross, seen=seen, gap=gap)


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


def evaluation_of(strategy: str, row: tuple[Any, ...]) -> Evaluation:
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

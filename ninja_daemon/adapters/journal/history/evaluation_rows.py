"""Decisions as rows of their file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.usecases.proof.evaluations import Evaluation


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


def evaluation_of(
    strategy: str, row: tuple[int, int, str, str, int | None, int | None, str | None, bytes | None]
) -> Evaluation:
    """Return the decision that a row holds."""
    time, at, by, start, side, cross, rejected_by, signal_id = row
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
    )

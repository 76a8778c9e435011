"""What a difference between the record and the candles is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.usecases.proof.kind import DifferenceKind

if TYPE_CHECKING:  # brings numpy along, which pages about differences do without
    from ninja_daemon.usecases.proof.derivation import Derived


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the candles say.

    Attributes:
        strategy: its name.
        kind: of the difference.
        time: open of the candle, None where there is none.
        field: what differs: a field of a signal or of what is stored.
        stored: what was committed, ``-`` for nothing.
        derived: what the candles give, ``-`` for nothing.
        meaning: what it means and what follows.
    """

    strategy: str
    kind: DifferenceKind
    time: Instant | None
    field: str
    stored: str
    derived: str
    meaning: str


def difference(
    derived: Derived, kind: DifferenceKind, time: Instant | None, field: str, stored: str, now: str, *, meaning: str
) -> Difference:
    """Return a difference of the strategy whose candles these are."""
    return Difference(derived.rules.strategy.name, kind, time, field, stored, now, meaning=meaning)


def side_name(sign: int) -> str:
    """Return a side by its sign, ``-`` for none."""
    return Side(sign).name if sign else "-"

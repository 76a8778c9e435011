"""How far one series has come through its files: what comes next is compared with what was last."""

from __future__ import annotations

from dataclasses import dataclass

from ninja_daemon.adapters.candle_files.faults import Faults
from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.core.market.granularity import Granularity


@dataclass(slots=True)
class Progress:
    """What the steps of settling share.

    Attributes:
        step: seconds of a candle; 0 for ticks.
        granularity: of the candles, None for ticks and for steps that are no timeframe.
        decimals: digits after the point of what comes out.
        faults: collects all problems.
        counts: how often each repair or omission happened.
        knows_zone: the zone is known, so that the grid can be checked.
        last: time of the last candle, None before the first.
        close: its close.
        last_prices: all prices of the last row before anything was mended.
    """

    step: int
    granularity: Granularity | None
    decimals: int
    faults: Faults
    counts: dict[str, int]
    knows_zone: bool = True
    last: int | None = None
    close: int | None = None
    last_prices: Integers | None = None

    def count(self, what: str, amount: int = 1) -> None:
        """Count what was mended or dropped."""
        if amount:
            self.counts[what] = self.counts.get(what, 0) + amount

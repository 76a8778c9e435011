"""The average of a larger timeframe, and what it was at any moment (contract 13, ``trend``).

Its candles count from their own close on, and never before: so an unfinished one plays no part.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from ninja_daemon.core.averages.average import MovingAverage, Ratio
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant


@dataclass(frozen=True, slots=True)
class TrendAverage:
    """Which average of which timeframe.

    Attributes:
        granularity: a larger timeframe than the strategy's.
        ma_type: kind of the average.
        period: in candles of that timeframe.
    """

    granularity: Granularity
    ma_type: MovingAverageKind
    period: int

    @property
    def warm_up(self) -> int:
        """Candles after which the average is full and independent of the start."""
        return self.ma_type.average.warm_up(self.period)

    @property
    def normal_form(self) -> dict[str, object]:
        """The settings as they enter the settings hash."""
        return {"timeframe": self.granularity.name, "ma_type": self.ma_type.value, "period": self.period}

    def empty_state(self, decimals: int) -> TrendState:
        """Return the state before the first candle of all; its prices will have that many digits after the point."""
        average = self.ma_type.average
        return TrendState(None, 0, decimals, Window(average.closes_held(self.period)), average.empty(self.period))

    def over(self, candles: Iterable[Candle], decimals: int, wanted: int) -> Trend:
        """Return the average over a whole history.

        Args:
            candles: complete ones, oldest first.
            decimals: of their prices.
            wanted: of the strategy's prices.
        """
        return Trend.over(self.granularity, self.empty_state(decimals), candles, wanted)


class TrendState(NamedTuple):
    """The average after some of the larger candles, all of them complete.

    Attributes:
        last: open of the newest of them; None before the first.
        seen: how many they are.
        decimals: digits after the point of the closes' integers.
        closes: the newest closes.
        average: over them.
    """

    last: Instant | None
    seen: int
    decimals: int
    closes: Window
    average: MovingAverage

    def after(self, candle: Candle) -> Self:
        """Take in the next complete candle."""
        closes = self.closes.pushed(candle.close)
        return type(self)(candle.time, self.seen + 1, self.decimals, closes, self.average.updated(closes))

    def after_all(self, candles: Iterable[Candle]) -> Self:
        """Take in complete candles, oldest first."""
        state = self
        for candle in candles:
            state = state.after(candle)
        return state


@dataclass(frozen=True, slots=True)
class Trend:
    """What the average was at each moment.

    Attributes:
        closes: ascending; when each larger candle closed, after one entry for what was before them.
        values: the average from then on, in the units of the strategy's prices; None while it is not full.
    """

    closes: Sequence[Instant] = ()
    values: Sequence[Ratio | None] = ()

    @classmethod
    def over(cls, granularity: Granularity, state: TrendState, candles: Iterable[Candle], decimals: int) -> Self:
        """Return what the average was after a state and then after each of some candles.

        Args:
            granularity: of the candles.
            state: before them.
            candles: complete ones, oldest first, in the digits of the state.
            decimals: digits after the point of the strategy's prices.
        """
        up, down = 10 ** max(0, decimals - state.decimals), 10 ** max(0, state.decimals - decimals)
        closes, ratios = [_BEFORE_ALL], [state.average.ratio]
        for candle in candles:
            state = state.after(candle)
            closes.append(granularity.close_of(candle.time))
            ratios.append(state.average.ratio)
        return cls(closes, [None if ratio is None else (ratio[0] * up, ratio[1] * down) for ratio in ratios])

    def signs(self, moments: Iterable[Instant], prices: Iterable[int]) -> list[int]:
        """Return on which side of the average a price lies at each moment: 1 above, −1 below, 0 for neither."""
        found = []
        for moment, price in zip(moments, prices, strict=True):
            whole, part = self.at(moment) or (0, 0)
            found.append((price * part > whole) - (price * part < whole))
        return found

    def at(self, moment: Instant) -> Ratio | None:
        """Return the average of the candles that had closed by then; None where it is not full or not known."""
        place = bisect_right(self.closes, moment) - 1
        return self.values[place] if place >= 0 else None


_BEFORE_ALL: Final = 0
NO_TREND: Final = Trend()

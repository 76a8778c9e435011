"""How the candles of a broker lie: its history, and single answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from ninja_daemon.core.market.granularity import new_york_day_start, trading_day
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.simulator.markets.quotes import Row
from ninja_daemon.simulator.markets.view import RowWindow

_FRIDAY: Final = 4


@dataclass(frozen=True, slots=True)
class Missing:
    """The broker never has the candle that opens at ``at``."""

    at: Instant

    def rows(self, rows: list[Row], window: RowWindow) -> list[Row]:
        """Take the candle out."""
        del window
        return [row for row in rows if row.time != self.at]


@dataclass(frozen=True, slots=True)
class Late:
    """The candle that opens at ``at`` is absent until ``until``."""

    at: Instant
    until: float

    def rows(self, rows: list[Row], window: RowWindow) -> list[Row]:
        """Take the candle out as long as it is not published."""
        return rows if window.now >= self.until else [row for row in rows if row.time != self.at]


@dataclass(frozen=True, slots=True)
class Revised:
    """The candle that opens at ``at`` closes ``by`` price units higher than it did before ``since``."""

    at: Instant
    by: int
    since: float = 0.0

    def rows(self, rows: list[Row], window: RowWindow) -> list[Row]:
        """Move the close, and the range as far as it must."""
        if window.now < self.since:
            return rows
        return [self._revised(row) if row.time == self.at else row for row in rows]

    def _revised(self, row: Row) -> Row:
        close = row.close + self.by
        return row._replace(close=close, high=max(row.high, close), low=min(row.low, close))


@dataclass(frozen=True, slots=True)
class StrayFriday:
    """A price or two after Friday's close: a candle on every Friday at 17:00 in New York (facts: 3.5)."""

    volume: int = 2

    def rows(self, rows: list[Row], window: RowWindow) -> list[Row]:
        """Insert the candles where the history has none."""
        grain = window.granularity
        opens = {grain.open_at(friday) for friday in self._fridays(window)}
        fresh = sorted(opens - {row.time for row in rows})
        strays = [stray for at in fresh if window.start <= at < window.end and (stray := self._stray(at, window))]
        return sorted([*rows, *strays])

    def _fridays(self, window: RowWindow) -> list[Instant]:
        last = min(window.end, int(window.now) + 1)
        days = {trading_day(at) for at in range(window.start, last, 86_400)} | {trading_day(last - 1)}
        return [start for day in days if day.weekday() == _FRIDAY and (start := new_york_day_start(day)) < last]

    def _stray(self, at: Instant, window: RowWindow) -> Row | None:
        price = window.close_before(at)
        return None if price is None else Row(at, price, price, price, price, self.volume)


class Shown(NamedTuple):
    """A candle on its way into an answer.

    Attributes:
        row: time, prices and volume.
        complete: what the broker says of it.
        close_text: the close, word for word; empty for the close of the row.
    """

    row: Row
    complete: bool
    close_text: str = ""


class Flaw(Enum):
    """How a candle of an answer is spoiled."""

    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out-of-order"
    OFF_GRID = "off-grid"
    HIGH_BELOW_LOW = "high-below-low"
    ZERO = "zero"
    NEGATIVE = "negative"


@dataclass(frozen=True, slots=True)
class Spoiled:
    """One candle of an answer is wrong; the one that opens at ``at``, or the newest complete one."""

    flaw: Flaw
    at: Instant | None = None

    def shown(self, candles: list[Shown]) -> list[Shown]:
        """Spoil the candle, if it is there."""
        place = _place(candles, self.at)
        if place is None:
            return candles
        before, it, after = candles[:place], candles[place], candles[place + 1 :]
        row = it.row
        match self.flaw:
            case Flaw.DUPLICATE:
                return [*before, it, it, *after]
            case Flaw.OUT_OF_ORDER:
                return [*before[:-1], it, *before[-1:], *after]
            case Flaw.OFF_GRID:
                row = row._replace(time=row.time + 1)
            case Flaw.HIGH_BELOW_LOW:
                row = row._replace(high=row.low - 1)
            case Flaw.ZERO:
                row = Row(row.time, 0, 0, 0, 0, row.volume)
            case Flaw.NEGATIVE:
                row = Row(row.time, -row.open, -row.high, -row.low, -row.close, row.volume)
        return [*before, it._replace(row=row), *after]


@dataclass(frozen=True, slots=True)
class CloseText:
    """The close of one candle is not a price but a text: ``NaN``, ``1e5``, ten thousand digits."""

    text: str
    at: Instant | None = None

    def shown(self, candles: list[Shown]) -> list[Shown]:
        """Replace the close, if the candle is there."""
        place = _place(candles, self.at)
        if place is None:
            return candles
        return [*candles[:place], candles[place]._replace(close_text=self.text), *candles[place + 1 :]]


HistoryChange: TypeAlias = Missing | Late | Revised | StrayFriday
"""What the broker's history is; it concerns every way of asking."""


AnswerFlaw: TypeAlias = Spoiled | CloseText
"""The flaws of one answer."""


def _place(candles: Sequence[Shown], at: Instant | None) -> int | None:
    fits = [place for place, it in enumerate(candles) if (it.complete if at is None else it.row.time == at)]
    return fits[-1] if fits else None

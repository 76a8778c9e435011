"""From rows to candles: times in UTC, prices in one unit, everything checked, mended and counted on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from ninja_daemon.adapters.candle_files.faults import Faults
from ninja_daemon.adapters.candle_files.labels import Labels
from ninja_daemon.adapters.candle_files.layout import SIDES, Layout, Options
from ninja_daemon.adapters.candle_files.survey import Survey, decided
from ninja_daemon.adapters.candle_files.text.prices import MOST_DIGITS
from ninja_daemon.adapters.candle_files.text.rows import Rows
from ninja_daemon.adapters.candle_files.text.spool import Spool
from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.adapters.candle_files.zones import DAY, HOUR, Zone, is_weekend
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant

_LARGEST: Final = 10**MOST_DIGITS
_FIFTH: Final = 5
_MOST_MOVED: Final = 20
"""One in so many stamps may be that of the candle's first trade."""
_DEFAULT_CURE: Final = "mend the line; where the columns have another order, name it by --columns"


class Part(NamedTuple):
    """Some candles, or ticks whose four prices are one.

    Attributes:
        time: opens in UTC, or the seconds of the ticks.
        prices: open, high, low, close.
        volume: -1 where there is none.
    """

    time: Integers
    prices: Integers
    volume: Integers

    def where(self, kept: Integers) -> Part:
        """Return those chosen."""
        return Part(self.time[kept], self.prices[:, kept], self.volume[kept])


@dataclass(slots=True)
class FileToSettle:
    """One file, read and surveyed.

    Attributes:
        spool: its rows.
        layout: how it is written.
        options: what the user says.
        survey: what its times show.
        day_first: the order of day and month, None where it is written.
        zones: the zones, each until a wall clock time; empty while unknown, then times are taken for UTC.
        is_always_open: it trades on weekends, so that flat candles there are no filling.
        labels: what dates alone mean.
    """

    spool: Spool
    layout: Layout
    options: Options
    survey: Survey
    day_first: bool | None = None
    zones: Sequence[tuple[int | None, Zone]] = ()
    is_always_open: bool = False
    labels: Labels | None = None


@dataclass(slots=True)
class Settling:
    """The way of one series through its files.

    Attributes:
        step: seconds of a candle; 0 for ticks.
        granularity: of the candles, None for ticks and for steps that are no timeframe.
        decimals: digits after the point of what comes out.
        faults: takes what is wrong.
        counts: takes what was mended or dropped.
        knows_zone: the zone is known, so that the grid can be checked.
        close_is_open: days of a file of Yahoo's whose close is their open, and all days.
    """

    step: int
    granularity: Granularity | None
    decimals: int
    faults: Faults
    counts: dict[str, int]
    knows_zone: bool = True
    rows: int = 0
    bid_above_ask: int = 0
    same_close: list[int] = field(default_factory=lambda: [0, 0])
    _last: int | None = None
    _last_prices: Integers | None = None
    _close: int | None = None
    _zeros: list[tuple[str, int]] = field(default_factory=list)
    _moved: list[tuple[str, int, str]] = field(default_factory=list)

    def settle(self, file: FileToSettle) -> Iterator[Part]:
        """Go through the candles of a file, oldest first."""
        coarse = file.survey.begins_coarse
        self._count("rows at the beginning that are a day apart", coarse)
        for rows in file.spool.rows(turned=file.survey.is_turned):
            self.rows += len(rows)
            cut, coarse = min(coarse, len(rows)), max(0, coarse - len(rows))
            part, number = self._timed(rows.since(cut), file)
            if len(part.time):
                part, number = self._ordered(part, number, file)
            if len(part.time):
                part, number = self._priced(part, number, file)
            if len(part.time):
                part = self._on_grid(part, number, file)
            if len(part.time):
                self._last, self._close = int(part.time[-1]), int(part.prices[-1, -1])
                yield part

    @property
    def notes(self) -> list[str]:
        """Return what the closing paragraph says besides the counts."""
        return [f"bid above ask in {self.bid_above_ask:,} rows"] if self.bid_above_ask else []

    def finish(self) -> None:
        """Say what only the end shows."""
        if self._zeros:
            self._count("rows of zeros at the end", len(self._zeros))
        if len(self._moved) * _MOST_MOVED > self.rows:
            where, number, message = self._moved[0]
            self.faults.add("grid", where, number, message, self._grid_cure(), len(self._moved))
        elif self._moved:
            self._count("stamps of the first trade, moved to the candle's open", len(self._moved))

    # --- times -------------------------------------------------------------------------------------------------------

    def _timed(self, rows: Rows, file: FileToSettle) -> tuple[Part, Integers]:
        wall, fits = decided(rows.time, file.day_first)
        number, prices, volume = rows.number, self._scaled(rows, file), rows.volume
        if not fits.all():
            at = int(np.flatnonzero(~fits)[0])
            message = "a time must be in the calendar, was not"
            self.faults.add("time", file.spool.name, int(number[at]), message, count=int((~fits).sum()))
            wall, number, prices, volume = wall[fits], number[fits], prices[:, fits], volume[fits]
        utc, kept = (wall, None) if rows.is_utc else self._utc(wall, number, file)
        if kept is not None and not kept.all():
            utc, number, prices, volume = utc[kept], number[kept], prices[:, kept], volume[kept]
        utc = self._opens(utc, file)
        return Part(utc, prices, volume), number

    def _utc(self, wall: Integers, number: Integers, file: FileToSettle) -> tuple[Integers, Integers | None]:
        if file.labels is not None:
            return file.labels.opens(wall), None
        if not file.zones:
            return wall, None
        if len(file.zones) == 1 and file.zones[0][0] is None:
            return self._in_zone(wall, number, file.zones[0][1], file), None
        utc, kept, start = np.zeros_like(wall), np.zeros(len(wall), dtype=np.bool_), None
        for until, zone in file.zones:
            mine = np.ones(len(wall), dtype=np.bool_)
            if start is not None:
                mine &= wall >= start
            if until is not None:
                mine &= wall < until
            utc[mine] = self._in_zone(wall[mine], number[mine], zone, file)
            kept |= mine
            start = until
        self._count("rows behind the last UNTIL of --zone", int((~kept).sum()))
        return utc, kept

    def _in_zone(self, wall: Integers, number: Integers, zone: Zone, file: FileToSettle) -> Integers:
        utc = zone.utc(wall)
        if zone.place is None:
            return utc
        missing = zone.is_missing(wall, utc)
        if missing.any():
            at = int(np.flatnonzero(missing)[0])
            message = f"there is no such time in {zone.name}: its clock is set forward over it"
            cure = "say the zone of the file: --zone"
            self.faults.add("gap", file.spool.name, int(number[at]), message, cure, int(missing.sum()))
        amount = zone.repeated(wall)
        for at in np.flatnonzero(amount).tolist():
            # The second time round: the hour before it has been.
            before = int(utc[at - 1]) if at else self._last
            if before is not None and before >= utc[at]:
                utc[at] += amount[at]
        return utc

    def _opens(self, utc: Integers, file: FileToSettle) -> Integers:
        if (file.options.stamp or file.layout.stamp) == "open" or self.step == 0 or file.labels is not None:
            return utc
        if self.step <= HOUR:
            return utc - self.step
        grid = self.granularity
        return utc if grid is None else np.array([grid.open_at(each - 1) for each in utc.tolist()], dtype=np.int64)

    def _ordered(self, part: Part, number: Integers, file: FileToSettle) -> tuple[Part, Integers]:
        before = part.time[0] - 1 if self._last is None else self._last
        steps = np.diff(np.concatenate(([before], part.time)))
        if (steps > 0).all() or (file.layout.is_ticks and (steps >= 0).all()):
            return part, number
        kept = np.ones(len(part.time), dtype=np.bool_)
        newest, last_row = self._last, -1
        for at in range(len(part.time)):
            time = int(part.time[at])
            if newest is None or time > newest or (file.layout.is_ticks and time == newest):
                newest, last_row = time, at
                continue
            kept[at] = False
            previous = part.prices[:, last_row] if last_row >= 0 else self._last_prices
            if time == newest and previous is not None and (part.prices[:, at] == previous).all():
                self._count("equal duplicates")
            else:
                self._misplaced(time, newest, int(number[at]), file)
        return part.where(kept), number[kept]

    def _misplaced(self, time: int, newest: int, number: int, file: FileToSettle) -> None:
        if file.survey.has_half_a_clock:
            message = "times must say AM or PM: they are of a 12-hour clock without, so that half of them come twice"
            self.faults.add("half a clock", file.spool.name, None, message, "export the file again with 24 hours")
        elif time == newest:
            message = f"one time must have one candle, {format_instant(time)} comes again with other prices"
            self.faults.add("two prices", file.spool.name, number, message, "take one of them out")
        else:
            before, now = format_instant(newest), format_instant(time)
            message = f"time must be later than that of the candle before, {before}, was {now}"
            self.faults.add("backward", file.spool.name, number, message, "sort the file by its times")

    # --- prices ------------------------------------------------------------------------------------------------------

    def _scaled(self, rows: Rows, file: FileToSettle) -> Integers:
        """Return the prices as open, high, low, close of one unit; those of two sides as eight lines."""
        is_mid = len(rows.prices) in {2, len(SIDES)} and self._is_mid(file)
        factor = 10 ** (self.decimals - is_mid - rows.decimals)
        if factor > 1 and int(np.abs(rows.prices).max()) * factor >= _LARGEST:
            at = int(np.abs(rows.prices).max(axis=0).argmax())
            message = f"a price must have at most {MOST_DIGITS} digits with {self.decimals} of them after the point"
            self.faults.add("digits", file.spool.name, int(rows.number[at]), message)
            return np.ones_like(rows.prices)
        return rows.prices * factor if factor != 1 else rows.prices

    @staticmethod
    def _is_mid(file: FileToSettle) -> bool:
        return file.options.price == "mid"

    def _priced(self, part: Part, number: Integers, file: FileToSettle) -> tuple[Part, Integers]:
        self._last_prices = part.prices[:, -1]
        part, number = self._without_zeros(part, number, file)
        if not len(part.time):
            return part, number
        good = self._checked(part, number, file)
        if not good.all():
            part, number = part.where(good), number[good]
        part = self._one_side(part, file)
        good = self._plausible(part, number, file) if len(part.time) else good
        if len(part.time) and not good.all():
            part, number = part.where(good), number[good]
        return part, number

    def _without_zeros(self, part: Part, number: Integers, file: FileToSettle) -> tuple[Part, Integers]:
        zero = np.zeros(len(part.time), dtype=np.bool_) if part.prices.min() > 0 else (part.prices == 0).all(axis=0)
        others = np.flatnonzero(~zero)
        if self._zeros and len(others):
            self._no_price(self._zeros[0][0], self._zeros[0][1], len(self._zeros))
            self._zeros.clear()
        if zero.any():
            rows = np.flatnonzero(zero)
            inside = rows[rows < others[-1]] if len(others) else rows[:0]
            if len(inside):
                self._no_price(file.spool.name, int(number[inside[0]]), len(inside))
            self._zeros += [(file.spool.name, int(number[at])) for at in rows[len(inside) :].tolist()]
            part, number = part.where(~zero), number[~zero]
        return part, number

    def _no_price(self, where: str, number: int, count: int) -> None:
        self.faults.add("zero", where, number, "prices must be positive, were not", "take the line out", count)

    def _checked(self, part: Part, number: Integers, file: FileToSettle) -> Integers:
        positive = np.asarray((part.prices > 0).all(axis=0))
        if not positive.all():
            bad = np.flatnonzero(~positive)
            self._no_price(file.spool.name, int(number[bad[0]]), len(bad))
        good = positive.copy()
        if not file.layout.is_ticks:
            for at in range(0, len(part.prices), 4):
                open_, high, low, close = part.prices[at : at + 4]
                inside = (low <= open_) & (open_ <= high) & (low <= close) & (close <= high)
                bad = np.flatnonzero(~inside & positive)
                if len(bad):
                    message = "open and close must lie between low and high, did not"
                    self.faults.add("range", file.spool.name, int(number[bad[0]]), message, _DEFAULT_CURE, len(bad))
                good &= inside
        return good

    def _one_side(self, part: Part, file: FileToSettle) -> Part:
        if len(part.prices) == 4:  # noqa: PLR2004 - one side
            return part
        half = len(part.prices) // 2
        bid, ask = part.prices[:half], part.prices[half:]
        self.bid_above_ask += int((bid > ask).any(axis=0).sum())
        chosen = (bid + ask) * 5 if file.options.price == "mid" else bid if file.options.price == "bid" else ask
        if half == 1:
            chosen = np.repeat(chosen, 4, axis=0)
        return Part(part.time, chosen, part.volume)

    def _plausible(self, part: Part, number: Integers, file: FileToSettle) -> Integers:
        open_, high, low, close = part.prices
        before = np.concatenate(([open_[0] if self._close is None else self._close], close[:-1]))
        if file.layout.format == "yahoo" and self.step >= DAY:
            self.same_close[0] += int((np.abs(close - open_) * 2_000 <= close).sum())
            self.same_close[1] += len(close)
        good = np.ones(len(close), dtype=np.bool_)
        if file.layout.is_ticks or self.step > DAY:
            wide = high > _FIFTH * low
            step = np.zeros_like(wide)
        else:
            wide = (high - low) * _FIFTH > close
            step = (open_ > _FIFTH * before) | (open_ * _FIFTH < before)
        for kind, what, found in (
            ("wide", "a candle's range must be at most a fifth of the price", wide),
            ("jump", "a price must be at most five times the one before", step),
        ):
            if found.any() and not (kind == "jump" and self.faults.has("wide")):
                bad = np.flatnonzero(found)
                message = f"{what}, was more: has a decimal point been lost?"
                self.faults.add(kind, file.spool.name, int(number[bad[0]]), message, "mend the line", len(bad))
        filling = self._filling(part, before, file)
        if filling is not None and filling.any():
            self._count("flat candles of closed time", int(filling.sum()))
            good &= ~filling
        return good

    def _filling(self, part: Part, before: Integers, file: FileToSettle) -> Integers | None:
        if file.layout.is_ticks or self.step > DAY:
            return None
        _, high, low, close = part.prices
        flat = high == low
        if not flat.any():
            return None
        if file.layout.drops_flat:
            flat_and_empty: Integers = flat & (part.volume == 0)
            return flat_and_empty
        if file.is_always_open or file.layout.is_fine or self.step == DAY or not self.knows_zone:
            return None
        filling: Integers = flat & ((part.volume == 0) | (close == before)) & is_weekend(part.time)
        return filling

    # --- the grid ----------------------------------------------------------------------------------------------------

    def _on_grid(self, part: Part, number: Integers, file: FileToSettle) -> Part:
        if not self.step or not self.knows_zone:
            return part
        if self.step <= HOUR:
            rest = part.time % self.step
            return part if not rest.any() else self._moved_to_open(part, number, rest, file)
        if self.granularity is None:
            return part
        off = np.array([not self.granularity.is_border(at) for at in part.time.tolist()], dtype=np.bool_)
        if off.any():
            bad = np.flatnonzero(off)
            message = self._off_grid(int(part.time[bad[0]]))
            self.faults.add("grid", file.spool.name, int(number[bad[0]]), message, self._grid_cure(), len(bad))
        return part.where(~off)

    def _moved_to_open(self, part: Part, number: Integers, rest: Integers, file: FileToSettle) -> Part:
        opens = part.time - rest
        before = np.concatenate(([opens[0] - 1 if self._last is None else self._last], part.time[:-1]))
        after = np.concatenate((part.time[1:], [part.time[-1] + self.step]))
        moves = (rest > 0) & (opens > before) & (after >= opens + self.step)
        stays = (rest > 0) & ~moves
        if file.layout.is_fine:
            moves, stays = np.zeros_like(moves), rest > 0
        for at in np.flatnonzero(moves).tolist():
            self._moved.append((file.spool.name, int(number[at]), self._off_grid(int(part.time[at]))))
        if stays.any():
            bad = np.flatnonzero(stays)
            message = self._off_grid(int(part.time[bad[0]]))
            self.faults.add("grid", file.spool.name, int(number[bad[0]]), message, self._grid_cure(), len(bad))
        return Part(opens, part.prices, part.volume).where(~stays)

    def _off_grid(self, at: int) -> str:
        if self.granularity is None:
            return f"a candle must open on a multiple of {self.step} s, was {format_instant(at)}"
        nearest = format_instant(self.granularity.open_at(at))
        return (
            f"a {self.granularity.name} candle must open on the 17:00 New York grid, was {format_instant(at)} "
            f"(the border before it is {nearest})"
        )

    def _grid_cure(self) -> str:
        name = "H4" if self.granularity is None else self.granularity.name
        if self.step <= HOUR:
            return "say the zone of the file: --zone"
        return f"candles of another grid cannot be turned into these; give hours or minutes of this feed: --join {name}"

    def _count(self, what: str, amount: int = 1) -> None:
        if amount:
            self.counts[what] = self.counts.get(what, 0) + amount

"""Times of rows in UTC, in order, each once."""

from __future__ import annotations

import numpy as np

from ninja_daemon.adapters.candle_files.clocks.zones import Zone
from ninja_daemon.adapters.candle_files.layout import SIDES
from ninja_daemon.adapters.candle_files.settling.parts import CandlePart, FileToSettle
from ninja_daemon.adapters.candle_files.settling.progress import Progress
from ninja_daemon.adapters.candle_files.survey import decided
from ninja_daemon.adapters.candle_files.text.price_shapes import LARGEST
from ninja_daemon.adapters.candle_files.text.rows import Rows
from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.rounding import MOST_DIGITS
from ninja_daemon.core.spans import HOUR


class Timing:
    """The first step: when each row is."""

    def __init__(self, at: Progress) -> None:
        """Begin with the first row."""
        self._at = at

    def timed(self, rows: Rows, file: FileToSettle) -> tuple[CandlePart, Integers]:
        """Give each row its time, the open of its candle in UTC."""
        wall, fits = decided(rows.time, file.day_first)
        number, prices, volume = rows.number, self._scaled(rows, file), rows.volume
        if not fits.all():
            at = int(np.flatnonzero(~fits)[0])
            message = "a time must be in the calendar, was not"
            self._at.faults.add("time", file.spool.name, int(number[at]), message, count=int((~fits).sum()))
            wall, number, prices, volume = wall[fits], number[fits], prices[:, fits], volume[fits]
        utc, kept = (wall, None) if rows.is_utc else self._utc(wall, number, file)
        if kept is not None and not kept.all():
            utc, number, prices, volume = utc[kept], number[kept], prices[:, kept], volume[kept]
        utc = self._opens(utc, file)
        return CandlePart(utc, prices, volume), number

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
        self._at.count("rows behind the last UNTIL of --zone", int((~kept).sum()))
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
            self._at.faults.add("gap", file.spool.name, int(number[at]), message, cure, int(missing.sum()))
        amount = zone.repeated(wall)
        for at in np.flatnonzero(amount).tolist():
            # The second pass of a repeated hour: the first one has been read.
            before = int(utc[at - 1]) if at else self._at.last
            if before is not None and before >= utc[at]:
                utc[at] += amount[at]
        return utc

    def _opens(self, utc: Integers, file: FileToSettle) -> Integers:
        if (file.options.stamp or file.layout.stamp) == "open" or self._at.step == 0 or file.labels is not None:
            return utc
        if self._at.step <= HOUR:
            return utc - self._at.step
        grid = self._at.granularity
        return utc if grid is None else np.array([grid.open_at(each - 1) for each in utc.tolist()], dtype=np.int64)

    def ordered(self, part: CandlePart, number: Integers, file: FileToSettle) -> tuple[CandlePart, Integers]:
        """Keep the rows that are later than all before; an equal duplicate is dropped, anything else is a fault."""
        before = part.time[0] - 1 if self._at.last is None else self._at.last
        steps = np.diff(np.concatenate(([before], part.time)))
        if (steps > 0).all() or (file.layout.is_ticks and (steps >= 0).all()):
            return part, number
        kept = np.ones(len(part.time), dtype=np.bool_)
        newest, last_row = self._at.last, -1
        for at in range(len(part.time)):
            time = int(part.time[at])
            if newest is None or time > newest or (file.layout.is_ticks and time == newest):
                newest, last_row = time, at
                continue
            kept[at] = False
            previous = part.prices[:, last_row] if last_row >= 0 else self._at.last_prices
            if time == newest and previous is not None and (part.prices[:, at] == previous).all():
                self._at.count("equal duplicates")
            else:
                self._misplaced(time, newest, int(number[at]), file)
        return part.where(kept), number[kept]

    def _misplaced(self, time: int, newest: int, number: int, file: FileToSettle) -> None:
        if file.survey.has_half_a_clock:
            message = "times must say AM or PM: they are of a 12-hour clock without, so that half of them come twice"
            self._at.faults.add("half a clock", file.spool.name, None, message, "export the file again with 24 hours")
        elif time == newest:
            message = f"one time must have one candle, {format_instant(time)} comes again with other prices"
            self._at.faults.add("two prices", file.spool.name, number, message, "take one of them out")
        else:
            before, now = format_instant(newest), format_instant(time)
            message = f"time must be later than that of the candle before, {before}, was {now}"
            self._at.faults.add("backward", file.spool.name, number, message, "sort the file by its times")

    def _scaled(self, rows: Rows, file: FileToSettle) -> Integers:
        """Return the prices as open, high, low, close of one unit; those of two sides as eight lines."""
        is_mid = len(rows.prices) in {2, len(SIDES)} and file.options.price == "mid"
        factor = 10 ** (self._at.decimals - is_mid - rows.decimals)
        if factor > 1 and int(np.abs(rows.prices).max()) * factor >= LARGEST:
            at = int(np.abs(rows.prices).max(axis=0).argmax())
            message = f"a price must have at most {MOST_DIGITS} digits with {self._at.decimals} of them after the point"
            self._at.faults.add("digits", file.spool.name, int(rows.number[at]), message)
            return np.ones_like(rows.prices)
        return rows.prices * factor if factor != 1 else rows.prices

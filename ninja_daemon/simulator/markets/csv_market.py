"""A market over recorded candles, digit by digit as they were written."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.simulator.markets.quotes import Listing, Row, aggregated

_SPREAD_TENTHS: Final = 14


@dataclass(frozen=True, slots=True)
class Recording:
    """The candles of one series.

    Attributes:
        decimals: digits after the point of the rows' prices.
        listed: digits with which the broker lists the instrument; at least as many.
        pip_decimals: digits of the prices that were quoted; a mid made of two sides has one more.
        rows: the candles, oldest first.
    """

    decimals: int
    listed: int
    pip_decimals: int
    rows: Sequence[Row]


class CsvMarket:
    """Candles that were recorded, one recording a series.

    A granularity that was not recorded is made of the next finer one that was, which is exact; one that is finer than
    all has no candles. Bid and ask lie seven tenths of a pip below and above the recorded prices (one price unit
    where prices are no finer than a pip). A candle that covers now shows its open only: what comes later is not known.
    """

    def __init__(self, recordings: Mapping[tuple[str, Granularity], Recording]) -> None:
        """Take the series of each instrument together."""
        finest: dict[str, Recording] = {}
        for (name, _), recording in recordings.items():
            finest[name] = max(finest.get(name, recording), recording, key=lambda each: each.listed)
        self._listings = {name: _listing(name, recording) for name, recording in sorted(finest.items())}
        self._rows = {
            (name, granularity): _in_units(recording, finest[name].listed)
            for (name, granularity), recording in recordings.items()
        }
        self._times = {series: [row.time for row in rows] for series, rows in self._rows.items()}

    @property
    def listings(self) -> Mapping[str, Listing]:
        """Return the instruments that were recorded."""
        return self._listings

    @property
    def begins(self) -> Instant:
        """Return the open of the oldest candle."""
        return min((times[0] for times in self._times.values() if times), default=0)

    @property
    def ends(self) -> Instant:
        """Return the close of the newest candle."""
        return max((grain.close_of(times[-1]) for (_, grain), times in self._times.items() if times), default=0)

    def rows(self, instrument: str, granularity: Granularity, start: Instant, end: Instant, now: float) -> list[Row]:
        """Return the candles of a window, see ``Market``."""
        source = self._source(instrument, granularity)
        if source is None:
            return []
        if source is granularity:
            return self._own_rows(instrument, granularity, start, end, now)
        first = granularity.open_at(start)
        rows = aggregated(self._own_rows(instrument, source, first, granularity.next_close(end - 1), now), granularity)
        return [row for row in rows if start <= row.time < end]

    def first_tick(self, instrument: str, granularity: Granularity, start: Instant, end: Instant) -> float | None:
        """Return the open of the first candle of a window, see ``Market``."""
        source = self._source(instrument, granularity)
        if source is None:
            return None
        times = self._times[instrument, source]
        place = bisect_left(times, start)
        return float(times[place]) if place < len(times) and times[place] < end else None

    def _source(self, instrument: str, granularity: Granularity) -> Granularity | None:
        finer = [grain for name, grain in self._rows if name == instrument and _nests(grain, granularity)]
        return max(finer, key=lambda grain: grain.seconds, default=None)

    def _own_rows(
        self, instrument: str, granularity: Granularity, start: Instant, end: Instant, now: float
    ) -> list[Row]:
        rows, times = self._rows[instrument, granularity], self._times[instrument, granularity]
        known = bisect_left(times, int(now) + 1)
        found = rows[bisect_left(times, start) : min(bisect_left(times, end), known)]
        if found and granularity.close_of(found[-1].time) > now:
            forming = found[-1]
            found[-1] = Row(forming.time, forming.open, forming.open, forming.open, forming.open, 1)
        return found


def _nests(finer: Granularity, coarser: Granularity) -> bool:
    """Tell whether every border of ``coarser`` is one of ``finer``; weeks and months begin where days do."""
    if coarser in {Granularity.W, Granularity.M}:
        return finer is coarser or finer.seconds <= Granularity.D.seconds
    return finer.seconds <= coarser.seconds and coarser.seconds % finer.seconds == 0


def _spread(instrument: Instrument) -> int:
    return max(2, _SPREAD_TENTHS * int(10 ** max(0, instrument.pip_digits)) // 10 // 2 * 2)


def _listing(name: str, recording: Recording) -> Listing:
    pip = Instrument.from_decimals(name, recording.pip_decimals).pip_location
    instrument = Instrument(name, recording.listed, pip)
    return Listing(instrument, _spread(instrument))


def _in_units(recording: Recording, decimals: int) -> list[Row]:
    factor = 10 ** (decimals - recording.decimals)
    return [
        Row(time, open_ * factor, high * factor, low * factor, close * factor, volume)
        for time, open_, high, low, close, volume in recording.rows
    ]

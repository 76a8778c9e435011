"""A market over CSV files: the prices of ``time,open,high,low,close,volume`` lines, digit by digit as written."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ninja_daemon.core.errors import CandleRejected, ConfigError
from ninja_daemon.core.market.candle import checked_candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant, parse_instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.simulator.markets.quotes import Listing, Row, aggregated

_HEADER: Final = "time,open,high,low,close,volume"
_FIELDS: Final = 6
_FILE_NAME: Final = re.compile(r"([A-Z0-9]+_[A-Z0-9]+)_([A-Z]\d*)", re.ASCII)
_PRICE: Final = re.compile(r"\d{1,12}(?:\.\d{1,9})?", re.ASCII)
_SPREAD_TENTHS: Final = 14


class CsvMarket:
    """Candles from files, one file a series.

    A granularity without a file is made of the next finer one that has a file, which is exact; one that is finer than
    every file has no candles. Bid and ask lie seven tenths of a pip below and above the file's prices (one price unit
    where prices are no finer than a pip). A candle that covers now shows its open only: what comes later is not known.
    """

    def __init__(self, files: Mapping[tuple[str, Granularity], Path]) -> None:
        """Read all files.

        Raises:
            CandleRejected: a line is no candle, or not later than the one before; names file and line.
        """
        texts = {series: _lines(path) for series, path in files.items()}
        decimals: dict[str, int] = {}
        for (instrument, _), lines in texts.items():
            decimals[instrument] = max(decimals.get(instrument, 0), _decimals(lines))
        self._listings = {
            name: Listing(instrument, _spread(instrument))
            for name, count in sorted(decimals.items())
            for instrument in (Instrument.from_decimals(name, count),)
        }
        self._rows = {
            (name, granularity): _rows(files[name, granularity], lines, granularity, decimals[name])
            for (name, granularity), lines in texts.items()
        }
        self._times = {series: [row.time for row in rows] for series, rows in self._rows.items()}

    @classmethod
    def of_folder(cls, folder: Path) -> CsvMarket:
        """Read every file of a folder whose name is like ``EUR_USD_H4.csv``.

        Raises:
            ConfigError: there is none.
            CandleRejected: a line is no candle.
        """
        files = {series: path for path in sorted(folder.glob("*.csv")) if (series := _series_of(path)) is not None}
        if not files:
            message = f"{folder} must hold files named like EUR_USD_H4.csv, had none"
            raise ConfigError(message)
        return cls(files)

    @property
    def listings(self) -> Mapping[str, Listing]:
        """Return the instruments that have a file."""
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


def _series_of(path: Path) -> tuple[str, Granularity] | None:
    match = _FILE_NAME.fullmatch(path.stem)
    if match is None or match[2] not in Granularity.__members__:
        return None
    return match[1], Granularity[match[2]]


def _nests(finer: Granularity, coarser: Granularity) -> bool:
    """Tell whether every border of ``coarser`` is one of ``finer``; weeks and months begin where days do."""
    if coarser in {Granularity.W, Granularity.M}:
        return finer is coarser or finer.seconds <= Granularity.D.seconds
    return finer.seconds <= coarser.seconds and coarser.seconds % finer.seconds == 0


def _spread(instrument: Instrument) -> int:
    return max(2, _SPREAD_TENTHS * int(10 ** max(0, instrument.pip_digits)) // 10 // 2 * 2)


def _lines(path: Path) -> list[str]:
    try:
        header, *lines = path.read_text(encoding="ascii").splitlines() or [""]
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} must be a readable text file: {error}"
        raise CandleRejected(message) from error
    if header != _HEADER:
        message = f"{path}, line 1: the header must be {_HEADER}, was {header[:80]!r}"
        raise CandleRejected(message)
    return lines


def _decimals(lines: list[str]) -> int:
    return max(
        (len(price.partition(".")[2]) for line in lines for price in line.split(",")[1:5]),
        default=0,
    )


def _rows(path: Path, lines: list[str], granularity: Granularity, decimals: int) -> list[Row]:
    rows: list[Row] = []
    for number, line in enumerate(lines, start=2):
        try:
            row = _row(line, granularity, decimals)
        except (ValueError, CandleRejected) as error:
            message = f"{path}, line {number}: {error}"
            raise CandleRejected(message) from error
        if rows and row.time <= rows[-1].time:
            message = f"{path}, line {number}: time must be later than {format_instant(rows[-1].time)}, was "
            raise CandleRejected(message + format_instant(row.time))
        rows.append(row)
    return rows


def _row(line: str, granularity: Granularity, decimals: int) -> Row:
    fields = line.split(",")
    if len(fields) != _FIELDS:
        message = f"a line must have {_FIELDS} fields, {_HEADER}, had {len(fields)}"
        raise ValueError(message)
    open_, high, low, close = (_units(text, decimals) for text in fields[1:5])
    candle = checked_candle(granularity, parse_instant(fields[0]), open_, high, low, close)
    return Row(*candle, volume=int(fields[5]))


def _units(text: str, decimals: int) -> int:
    if _PRICE.fullmatch(text) is None:
        message = f"a price must be a plain decimal number like 1.09259, was {text[:40]!r}"
        raise ValueError(message)
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(decimals, "0"))

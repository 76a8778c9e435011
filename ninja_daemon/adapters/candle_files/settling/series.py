"""The way of one series through its files, part by part."""

from __future__ import annotations

from collections.abc import Iterator

from ninja_daemon.adapters.candle_files.settling.grid import Gridding
from ninja_daemon.adapters.candle_files.settling.parts import CandlePart, FileToSettle
from ninja_daemon.adapters.candle_files.settling.prices import Pricing
from ninja_daemon.adapters.candle_files.settling.progress import Progress
from ninja_daemon.adapters.candle_files.settling.times import Timing


class Settling:
    """Makes candles of the rows of files, oldest first.

    Attributes:
        rows: how many have been taken in.
    """

    def __init__(self, at: Progress) -> None:
        """Begin with the first row of the first file."""
        self._at = at
        self._times, self._prices, self._grid = Timing(at), Pricing(at), Gridding(at)
        self.rows = 0

    def settle(self, file: FileToSettle) -> Iterator[CandlePart]:
        """Go through the candles of a file, oldest first."""
        coarse = file.survey.begins_coarse
        self._at.count("rows at the beginning that are a day apart", coarse)
        for rows in file.spool.rows(turned=file.survey.is_turned):
            self.rows += len(rows)
            cut, coarse = min(coarse, len(rows)), max(0, coarse - len(rows))
            part, number = self._times.timed(rows.since(cut), file)
            if len(part.time):
                part, number = self._times.ordered(part, number, file)
            if len(part.time):
                part, number = self._prices.priced(part, number, file)
            if len(part.time):
                part = self._grid.on_grid(part, number, file)
            if len(part.time):
                self._at.last, self._at.close = int(part.time[-1]), int(part.prices[-1, -1])
                yield part

    @property
    def notes(self) -> list[str]:
        """Return what the closing paragraph says besides the counts."""
        count = self._prices.bid_above_ask
        return [f"bid above ask in {count:,} rows"] if count else []

    @property
    def same_close(self) -> list[int]:
        """Return the days of a file of Yahoo's whose close is their open, and all days."""
        return self._prices.same_close

    def finish(self) -> None:
        """Say what only the end shows."""
        self._prices.finish()
        self._grid.finish(self.rows)

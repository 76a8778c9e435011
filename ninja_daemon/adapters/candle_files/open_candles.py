"""Files that were read and understood: ask them for candles of a timeframe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ninja_daemon.adapters.candle_files.faults import Faults
from ninja_daemon.adapters.candle_files.formats.daily import YAHOO_CLOSES
from ninja_daemon.adapters.candle_files.joining import Join
from ninja_daemon.adapters.candle_files.report import Holes, ImportReport
from ninja_daemon.adapters.candle_files.settling.parts import CandlePart, FileToSettle
from ninja_daemon.adapters.candle_files.settling.progress import Progress
from ninja_daemon.adapters.candle_files.settling.series import Settling
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity


@dataclass(slots=True)
class OpenCandles:
    """Files that were read and understood.

    Attributes:
        files: each with its zone, oldest first.
        step: seconds of their candles; 0 for ticks.
        granularity: the timeframe of their candles; None for ticks and for a step that is no timeframe.
        decimals: digits after the point of the candles that come out.
        is_mid: they are half of bid and ask together.
        zone: the zone and why.
        stamp: which end of a candle a time is.
        is_always_open: the market trades on weekends.
        faults: the problems found so far.
        counts: what reading mended.
        notes: sentences for the report.
        knows_zone: the zone is known.
        report: what was made of them; whole when the candles have been gone through.
    """

    files: Sequence[FileToSettle]
    step: int
    granularity: Granularity | None
    decimals: int
    is_mid: bool
    zone: str
    stamp: str
    is_always_open: bool
    faults: Faults
    counts: dict[str, int]
    notes: list[str]
    knows_zone: bool
    report: ImportReport | None = None

    @property
    def has_volume(self) -> bool:
        """Tell whether every candle has a volume, and all are whole numbers."""
        return all(file.spool.has_volume for file in self.files)

    @property
    def pip_decimals(self) -> int:
        """Return the digits of the prices as the source writes them; a mid of two sides has one more."""
        return self.decimals - self.is_mid

    @property
    def written(self) -> int:
        """Return the digits after the point with which prices are written, zeros at the end included."""
        return max(file.spool.written for file in self.files)

    @property
    def newest(self) -> Fraction:
        """Return the newest price that is written."""
        file = self.files[-1]
        rows = next(file.spool.rows(turned=not file.survey.is_turned))
        return Fraction(int(rows.prices[-1, 0]), 10**rows.decimals)

    def keep_digits(self, digits: int) -> None:
        """Give the prices at least this many digits, as the instrument has."""
        self.decimals = max(self.decimals, digits + self.is_mid)

    def can_make(self, granularity: Granularity) -> bool:
        """Tell whether candles of a timeframe can be made of these."""
        if granularity is self.granularity:
            return True
        if self.step > granularity.seconds or (
            granularity in {Granularity.W, Granularity.M} and self.step > Granularity.D.seconds
        ):
            return False
        return not self.step or granularity.seconds % self.step == 0 or granularity is Granularity.M

    def parts(self, granularity: Granularity | None) -> Iterator[CandlePart]:
        """Go through the candles, oldest first.

        Args:
            granularity: the timeframe wanted; None for the files' own.

        Raises:
            CandleFileRejected: something is wrong; all kinds of it. What came before is not to be used.
        """
        wanted = self._wanted(granularity)
        counts = dict(self.counts)
        at = Progress(self.step, self.granularity, self.decimals, self.faults, counts, self.knows_zone)
        settling = Settling(at)
        holes = Holes(self.step, self.is_always_open)
        join = None
        if wanted is not None and wanted is not self.granularity:
            join = Join(wanted, self.step, self.is_always_open)
        report = self._begun(wanted, counts, holes)
        settled = self._settled(settling, holes)
        for part in settled if join is None else join.run(settled):
            report.take(part)
            yield part
        report.rows, report.left_out = settling.rows, [] if join is None else join.left_out
        report.notes = [*report.notes, *settling.notes]
        if not report.candles and not self.faults:
            name = self.files[0].spool.name
            self.faults.add("empty", name, None, "must hold at least one candle, no whole one is left")
        self.faults.raise_all()
        self.report = report

    def columns(self, granularity: Granularity | None) -> Iterator[CandleColumns]:
        """Go through the same candles in the form of the rules."""
        for part in self.parts(granularity):
            yield CandleColumns(part.time, *(np.ascontiguousarray(prices) for prices in part.prices))

    def _settled(self, settling: Settling, holes: Holes) -> Iterator[CandlePart]:
        for file in self.files:
            for part in settling.settle(file):
                holes.take(part)
                yield part
        settling.finish()
        near, days = settling.same_close
        if days and near * 10 >= days * 9:
            name = self.files[0].spool.name
            message = f"{YAHOO_CLOSES} ({near:,} of {days:,} here)"
            self.faults.add("yahoo", name, None, message, "take the history from another source")

    def _wanted(self, granularity: Granularity | None) -> Granularity | None:
        """Return the timeframe to make, or raise what speaks against it."""
        wanted = granularity or self.granularity
        name = self.files[0].spool.name
        if wanted is None:
            what = f"candles of {self.step} s" if self.step else "ticks"
            if not self.step and not self.files[0].layout.is_ticks:
                what = "a file whose rows do not show their step"
            message = f"a timeframe must be chosen for {what}"
            self.faults.add("step", name, None, message, "say it: --join M1")
            self.faults.raise_all()
        elif not self.can_make(wanted):
            own = self.granularity.name if self.granularity else f"{self.step} s"
            message = f"candles of {own} cannot be joined to {wanted.name}"
            self.faults.add("step", name, None, message, "give finer candles")
            self.faults.raise_all()
        return wanted

    def _begun(self, wanted: Granularity | None, counts: dict[str, int], holes: Holes) -> ImportReport:
        step = "ticks" if not self.step else self.granularity.name if self.granularity else f"{self.step} s"
        joined = wanted.name if wanted is not None and wanted is not self.granularity else None
        names = [file.spool.name for file in self.files]
        layout = self.files[0].layout
        return ImportReport(
            names, layout.format, self.zone, self.stamp, self.decimals, step, counts, holes, joined,
            notes=[*layout.notes, *self.notes],
        )  # fmt: skip

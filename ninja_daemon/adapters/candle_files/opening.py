"""The one door to files of candles: open them, ask for candles of a timeframe, say what was made of them.

Files are gone through twice: their rows are read once into a temporary file, as integers, and their times tell order,
step and zone; then candles are made of the rows, part by part. Memory does not grow with the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from ninja_daemon.adapters.candle_files.deciding import decide_zones, labels_for
from ninja_daemon.adapters.candle_files.faults import Faults
from ninja_daemon.adapters.candle_files.formats import FORMATS
from ninja_daemon.adapters.candle_files.formats.daily import YAHOO_CLOSES
from ninja_daemon.adapters.candle_files.joining import Join
from ninja_daemon.adapters.candle_files.layout import NOTHING_SAID, Head, Layout, Options
from ninja_daemon.adapters.candle_files.report import Holes, Report
from ninja_daemon.adapters.candle_files.settling import FileToSettle, Part, Settling
from ninja_daemon.adapters.candle_files.survey import UnknownDayOrder, day_order, survey
from ninja_daemon.adapters.candle_files.text.elements import element_text
from ninja_daemon.adapters.candle_files.text.rows import read_rows
from ninja_daemon.adapters.candle_files.text.source import Source, sources
from ninja_daemon.adapters.candle_files.text.spool import Spool
from ninja_daemon.core.errors import CandleFileRejected
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity

_BY_SECONDS: Final = {granularity.seconds: granularity for granularity in Granularity}
_MONTH: Final = range(28 * 86_400, 31 * 86_400 + 1)


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
        faults: what is wrong so far.
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
    report: Report | None = None

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

    def keep_digits(self, digits: int) -> None:
        """Give the prices at least so many digits, as the instrument has them."""
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

    def parts(self, granularity: Granularity | None) -> Iterator[Part]:
        """Go through the candles, oldest first.

        Args:
            granularity: the timeframe wanted; None for the files' own.

        Raises:
            CandleFileRejected: something is wrong; all kinds of it. What came before is not to be used.
        """
        wanted = self._wanted(granularity)
        counts = dict(self.counts)
        settling = Settling(
            self.step, self.granularity, self.decimals, self.faults, counts, knows_zone=self.knows_zone
        )  # fmt: skip
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

    def _settled(self, settling: Settling, holes: Holes) -> Iterator[Part]:
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

    def _begun(self, wanted: Granularity | None, counts: dict[str, int], holes: Holes) -> Report:
        step = "ticks" if not self.step else self.granularity.name if self.granularity else f"{self.step} s"
        joined = wanted.name if wanted is not None and wanted is not self.granularity else None
        names = [file.spool.name for file in self.files]
        layout = self.files[0].layout
        return Report(
            names, layout.format, self.zone, self.stamp, self.decimals, step, counts, holes, joined,
            notes=[*layout.notes, *self.notes],
        )  # fmt: skip


@contextmanager
def open_candles(
    paths: Sequence[Path],
    options: Options = NOTHING_SAID,
    *,
    expected: Granularity | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[OpenCandles]:
    """Open files of one series: read their rows, and find out how to understand them.

    Args:
        paths: the files, in any order; gzip and zip are opened.
        options: what the user says.
        expected: the timeframe that a file's name says, where few rows do not show it.
        progress: told how many bytes have been read.

    Raises:
        CandleFileRejected: a file cannot be read or understood; says what would help.
    """
    with sources(paths) as found:
        by_name = {source.name: source for source in found}
        faults = Faults(lambda name, number: _quoted(by_name[name], layouts.get(name), number))
        layouts: dict[str, Layout] = {}
        counts: dict[str, int] = {}
        spools: list[Spool] = []
        try:
            for source in found:
                layouts[source.name] = _layout(source, options)
                spools.append(Spool(source.name))
                asked = options.decimals if options.decimals is not None else layouts[source.name].rounds_to
                for rows in read_rows(source, layouts[source.name], asked, faults, counts, progress):
                    spools[-1].append(rows)
            yield _understood(spools, layouts, options, expected, faults, counts)
        finally:
            for spool in spools:
                spool.close()


def _quoted(source: Source, layout: Layout | None, number: int) -> str | None:
    is_text = layout is None or layout.elements is None
    return source.line(number) if is_text else element_text(source, number)


def _layout(source: Source, options: Options) -> Layout:
    head = Head(source.name, source.head(), options)
    if not head.lines:
        message = f"{source.name} must hold candles, was empty"
        raise CandleFileRejected(message)
    # Whoever names the columns says that the file is like no other.
    asked = options.format or ("csv" if options.columns is not None else None)
    for each in (each for each in FORMATS if asked in {None, each.name}):
        try:
            layout = each.layout(head)
        except ValueError as error:
            message = f"{source.name}: {error}"
            raise CandleFileRejected(message) from error
        if layout is not None:
            return layout
    if options.format is not None:
        message = (
            f"{source.name}, line 1: must be a file of the format {options.format}, was {head.first[:160]!r}; leave "
            "--format out, or describe it: --format csv --columns time,open,high,low,close"
        )
        raise CandleFileRejected(message)
    names = ", ".join(each.name for each in FORMATS)
    message = (
        f"{source.name}, line 1: must be of a known format ({names}), was {head.first[:160]!r}; "
        "describe it: --columns time,open,high,low,close --zone UTC [--time-format …] [--separator …] [--decimal-comma]"
    )
    raise CandleFileRejected(message)


def _filled(spools: Sequence[Spool], layouts: dict[str, Layout], faults: Faults) -> list[Spool]:
    """Return the files that have rows; what they cannot be taken in for is taken down, or raised where all of it is."""
    for spool in spools:
        refusal = layouts[spool.name].refusal
        if refusal is not None:
            faults.add("refusal", spool.name, None, *refusal)
        if not spool.count and not faults:
            message = "must hold at least one candle below its header, was empty"
            faults.add(f"empty {spool.name}", spool.name, None, message)
    filled = [spool for spool in spools if spool.count]
    names = {layout.format for layout in layouts.values()}
    if len(names) > 1:
        faults.add("formats", spools[0].name, None, f"files must be of one format, were {', '.join(sorted(names))}")
    if not filled or len(names) > 1:
        faults.raise_all()
    return filled


def _understood(
    spools: Sequence[Spool],
    layouts: dict[str, Layout],
    options: Options,
    expected: Granularity | None,
    faults: Faults,
    counts: dict[str, int],
) -> OpenCandles:
    filled = _filled(spools, layouts, faults)
    files = [_surveyed(spool, layouts[spool.name], options, faults) for spool in filled]
    files.sort(key=lambda file: next(file.spool.times(turned=file.survey.is_turned))[0].item())
    step, granularity = _step(files, expected)
    decision = decide_zones(files, step, options, faults)
    labels = labels_for(files, granularity, options, decision, faults)
    for file in files:
        file.zones, file.is_always_open, file.labels = decision.zones, decision.is_always_open, labels
    if turned := sum(file.spool.count for file in files if file.survey.is_turned):
        counts["rows turned round, as the newest came first"] = turned
    is_mid = options.price == "mid" and files[0].layout.prices[0] != "open"
    places = max(file.spool.decimals for file in files)
    if options.decimals is not None:
        places = max(places, options.decimals)
    return OpenCandles(
        files, step, granularity, places + is_mid, is_mid, decision.text, options.stamp or files[0].layout.stamp,
        decision.is_always_open, faults, counts, list(decision.notes), decision.is_known,
    )  # fmt: skip


def _surveyed(spool: Spool, layout: Layout, options: Options, faults: Faults) -> FileToSettle:
    day_first = None
    if spool.is_undecided:
        try:
            day_first = day_order(spool)
        except UnknownDayOrder as error:
            cure = "say it: --time-format 'DD/MM/YYYY HH:MM' or 'MM/DD/YYYY HH:MM'"
            faults.add("day order", spool.name, None, str(error), cure)
            day_first = True
    return FileToSettle(spool, layout, options, survey(spool, day_first), day_first)


def _step(files: Sequence[FileToSettle], expected: Granularity | None) -> tuple[int, Granularity | None]:
    if files[0].layout.is_ticks:
        return 0, None
    steps = [file.survey.step for file in files if file.survey.step]
    step = max(set(steps), key=steps.count) if steps else 0
    if step in _MONTH:
        step = Granularity.M.seconds
    # A name counts where the rows lie further apart than it says: few rows, or many holes.
    if expected is not None and (not step or step * 10 >= expected.seconds * 9):
        step = expected.seconds
    return step, _BY_SECONDS.get(step)

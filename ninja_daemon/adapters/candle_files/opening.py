"""The one door to files of candles: open them, ask for candles of a timeframe, say what was made of them.

Files are gone through twice: their rows are read once into a temporary file, as integers, and their times tell order,
step and zone; then candles are made of the rows, part by part. Memory does not grow with the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.candle_files.faults import Faults
from ninja_daemon.adapters.candle_files.formats import FORMATS
from ninja_daemon.adapters.candle_files.layout import NOTHING_SAID, Head, Layout, Options
from ninja_daemon.adapters.candle_files.open_candles import OpenCandles
from ninja_daemon.adapters.candle_files.settling.dates import labels_for
from ninja_daemon.adapters.candle_files.settling.deciding import decide_zones
from ninja_daemon.adapters.candle_files.settling.parts import FileToSettle
from ninja_daemon.adapters.candle_files.survey import UnknownDayOrder, day_order, survey
from ninja_daemon.adapters.candle_files.text.elements import element_text
from ninja_daemon.adapters.candle_files.text.rows import read_rows
from ninja_daemon.adapters.candle_files.text.source import FileSource, sources
from ninja_daemon.adapters.candle_files.text.spool import Spool
from ninja_daemon.core.errors import CandleFileRejected
from ninja_daemon.core.market.granularity import Granularity

_BY_SECONDS: Final = {granularity.seconds: granularity for granularity in Granularity}
_MONTH: Final = range(28 * 86_400, 31 * 86_400 + 1)


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
        layouts, counts = dict[str, Layout](), dict[str, int]()
        faults = _faults(found, layouts)
        with ExitStack() as spooled:
            spools: list[Spool] = []
            for source in found:
                layout = layouts[source.name] = _layout(source, options)
                spools.append(spooled.enter_context(closing(Spool(source.name))))
                asked = layout.rounds_to if options.decimals is None else options.decimals
                for rows in read_rows(source, layout, asked, faults, counts, progress):
                    spools[-1].append(rows)
            yield _understood(spools, layouts, options, expected, faults, counts)


def _faults(found: Sequence[FileSource], layouts: Mapping[str, Layout]) -> Faults:
    """Collect problems, each with its line as it stands in the file."""
    by_name = {source.name: source for source in found}
    return Faults(lambda name, number: _quoted(by_name[name], layouts.get(name), number))


def _quoted(source: FileSource, layout: Layout | None, number: int) -> str | None:
    is_text = layout is None or layout.elements is None
    return source.line(number) if is_text else element_text(source, number)


def _layout(source: FileSource, options: Options) -> Layout:
    head = Head(source.name, source.head(), options)
    if not head.lines:
        message = f"{source.name} must hold candles, was empty"
        raise CandleFileRejected(message)
    # Named columns mean a format of the user's own.
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

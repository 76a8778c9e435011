"""What a comparison says: the signals that differ, line by line, and both reports side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from ninja_daemon.app.record.report import Report
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.outcomes.open_signal import Result
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.outcomes.statistics import Statistics
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.sweeps.differences import Differences
from ninja_daemon.core.words import counted

_LINE: Final = "{:<2} {:<20}  {:<4} {:>10} {:>10} {:>10}  {}"
_SIDE: Final = "{:<16} {:>31} {:>31}"
_NAME: Final = 31


@dataclass(frozen=True, slots=True)
class Compared:
    """One strategy of both configurations.

    Attributes:
        first: its name in the one in use; None where it is not there.
        second: its name in the other.
        differences: of its signals.
    """

    first: str | None
    second: str | None
    differences: Differences


@dataclass(frozen=True, slots=True)
class ReplayComparison:
    """What two configurations make of one history.

    Attributes:
        paths: the file of the one in use, and that of the other.
        strategies: what each strategy's signals are.
        reports: what became of the signals, in the order of ``paths``.
        outcomes: how signals of both ended, by id.
    """

    paths: tuple[str, str]
    strategies: Sequence[Compared]
    reports: tuple[Report, Report]
    outcomes: Mapping[str, Outcome]


def words(made: ReplayComparison) -> Iterator[str]:
    """Go through the lines, of at most 80 characters."""
    for each in made.strategies:
        yield from (*_block(each, made.outcomes), "")
    names = [_shortened(path) for path in _file_names(made.paths)]
    yield _SIDE.format("", *names)
    for label, cells in _rows(*(report.total for report in made.reports)):
        yield _SIDE.format(label, *cells).rstrip()


def _file_names(paths: tuple[str, str]) -> tuple[str, str]:
    """Return the names of both files; the whole paths where the names are the same."""
    first, second = (Path(path).name for path in paths)
    return (first, second) if first != second else paths


def _shortened(path: str) -> str:
    return path if len(path) <= _NAME else f"…{path[1 - _NAME :]}"


def _block(each: Compared, outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    found = each.differences
    names = (each.first, each.second)
    name = each.first or each.second or ""
    if None not in names and each.first != each.second:
        name = f"{each.first} and {each.second}"
    elif None in names:
        name += " (only here)" if each.second is None else " (only in the other)"
    counts = f"{len(found.gone)} gone, {len(found.added)} added, {len(found.changed)} changed"
    yield f"{name}: {counted(found.same, 'signal')} the same, {counts}"
    lines = [(one.close_time, "-", one) for one in found.gone] + [(one.close_time, "+", one) for one in found.added]
    for change in found.changed:
        lines += [(change.was.close_time, "~-", change.was), (change.now.close_time, "~+", change.now)]
    if lines:
        yield _LINE.format("", "closed", "side", "close", "stop", "target", "ended").rstrip()
    for _, mark, signal in sorted(lines, key=lambda line: line[0]):
        yield _signal(mark, signal, outcomes.get(signal.id))


def _signal(mark: str, one: Signal, outcome: Outcome | None) -> str:
    prices = (f"{price:f}" for price in (one.close, one.stop_loss, one.take_profit))
    ended = "open" if outcome is None else f"{outcome.result.value} {outcome.r:+.2f}"
    return _LINE.format(mark, format_instant(one.close_time), one.side.name, *prices, ended)


def _rows(first: Statistics, second: Statistics) -> Iterator[tuple[str, tuple[str, str]]]:
    both = (first, second)
    yield "signals", _cells(f"{one.signals}" for one in both)
    yield "open, closed", _cells(f"{one.open}, {one.closed}" for one in both)
    for result in Result:
        if any(one.results[result] for one in both):
            yield result.value, _cells(f"{one.results[result]}" for one in both)
    yield "hit rate", _cells(_percent(one.hit_rate) for one in both)
    yield "  95 %", _cells(_between(one.wilson) for one in both)
    yield "  break-even", _cells(_percent(one.break_even) for one in both)
    for label, sums in (("r", (first.r, second.r)), ("net r", (first.net_r, second.net_r))):
        yield f"{label}, sum", _cells(f"{one.sum:+.4f}" for one in sums)
        yield "  mean", _cells("" if one.mean is None else f"{one.mean:+.4f}" for one in sums)
        yield "  95 %", _cells(_ends(one.interval) for one in sums)
    yield "drawdown", _cells(f"{one.drawdown_r:.4f}" for one in both)
    yield "losses in a row", _cells(f"{one.losing_run}" for one in both)
    yield "median candles", _cells("" if one.median_candles is None else f"{one.median_candles}" for one in both)
    verdicts = [one.verdict.partition(":")[0].partition(" (")[0] for one in both]
    yield "verdict", _cells(verdicts)


def _cells(values: Iterator[str] | Sequence[str]) -> tuple[str, str]:
    first, second = values
    return first, second


def _percent(share: Decimal | None) -> str:
    return "" if share is None else f"{share * 100:.2f} %"


def _between(ends: tuple[Decimal, Decimal] | None) -> str:
    return "" if ends is None else f"{ends[0] * 100:.2f} to {ends[1] * 100:.2f} %"


def _ends(ends: tuple[Decimal, Decimal] | None) -> str:
    return "" if ends is None else f"{ends[0]:+.4f} to {ends[1]:+.4f}"

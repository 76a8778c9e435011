"""The honest report (contract 8.6): as a table, as JSON, as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TextIO

from ninja_daemon.app.record.tracked import TrackedSignal
from ninja_daemon.core.outcomes.open_signal import Result
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.outcomes.statistics import Statistics, Sums, statistics_of
from ninja_daemon.core.words import counted

_CSV: Final = (
    *("strategy", "signals", "open", "closed", *Result, "ambiguous", "hit_rate", "wilson_low", "wilson_high"),
    *("break_even", "r_sum", "r_mean", "r_low", "r_high", "net_r_sum", "net_r_mean", "net_r_low", "net_r_high"),
    *("drawdown_r", "losing_run", "median_candles"),
)


@dataclass(frozen=True, slots=True)
class Report:
    """What signals add up to.

    Attributes:
        strategies: by name, in the order in which they are shown.
        total: of all of them.
        tried: how many strategies and settings were ever tried.
    """

    strategies: Mapping[str, Statistics]
    total: Statistics
    tried: Mapping[str, int]


def report_of(signals: Sequence[TrackedSignal], tried: Mapping[str, int], names: Iterable[str] = ()) -> Report:
    """Add up signals by strategy; strategies in ``names`` are there even without a signal."""
    order = dict.fromkeys([*names, *sorted({one.strategy for one in signals})])
    by_name = {name: _statistics([one for one in signals if one.strategy == name]) for name in order}
    return Report(by_name, _statistics(signals), tried)


def ended(signals: Iterable[TrackedSignal]) -> list[Outcome]:
    """Return the outcomes of those that have one, in the order of their ends."""
    closed = [one.outcome for one in signals if one.outcome is not None]
    return sorted(closed, key=lambda outcome: (outcome.exit_time, outcome.time, outcome.strategy))


def _statistics(signals: Sequence[TrackedSignal]) -> Statistics:
    closed = ended(signals)
    return statistics_of(closed, len(signals) - len(closed), [one.reward_to_risk for one in signals])


def json_fields(report: Report) -> dict[str, Any]:
    """Return what ``--json`` prints; the names are the contract's."""
    return {
        "strategies": [{"strategy": name, **_fields(each)} for name, each in report.strategies.items()],
        "total": _fields(report.total),
        "tried": dict(report.tried),
    }


def _fields(one: Statistics) -> dict[str, Any]:
    return {
        "signals": one.signals,
        "open": one.open,
        "closed": one.closed,
        "results": {result.value: count for result, count in one.results.items()},
        "ambiguous": one.ambiguous,
        "hit_rate": one.hit_rate,
        "wilson": None if one.wilson is None else list(one.wilson),
        "break_even": one.break_even,
        "r": _sums(one.r),
        "net_r": _sums(one.net_r),
        "drawdown_r": one.drawdown_r,
        "losing_run": one.losing_run,
        "median_candles": one.median_candles,
    }


def _sums(sums: Sums) -> dict[str, Any]:
    return {"sum": sums.sum, "mean": sums.mean, "interval": None if sums.interval is None else list(sums.interval)}


def write_csv(report: Report, out: TextIO) -> None:
    """Write a row for each strategy and one for all."""
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(_CSV)
    for name, one in (*report.strategies.items(), ("total", report.total)):
        sums = [value for each in (one.r, one.net_r) for value in (each.sum, each.mean, *(each.interval or ("", "")))]
        numbers = (one.hit_rate, *(one.wilson or ("", "")), one.break_even, *sums, one.drawdown_r, one.losing_run)
        counts = (one.signals, one.open, one.closed, *one.results.values(), one.ambiguous)
        rows.writerow([name, *counts, *("" if each is None else each for each in (*numbers, one.median_candles))])


def words(report: Report) -> list[str]:
    """Return the report as lines of at most 80 characters."""
    lines: list[str] = []
    every = list(report.strategies.items())
    if len(every) != 1:
        every.append(("all strategies", report.total))
    for name, one in every:
        lines += [*_block(name, one), ""]
    strategies, settings = report.tried["strategies"], report.tried["settings"]
    lines.append(f"tried under this namespace: {counted(strategies, 'strategy')}, {counted(settings, 'setting')}")
    if settings > 1:
        lines.append("The best of many tries looks good by luck alone.")
    return lines


def _block(name: str, one: Statistics) -> list[str]:
    counts = ", ".join(f"{count} {result.value}" for result, count in one.results.items() if count)
    ways = f" ({counts})" if counts else ""
    lines = [f"{name}: {counted(one.signals, 'signal')}, {one.open} open, {one.closed} closed{ways}"]
    if one.hit_rate is not None and one.wilson is not None:
        even = "" if one.break_even is None else f", break-even {_percent(one.break_even)}"
        lines.append(f"  hit rate {_percent(one.hit_rate)}, 95 % {_range(one.wilson)}{even}")
        lines += [f"  {label:<5} {_sum_words(sums)}" for label, sums in (("r", one.r), ("net r", one.net_r))]
        lines.append(
            f"  drawdown {one.drawdown_r:.4f} R, longest losing run {one.losing_run}, "
            f"median {one.median_candles} candles, {one.ambiguous} ambiguous"
        )
    lines.append(f"  {one.verdict}")
    return lines


def _percent(share: Decimal) -> str:
    return f"{share * 100:.2f} %"


def _range(ends: tuple[Decimal, Decimal]) -> str:
    return f"{ends[0] * 100:.2f} to {ends[1] * 100:.2f} %"


def _sum_words(sums: Sums) -> str:
    if sums.mean is None or sums.interval is None:
        return f"sum {sums.sum:+.4f}"
    low, high = sums.interval
    return f"sum {sums.sum:+.4f}, mean {sums.mean:+.4f}, 95 % {low:+.4f} to {high:+.4f}"

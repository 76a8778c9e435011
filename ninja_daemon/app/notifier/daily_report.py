"""The daily sign of life: evaluated candles, crosses, and who is nearest to the next cross."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ninja_daemon.adapters.stored.alert import encode_notice
from ninja_daemon.app.status.closes_today import NearestByName, ScheduledCloses, closes_since, nearest_of
from ninja_daemon.app.status.strategy_figures import StrategyFigures, strategy_figures
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.messages.message import Notice, Severity
from ninja_daemon.core.messages.timed_report import TimedReport, due_since
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.spans import DAY
from ninja_daemon.usecases.delivery.queue_ports import QueueAdmin
from ninja_daemon.usecases.ports import Loaded

Load = Callable[[Sequence[Strategy]], Mapping[str, Loaded]]


class DailyReporter:
    """Puts the report on the alerts list once a day; several notifiers still send one, since its id is the date."""

    def __init__(
        self,
        report: TimedReport,
        strategies: Sequence[Strategy],
        load: Load,
        queue: QueueAdmin,
        *,
        counted: bool = True,
        noted: Callable[[Instant], NearestByName] = lambda _: {},
    ) -> None:
        """Prepare.

        Args:
            report: when and to whom.
            strategies: whom it is about.
            load: reads what is stored of them.
            queue: where the report goes and where yesterday's figures lie.
            counted: what is stored holds counts; without Redis they are in the daemon's memory only.
            noted: returns how near the averages were since an instant, as far as this machine noted it.
        """
        self._report = report
        self._strategies = strategies
        self._load = load
        self._queue = queue
        self._counted = counted
        self._noted = noted

    def tick(self, now: float) -> bool:
        """Send the report if one is due and was not sent; return whether it was.

        Raises:
            StoreUnavailable: Redis is away; try again.
        """
        day, _ = due_since(self._report, now)
        before = _figures_of(self._queue.kept_figures())
        if str(before.get("day", "")) >= day:
            return False
        loaded = self._load(self._strategies)
        noted = self._noted(int(now) - DAY)
        figures = [
            replace(strategy_figures(one, loaded[one.name], now), closes=self._closes(one, loaded, noted, now))
            for one in self._strategies
        ]
        text = report_text(figures, before, counted=self._counted)
        notice = Notice(f"daily-{day}", "heartbeat", Severity.INFO, text, now)
        # The report first: dying between the two repeats its id, which is dropped, rather than losing it.
        self._queue.push_alert(encode_notice(notice))
        self._queue.keep_figures(json.dumps({"day": day, **_totals(figures)}))
        return True

    def _closes(
        self, strategy: Strategy, loaded: Mapping[str, Loaded], noted: NearestByName, now: float
    ) -> ScheduledCloses | None:
        nearest = nearest_of(strategy, noted)
        return closes_since(strategy, loaded[strategy.name], int(now) - DAY, now, nearest, counted=self._counted)


def report_text(figures: Sequence[StrategyFigures], before: Mapping[str, object], *, counted: bool = True) -> str:
    """Write the report.

    Args:
        figures: of all strategies, now.
        before: what the last report left; empty at the first.
        counted: the figures hold counts.
    """
    totals = _totals(figures)
    since = "since the last report" if before else "since the first start"
    counts = [f"{_grown(totals, before, name)} {label}" for name, label in _LABELS.items()]
    lines = [f"{len(figures)} strategies" + (f", {since}: {', '.join(counts)}." if counted else ".")]
    near = [one for one in figures if one.averages is not None and one.averages.cross_pips is not None]
    if near:
        closest = min(near, key=_distance)
        assert closest.averages is not None  # noqa: S101 - filtered above
        lines.append(
            f"Nearest to a cross: {closest.strategy.name}, at a close of {closest.averages.cross_price:f} "
            f"({closest.averages.cross_pips:+f} pips from the last)."
        )
    lines += _closes_lines(figures)
    stale = [one.strategy.name for one in figures if one.is_stale]
    lines.append(f"Behind: {', '.join(stale)}." if stale else "Every strategy is up to date.")
    return "\n".join(lines)


def _closes_lines(figures: Sequence[StrategyFigures]) -> list[str]:
    """Say of each strategy how many closes were dealt with, those with a missing one first."""
    known = [(one.closes, one) for one in figures if one.closes is not None]
    known.sort(key=lambda pair: not pair[0].is_missing)
    lines = [
        f"{one.strategy.name}: {'MISSING, ' if closes.is_missing else ''}{closes.words('in 24 h')}."
        for closes, one in known[:_MOST_LINES]
    ]
    if left := len(known) - len(lines):
        lines.append(f"{left} more: ninja-daemon status")
    return lines


_MOST_LINES = 20
"""Strategies whose closes a report tells one by one."""
_LABELS = {"evaluated": "candles evaluated", "crosses": "crosses", "signals": "signals"}


def _distance(one: StrategyFigures) -> float:
    assert one.averages is not None  # noqa: S101 - the caller's filter
    assert one.averages.cross_pips is not None  # noqa: S101
    return float(abs(one.averages.cross_pips))


def _totals(figures: Sequence[StrategyFigures]) -> dict[str, int]:
    return {name: sum(int(getattr(one.counts, name)) for one in figures) for name in _LABELS}


def _grown(totals: Mapping[str, int], before: Mapping[str, object], name: str) -> int:
    earlier = before.get(name, 0)
    grown = totals[name] - earlier if isinstance(earlier, int) else totals[name]
    # Counts that went down were lost meanwhile; what is there now is the best that is known.
    return grown if grown >= 0 else totals[name]


def _figures_of(text: str) -> Mapping[str, object]:
    try:
        fields = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}

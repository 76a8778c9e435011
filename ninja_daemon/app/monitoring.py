"""What daemon and notifier show to Prometheus and to health checks; the same figures that ``status`` shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from ninja_daemon import __version__
from ninja_daemon.adapters.telemetry.metrics import MetricValue
from ninja_daemon.adapters.telemetry.metrics_page import Health, Monitor
from ninja_daemon.core.errors import ConfigError, JournalUnavailable, StoreUnavailable
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.missing_candles import lateness
from ninja_daemon.usecases.proof.kind import DifferenceKind

if TYPE_CHECKING:
    from ninja_daemon.app.audits.results import AuditSummary
    from ninja_daemon.app.daemon.figures import WakeFigures
    from ninja_daemon.app.notifier.live import LiveNotifier
    from ninja_daemon.app.process.liveness import Liveness
    from ninja_daemon.core.lanes.depths import QueueDepths
    from ninja_daemon.core.signals.strategy import Strategy
    from ninja_daemon.usecases.candle_ports import Traffic
    from ninja_daemon.usecases.ports import Clock

_STOPPED: Final = frozenset({"paused", "suspended"})


class Watched(Protocol):
    """What may be asked of a daemon, or of the daemons of a process together."""

    figures: WakeFigures

    @property
    def strategies(self) -> Sequence[Strategy]:
        """All that are watched."""

    @property
    def led_strategies(self) -> Sequence[Strategy]:
        """Those of them that it leads now."""

    @property
    def is_active(self) -> bool:
        """Whether it holds a lease."""

    @property
    def is_store_up(self) -> bool:
        """Whether Redis answers."""

    @property
    def can_work(self) -> bool:
        """Whether a cross that comes now would be found and kept."""

    @property
    def takeover_seconds(self) -> float | None:
        """How long the last takeover took; None before."""

    @property
    def led(self) -> Mapping[int, bool]:
        """Whether it leads each shard; empty where there is one lease."""

    @property
    def traffic(self) -> Traffic:
        """What was exchanged with the broker."""

    def troubles(self) -> dict[str, str]:
        """Return what somebody should see to, by strategy."""

    def sentence(self) -> str:
        """Return in a line how it goes."""

    def kept_commits(self) -> int:
        """Return how many commits wait in the local journal; raises JournalUnavailable."""


class DaemonFigures:
    """Everything that is to be known of a daemon."""

    def __init__(
        self,
        daemon: Watched,
        *,
        clock: Clock,
        liveness: Liveness,
        state_dir: Path,
        audits: Callable[[], AuditSummary | None] = lambda: None,
    ) -> None:
        """Choose whom to ask.

        Args:
            daemon: the work.
            clock: time.
            liveness: the workers' marks.
            state_dir: whose disk must not be full.
            audits: says what the daemon's own audits found.
        """
        self._state_dir = state_dir
        self._audits = audits
        self._daemon = daemon
        self._clock = clock
        self._liveness = liveness

    def readings(self) -> Iterator[MetricValue]:
        """Return the figures as they are now."""
        daemon, figures = self._daemon, self._daemon.figures
        yield MetricValue("ninja_build_info", 1, (__version__, "daemon"))
        yield MetricValue("ninja_redis_up", daemon.is_store_up)
        yield MetricValue("ninja_active", daemon.is_active)
        for shard, is_led in daemon.led.items():
            yield MetricValue("ninja_shard_active", is_led, (str(shard),))
        if daemon.takeover_seconds is not None:
            yield MetricValue("ninja_takeover_seconds", daemon.takeover_seconds)
        yield MetricValue("ninja_strategies", len(daemon.strategies))
        yield MetricValue("ninja_strategies_waiting", len(figures.reasons()))
        for name, labels, count in figures.counters.by_metric():
            yield MetricValue(name, count, labels)
        yield from self._signals()
        for (name, result), count in dict(figures.closed).items():
            yield MetricValue("ninja_outcomes_total", count, (name, result))
        for name, total in dict(figures.closed_r).items():
            yield MetricValue("ninja_outcome_r", float(total), (name,))
        if figures.counters.hit_ratio is not None:
            yield MetricValue("ninja_hit_ratio", figures.counters.hit_ratio)
        yield MetricValue("ninja_last_wake_timestamp_seconds", figures.last_wake)
        yield MetricValue("ninja_last_good_wake_timestamp_seconds", figures.last_good_wake)
        yield MetricValue("ninja_signal_latency_seconds", figures.signal_latency)
        yield from self._strategies()
        for timeframe, delay in dict(figures.completion_delay).items():
            yield MetricValue("ninja_completion_delay_seconds", delay.spread, (timeframe,))
        yield from self._broker()
        yield from self._audited()
        yield from self._machine()

    def _machine(self) -> Iterator[MetricValue]:
        with suppress(OSError):
            yield MetricValue("ninja_state_free_bytes", disk_usage(self._state_dir).free)
        with suppress(JournalUnavailable):
            yield MetricValue("ninja_kept_commits", self._daemon.kept_commits())

    def _signals(self) -> Iterator[MetricValue]:
        counts, strategies = self._daemon.figures.by_strategy, self._daemon.strategies
        for listed, count in counts.listed().items():
            yield MetricValue("ninja_strategy_signals_total", count, listed)
        for rejected, count in counts.rejected().items():
            yield MetricValue("ninja_rejected_total", count, rejected)
        for name, closed in counts.last_signals(strategies).items():
            yield MetricValue("ninja_last_signal_timestamp_seconds", closed, (name,))
        for name, seconds in counts.usual_silence(strategies).items():
            yield MetricValue("ninja_usual_silence_seconds", seconds, (name,))

    def _strategies(self) -> Iterator[MetricValue]:
        now, cursors = self._clock.now(), dict(self._daemon.figures.cursors)
        for strategy in self._daemon.strategies:
            cursor = cursors.get(strategy.name)
            behind = lateness(strategy.granularity, cursor, now)
            if cursor is not None and behind is not None:
                yield MetricValue("ninja_last_candle_timestamp_seconds", cursor, (strategy.name,))
                yield MetricValue("ninja_lag_seconds", max(0.0, behind), (strategy.name,))
            if self._daemon.is_active:
                due, dealt_with = self._daemon.figures.closes.counts(strategy, int(now))
                yield MetricValue("ninja_closes_due_total", due, (strategy.name,))
                yield MetricValue("ninja_closes_evaluated_total", dealt_with, (strategy.name,))

    def _audited(self) -> Iterator[MetricValue]:
        found = self._audits()
        yield MetricValue("ninja_audit_timestamp_seconds", 0 if found is None else found.oldest)
        for kind in DifferenceKind:
            count = 0 if found is None else found.differences.get(kind.value, 0)
            yield MetricValue("ninja_audit_differences", count, (kind.value,))

    def _broker(self) -> Iterator[MetricValue]:
        traffic = self._daemon.traffic
        for status, count in dict(traffic.requests).items():
            yield MetricValue("ninja_broker_requests_total", count, (str(status),))
        yield MetricValue("ninja_broker_connections_total", traffic.connections)
        yield MetricValue("ninja_broker_bytes_total", traffic.bytes_received)

    def alive(self) -> Health:
        """Does work go on?"""
        return _alive(self._liveness)

    def ready(self) -> Health:
        """Can it do all of its work?"""
        daemon = self._daemon
        problems = []
        if not daemon.is_store_up:
            problems.append("Redis is away; signals go through the local journal")
        if troubles := daemon.troubles():
            name, reason = next(iter(troubles.items()))
            wait = "waits" if len(troubles) == 1 else "wait"
            problems.append(f"{counted(len(troubles), 'strategy')} {wait}, {name}: {reason}")
        return Health(not problems, tuple(problems) or (daemon.sentence(),))


class NotifierFigures:
    """Everything that is to be known of a notifier."""

    def __init__(self, notifier: LiveNotifier, depths: Callable[[], QueueDepths], liveness: Liveness) -> None:
        """Choose whom to ask.

        Args:
            notifier: the work.
            depths: what waits where; raises StoreUnavailable.
            liveness: the threads' marks.
        """
        self._notifier = notifier
        self._depths = depths
        self._liveness = liveness

    def readings(self) -> Iterator[MetricValue]:
        """Return the figures as they are now."""
        notifier = self._notifier
        yield MetricValue("ninja_build_info", 1, (__version__, "notifier"))
        yield MetricValue("ninja_redis_up", notifier.is_store_up)
        for (event, destination), count in notifier.counts_by_destination.items():
            yield MetricValue("ninja_events_total", count, (event, destination))
        yield MetricValue("ninja_delivery_seconds", notifier.delivery_seconds)
        try:
            depths = self._depths()
        except StoreUnavailable:
            return
        yield MetricValue("ninja_list_signals", depths.signals)
        yield MetricValue("ninja_list_alerts", depths.alerts)
        yield MetricValue("ninja_list_outcomes", depths.outcomes)
        yield MetricValue("ninja_dead_letters", depths.unrouted, ("",))
        for lane in depths.lanes:
            name = (lane.destination,)
            yield MetricValue("ninja_lane_messages", lane.waiting, name)
            yield MetricValue("ninja_lane_oldest_seconds", lane.oldest_age or 0.0, name)
            yield MetricValue("ninja_lane_stopped", lane.state in _STOPPED, name)
            yield MetricValue("ninja_dead_letters", lane.dead, name)
            yield MetricValue("ninja_delivered_total", lane.delivered, name)
            yield MetricValue("ninja_repeats_total", lane.repeats, name)
            yield MetricValue("ninja_outcomes_shown_total", lane.outcomes_shown, name)
            yield MetricValue("ninja_outcomes_dropped_total", lane.outcomes_dropped, name)

    def alive(self) -> Health:
        """Does work go on?"""
        return _alive(self._liveness)

    def ready(self) -> Health:
        """Can it do all of its work?"""
        if not self._notifier.is_store_up:
            return Health(good=False, reasons=("Redis is away; what crosses meanwhile is delivered from the journal",))
        return Health(good=True, reasons=(self._notifier.sentence(),))


def _alive(liveness: Liveness) -> Health:
    hanging = liveness.hanging()
    return Health(not hanging, tuple(f"no progress of {worker}" for worker in hanging) or ("work goes on",))


def all_is_well(daemon: Watched, liveness: Liveness) -> bool:
    """Tell whether every worker makes progress, no strategy waits, and a cross would be kept."""
    if liveness.hanging() or daemon.troubles() or not daemon.can_work:
        return False
    if daemon.is_store_up:
        return True
    try:
        daemon.kept_commits()
    except JournalUnavailable:
        return False
    return True


def monitored(address: tuple[str, int] | None, figures: DaemonFigures | NotifierFigures) -> Monitor | None:
    """Start to answer at ``address``; a port that is taken is said and keeps nobody from working."""
    if address is None:
        return None
    log = structlog.get_logger("ninja.monitor")
    try:
        monitor = Monitor(address, readings=figures.readings, alive=figures.alive, ready=figures.ready)
    except ConfigError as error:
        log.warning(f"there are no metrics: {error}", event_id="monitor.unavailable")
        return None
    monitor.start()
    return monitor

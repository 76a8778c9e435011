"""Everything that ``status`` shows, gathered at one moment: strategies, queue, and the life signs of both processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore
from ninja_daemon.adapters.journal.reports import load_local, read_local_reports
from ninja_daemon.adapters.redis.queue.lanes import RedisQueueStore
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.adapters.redis.reports import read_reports
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.redis.topology.servers import Servers
from ninja_daemon.adapters.stored.record import Findings
from ninja_daemon.adapters.stored.reports import Reports
from ninja_daemon.app.process.process_note import live_processes
from ninja_daemon.app.process.reload import scope_of
from ninja_daemon.app.queues.joint_queue import JointQueue
from ninja_daemon.app.queues.leftovers import leftovers
from ninja_daemon.app.queues.opening import existing_queue_file, has_journal, local_queue_file, record_file
from ninja_daemon.app.queues.pauses_and_silences import JournalCopy
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.status.memory import StatusMemory
from ninja_daemon.app.status.shared.servers import servers_fields
from ninja_daemon.app.status.strategy_figures import StrategyFigures, strategy_figures
from ninja_daemon.core.errors import JournalUnavailable, StoreUnavailable
from ninja_daemon.core.lanes.depths import QueueDepths
from ninja_daemon.core.market.instant import format_instant, format_moment
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.delivery.queue_ports import QueueAdmin
from ninja_daemon.usecases.delivery.stored_queue import StoredQueue
from ninja_daemon.usecases.ports import Loaded

MEMORY_ONLY: Final = "without Redis (CACHE_ENABLED=false) averages, sides and counts are known to the daemon only"
AWAY: Final = "Redis is away: this is what the journal of this machine knows, without averages and counts"


@dataclass(frozen=True, slots=True)
class Status:
    """A picture of now.

    Attributes:
        at: epoch seconds.
        redis: where Redis is, without credentials; None where the product works without. Averages and counts are then
            in the daemon's memory only, and not known here.
        daemon: fields of the daemon's heartbeat, or its process; None when it shows no sign of life.
        notifier: likewise.
        queued: signals on the list that no notifier has taken yet; None when it is not a list.
        delivery: lanes and dead letters; None when they cannot be read.
        strategies: in the order of the configuration.
        notes: what is stored and cannot be read.
        record: the record of signals and outcomes on this machine; None when there is none.
        servers: master, failovers and replicas behind an address with several hosts; None for one server.
        away: why Redis could not be read, so that this is what the journal of this machine knows; empty when it could.
    """

    at: float
    redis: str | None
    namespace: str
    daemon: Mapping[str, Any] | None
    notifier: Mapping[str, Any] | None
    queued: int | None
    delivery: QueueDepths | None
    strategies: tuple[StrategyFigures, ...]
    notes: tuple[str, ...] = ()
    away: str = ""
    record: Findings | None = None
    servers: Servers | None = None

    @property
    def daemon_age(self) -> float | None:
        """Seconds since the daemon's sign of life; None when there is none, or none that says when."""
        return _age(self.daemon, self.at)

    @property
    def notifier_age(self) -> float | None:
        """Seconds since the notifier's."""
        return _age(self.notifier, self.at)

    @property
    def is_counted(self) -> bool:
        """Whether averages and counts are known."""
        return self.redis is not None and not self.away


def gather_status(
    environment: Environment,
    strategies: Sequence[Strategy],
    now: float,
    destinations: Sequence[str] = (),
    notes: Sequence[str] = (),
    memory: StatusMemory | None = None,
) -> Status:
    """Read Redis, or what stands in for it, and work out the figures; while Redis is away, what the journal knows.

    Args:
        environment: where Redis is.
        strategies: whose figures are wanted.
        now: epoch seconds.
        destinations: lanes to show even when nothing was ever sent there.
        notes: sentences to show before those of the store.
        memory: what is kept between two looks of one process; None for a single look.

    Raises:
        StoreUnavailable: Redis did not answer and there is no journal, or the journal cannot be read.
    """
    away, servers = "", None
    kept = memory or StatusMemory(environment)
    try:
        if kept.store is None:
            reports, loaded, delivery, found = _local_look(environment, strategies, destinations)
        else:
            reports, loaded, delivery, found = _redis_look(environment, kept.store, strategies, destinations)
            servers = kept.servers(now)
    except StoreUnavailable as error:
        if kept.store is None or not has_journal(environment):
            raise
        away = str(error)
        reports, loaded, delivery, found = _local_look(environment, strategies, destinations, note=AWAY)
    finally:
        if memory is None:
            kept.close()
    # Redis may be away, or the heartbeat in it gone; who holds its note in the state directory lives all the same.
    processes = live_processes(environment.state_dir, scope_of(environment))
    alive = {each.role: {"state": "alive", "pid": each.pid} for each in processes}
    record = _record(environment, kept, found)
    waiting = _reasons(reports.daemon)
    if destinations and delivery is not None:
        found += leftovers(delivery, destinations)
    figures = [
        strategy_figures(each, loaded[each.name], now, waiting.get(each.name), kept.averages) for each in strategies
    ]
    return Status(
        at=now,
        redis=environment.redis_label if environment.cache_enabled else None,
        namespace=environment.namespace,
        daemon=reports.daemon or alive.get("run"),
        notifier=reports.notifier or alive.get("notify"),
        queued=reports.waiting,
        delivery=delivery,
        strategies=tuple(figures),
        notes=(*notes, *found),
        away=away,
        record=record,
        servers=servers,
    )


def _record(environment: Environment, kept: StatusMemory, notes: list[str]) -> Findings | None:
    try:
        with closing(record_file(environment)) as file:
            if not file.path.exists():
                return None
            found = kept.record(file)
    except (JournalUnavailable, OSError) as error:
        notes.append(f"the record cannot be read: {error}")
        return None
    notes += [f"the record is broken: {problem}" for problem in found.problems[:1]]
    return found


_Look: TypeAlias = tuple[Reports, Mapping[str, Loaded], QueueDepths | None, list[str]]


def _redis_look(
    environment: Environment, store: RedisStateStore, strategies: Sequence[Strategy], destinations: Sequence[str]
) -> _Look:
    client = store.client
    journal = existing_queue_file(environment)
    try:
        reports = read_reports(client, store.keys)
        loaded = store.load(strategies)
        notes = list(reports.notes)
        queue = StoredQueue(RedisQueueStore(client, QueueKeys(environment.namespace)))
        both = queue if journal is None else JointQueue(queue, JournalCopy(journal))
        delivery = _delivery(both, destinations, notes)
    finally:
        if journal is not None:
            journal.close()
    return reports, loaded, delivery, notes


def _local_look(
    environment: Environment, strategies: Sequence[Strategy], destinations: Sequence[str], note: str = MEMORY_ONLY
) -> _Look:
    file = local_queue_file(environment)
    try:
        reports = read_local_reports(file)
        loaded = load_local(file, strategies)
        notes = [*reports.notes, note]
        delivery = _delivery(StoredQueue(LocalQueueStore(file)), destinations, notes)
    finally:
        file.close()
    return reports, loaded, delivery, notes


def _delivery(queue: QueueAdmin, destinations: Sequence[str], notes: list[str]) -> QueueDepths | None:
    try:
        return queue.depths(destinations)
    except StoreUnavailable as error:
        notes.append(f"the delivery figures cannot be read: {error}")
        return None


def _age(heartbeat: Mapping[str, Any] | None, now: float) -> float | None:
    written = None if heartbeat is None else heartbeat.get("at")
    try:
        return None if not isinstance(written, str) else now - datetime.fromisoformat(written).timestamp()
    except (ValueError, OverflowError):
        return None


def _reasons(heartbeat: Mapping[str, Any] | None) -> Mapping[str, str]:
    waiting = (heartbeat or {}).get("waiting")
    return {str(name): str(reason) for name, reason in waiting.items()} if isinstance(waiting, dict) else {}


def status_fields(status: Status) -> dict[str, object]:
    """Return the figures as ``--json`` writes them: schema 1, instants in UTC, prices as exact numbers."""
    return {
        "schema": 1,
        "at": format_moment(status.at),
        "redis": status.redis,
        "redis_error": status.away or None,
        "servers": status.servers and servers_fields(status.servers),
        "namespace": status.namespace,
        "daemon": status.daemon,
        "notifier": status.notifier,
        "daemon_age": _rounded(status.daemon_age),
        "notifier_age": _rounded(status.notifier_age),
        "queued": status.queued,
        "delivery": _delivery_fields(status.delivery),
        "record": status.record and {"lines": status.record.lines, "head": status.record.head},
        "strategies": [_strategy_fields(figures, counted=status.is_counted) for figures in status.strategies],
        "notes": list(status.notes),
    }


def _delivery_fields(depths: QueueDepths | None) -> dict[str, object] | None:
    if depths is None:
        return None
    return {
        "alerts": depths.alerts,
        "dead": depths.dead,
        "unrouted": depths.unrouted,
        "lanes": [
            {
                "destination": lane.destination,
                "state": lane.state,
                "waiting": lane.waiting,
                "dead": lane.dead,
                "attempts": lane.attempts,
                "due_in": _rounded(lane.due_in),
                "oldest_age": _rounded(lane.oldest_age),
                "delivered": lane.delivered,
                "repeats": lane.repeats,
                "failures": lane.failures,
                "outcomes_shown": lane.outcomes_shown,
                "outcomes_dropped": lane.outcomes_dropped,
                "error": lane.error or None,
            }
            for lane in depths.lanes
        ],
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _strategy_fields(figures: StrategyFigures, *, counted: bool) -> dict[str, object]:
    strategy, averages, tally = figures.strategy, figures.averages, figures.tally
    return {
        "strategy": strategy.name,
        "instrument": strategy.instrument,
        "timeframe": strategy.granularity.name,
        "enabled": strategy.enabled,
        "condition": figures.condition,
        "stale": figures.is_stale,
        "behind": figures.behind,
        "last_candle": _instant(figures.last_candle),
        "last_close": _instant(figures.last_close),
        "next_close": _instant(figures.next_close),
        "side": None if figures.side is None else figures.side.name,
        "close": averages and averages.close,
        "fast_ma": averages and averages.fast,
        "slow_ma": averages and averages.slow,
        "atr": averages and averages.atr,
        "gap_pips": averages and averages.gap_pips,
        "cross_price": averages and averages.cross_price,
        "cross_pips": averages and averages.cross_pips,
        "cross_far": None if averages is None or averages.cross_price is None else averages.cross_is_far,
        "cross_when": None if averages is None or averages.cross_price is None else _beyond(averages.cross_above),
        "candles": averages and averages.warm,
        "candles_needed": strategy.warm_up,
        "evaluated": tally.evaluated if counted else None,
        "crosses": tally.crosses if counted else None,
        "signals": tally.signals if counted else None,
        "rejected": dict(tally.rejected) if counted else None,
        "revisions": tally.revisions if counted else None,
        "gaps": tally.gaps if counted else None,
        "last_signal_id": tally.last_signal_id or None,
        "last_signal_time": _instant(tally.last_signal_time),
        "last_signal_close": _instant(figures.last_signal_close),
        "open": [one._asdict() | {"time": format_instant(one.time)} for one in figures.open],
        "notes": list(figures.notes),
    }


def _beyond(above: bool) -> str:  # noqa: FBT001 - it is the whole question
    return "above" if above else "below"


def _instant(at: int | None) -> str | None:
    return None if at is None else format_instant(at)

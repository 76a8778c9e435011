"""Everything that ``status`` shows, gathered at one moment: strategies, queue, and the life signs of both processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Final, NamedTuple

from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore
from ninja_daemon.adapters.journal.reports import load_local, read_local_reports
from ninja_daemon.adapters.redis.queue.lanes import RedisQueueStore
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.adapters.redis.reports import read_reports
from ninja_daemon.adapters.redis.sharing.shard_reports import ShardReports, read_shards
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.redis.topology.servers import Servers
from ninja_daemon.adapters.stored.record import Findings
from ninja_daemon.adapters.stored.reports import Reports
from ninja_daemon.app.audits.results import read_noted
from ninja_daemon.app.process.process_note import live_processes
from ninja_daemon.app.process.reload import scope_of
from ninja_daemon.app.queues.joint_queue import JointQueue
from ninja_daemon.app.queues.leftovers import leftovers
from ninja_daemon.app.queues.opening import existing_queue_file, has_journal, local_queue_file, record_file
from ninja_daemon.app.queues.pauses_and_silences import JournalCopy
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.status.all_figures import all_figures
from ninja_daemon.app.status.closes_today import today
from ninja_daemon.app.status.memory import StatusMemory
from ninja_daemon.app.status.picture import Status, living, stopped_at
from ninja_daemon.core.errors import JournalUnavailable, StoreUnavailable
from ninja_daemon.core.lanes.depths import QueueDepths
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.delivery.queue_ports import QueueAdmin
from ninja_daemon.usecases.delivery.stored_queue import StoredQueue
from ninja_daemon.usecases.ports import Loaded

MEMORY_ONLY: Final = "without Redis (CACHE_ENABLED=false) averages, sides and counts are known to the daemon only"
AWAY: Final = "Redis is away: this is what the journal of this machine knows, without averages and counts"


def gather_status(
    environment: Environment,
    strategies: Sequence[Strategy],
    now: float,
    destinations: Sequence[str] = (),
    notes: Sequence[str] = (),
    *,
    memory: StatusMemory | None = None,
    silences: Sequence[Silence] = (),
) -> Status:
    """Read Redis, or what stands in for it, and work out the figures; while Redis is away, what the journal knows.

    Args:
        environment: where Redis is.
        strategies: whose figures are wanted.
        now: epoch seconds.
        destinations: lanes to show even when nothing was ever sent there.
        notes: sentences to show before those of the store.
        memory: what is kept between two looks of one process; None for a single look.
        silences: those of the configuration; those that were set while running are read.

    Raises:
        StoreUnavailable: Redis did not answer and there is no journal, or the journal cannot be read.
    """
    kept = memory or StatusMemory(environment)
    try:
        look, away = _looked(environment, kept, strategies, destinations, now)
    finally:
        if memory is None:
            kept.close()
    # Redis may be away, or the heartbeat in it gone; a process that holds its note in the state directory is alive.
    processes = live_processes(environment.state_dir, scope_of(environment))
    alive = {each.role: {"state": "alive", "pid": each.pid} for each in processes}
    record = _record(environment, kept, look.notes)
    if destinations and look.delivery is not None:
        look.notes.extend(leftovers(look.delivery, destinations))
    noted = read_noted(environment, [each.name for each in strategies], today(now))
    hushes = tuple(one for one in (*silences, *look.silences) if one.until > now)
    return Status(
        at=now,
        redis=environment.redis_label if environment.cache_enabled else None,
        namespace=environment.namespace,
        daemon=living(look.reports.daemon, alive.get("run")),
        notifier=living(look.reports.notifier, alive.get("notify")),
        stopped=stopped_at(daemon=look.reports.daemon, notifier=look.reports.notifier),
        queued=look.reports.waiting,
        delivery=look.delivery,
        strategies=tuple(
            all_figures(
                strategies,
                look.loaded,
                now,
                heartbeat=look.reports.daemon,
                averages_from=kept.averages,
                silences=hushes,
                noted=noted,
                counted=kept.store is not None and not away,
            )
        ),
        notes=(*notes, *look.notes),
        away=away,
        record=record,
        audit=noted.audit,
        servers=look.servers,
        shards=look.shards,
        silences=hushes,
    )


class _Look(NamedTuple):
    """What one look found; ``notes`` grow."""

    reports: Reports
    loaded: Mapping[str, Loaded]
    delivery: QueueDepths | None
    silences: Sequence[Silence]
    notes: list[str]
    servers: Servers | None = None
    shards: ShardReports | None = None


def _looked(
    environment: Environment,
    kept: StatusMemory,
    strategies: Sequence[Strategy],
    destinations: Sequence[str],
    now: float,
) -> tuple[_Look, str]:
    """Look at Redis, else at the journal; return with it why Redis could not be read, empty when it could."""
    if kept.store is None:
        return _local_look(environment, strategies, destinations), ""
    try:
        look = _redis_look(environment, kept.store, strategies, destinations)
        shards = read_shards(kept.store.client, kept.store.keys)
        reports = look.reports if shards is None else replace(look.reports, daemon=shards.daemon)
        return look._replace(servers=kept.servers(now), shards=shards, reports=reports), ""
    except StoreUnavailable as error:
        if not has_journal(environment):
            raise
        return _local_look(environment, strategies, destinations, note=AWAY), str(error)


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
        delivery, silences = _delivery(both, destinations, notes)
    finally:
        if journal is not None:
            journal.close()
    return _Look(reports, loaded, delivery, silences, notes)


def _local_look(
    environment: Environment, strategies: Sequence[Strategy], destinations: Sequence[str], note: str = MEMORY_ONLY
) -> _Look:
    file = local_queue_file(environment)
    try:
        reports = read_local_reports(file)
        loaded = load_local(file, strategies)
        notes = [*reports.notes, note]
        delivery, silences = _delivery(StoredQueue(LocalQueueStore(file)), destinations, notes)
    finally:
        file.close()
    return _Look(reports, loaded, delivery, silences, notes)


def _delivery(
    queue: QueueAdmin, destinations: Sequence[str], notes: list[str]
) -> tuple[QueueDepths | None, Sequence[Silence]]:
    try:
        return queue.depths(destinations), queue.silences()
    except StoreUnavailable as error:
        notes.append(f"the delivery figures cannot be read: {error}")
        return None, ()

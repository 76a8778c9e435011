"""What was committed of strategies, read from Redis, or without it from the journal (contract 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace

from ninja_daemon.adapters.journal.journal import OUTBOX_KEPT
from ninja_daemon.adapters.journal.reports import load_local, read_local_history
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.reports import read_history, read_sides
from ninja_daemon.adapters.redis.state_store import HISTORY_KEPT, RedisStateStore
from ninja_daemon.adapters.stored.reports import History
from ninja_daemon.app.news.known import known_calendar
from ninja_daemon.app.queues.opening import audits_file, local_queue_file
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Loaded
from ninja_daemon.usecases.proof.record import Record


def read_records(environment: Environment, strategies: Sequence[Strategy]) -> Mapping[str, Record]:
    """Return what was committed, by strategy name, and what the calendar said.

    Raises:
        StoreUnavailable: it cannot be read.
        CalendarUnreadable: nor can the calendar that a strategy needs.
    """
    calendar = known_calendar(environment, strategies)
    return {name: replace(one, calendar=calendar) for name, one in _committed(environment, strategies).items()}


def _committed(environment: Environment, strategies: Sequence[Strategy]) -> Mapping[str, Record]:
    if not environment.cache_enabled:
        with closing(local_queue_file(environment)) as file:
            loaded, history = load_local(file, strategies), read_local_history(file)
        return _records(loaded, {}, history, OUTBOX_KEPT, is_counted=False)
    keys = Keys(environment.namespace)
    with closing(connect(environment.redis_url.reveal(), name="why")) as client:
        store, names = RedisStateStore(client, keys), [strategy.name for strategy in strategies]
        loaded = store.load(strategies)
        while True:
            sides, history = read_sides(client, keys, names), read_history(client, keys)
            before, loaded = loaded, store.load(strategies)
            # A commit in between would put an old cursor beside a new side.
            if all(before[name].cursor_token == loaded[name].cursor_token for name in names):
                break
    return _records(loaded, sides, history, HISTORY_KEPT, is_counted=True)


def _records(
    loaded: Mapping[str, Loaded], sides: Mapping[str, str | None], history: History, kept: int, *, is_counted: bool
) -> Mapping[str, Record]:
    is_cut = len(history.entries) + history.unreadable >= kept
    return {
        name: Record(
            each,
            sides.get(name),
            [signal for signal, _ in history.entries if signal.strategy == name],
            is_cut=is_cut,
            is_counted=is_counted,
            terms=history.terms,
            outcomes={id_: one for id_, one in history.outcomes.items() if one.strategy == name},
        )
        for name, each in loaded.items()
    }


def with_seen(environment: Environment, name: str, record: Record) -> Record:
    """Add the candles of a strategy that this machine noted, as far as its file is there and can be read."""
    with closing(audits_file(environment)) as file:
        try:
            return replace(record, seen=file.seen(name)) if file.path.exists() else record
        except (JournalUnavailable, OSError):
            return record

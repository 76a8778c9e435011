"""What is left of strategies that were taken out of the configuration (contract 7)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import closing, suppress

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.app.queues.opening import has_journal, journal_file
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import JournalUnavailable, StoreUnavailable
from ninja_daemon.core.market.instant import format_instant


def left_strategies(environment: Environment, configured: Collection[str]) -> Mapping[str, str]:
    """Return the cursors of strategies that are not configured, by name; those that can be read at this moment."""
    found: dict[str, str] = {}
    if has_journal(environment):
        with suppress(JournalUnavailable), closing(SqliteJournal(journal_file(environment))) as journal:
            found |= {name: format_instant(mark) for name, mark in journal.marks().items()}
    if environment.cache_enabled:
        with suppress(StoreUnavailable):
            found |= _redis_cursors(environment)
    return {name: cursor for name, cursor in sorted(found.items()) if name not in configured}


def left_sentences(environment: Environment, configured: Collection[str]) -> list[str]:
    """Return a sentence for each of them, with the command that ends it."""
    return [
        f"{name} is not configured any more, and its cursor ({cursor or 'unreadable'}) is left: "
        f"ninja-daemon strategies forget {name}"
        for name, cursor in left_strategies(environment, configured).items()
    ]


def forget(environment: Environment, name: str) -> bool:
    """Remove cursor, averages, side, counts and open signals of a strategy; False when there was nothing.

    Raises:
        StoreUnavailable: Redis did not answer; repeat it when it does.
        JournalUnavailable: the journal cannot be changed now; nothing was.
    """
    was_there = False
    if has_journal(environment):
        with closing(SqliteJournal(journal_file(environment))) as journal:
            was_there = journal.forget(name)
    if environment.cache_enabled:
        was_there = _forget_in_redis(environment, name) or was_there
    return was_there


def _redis_cursors(environment: Environment) -> Mapping[str, str]:
    from ninja_daemon.adapters.redis.client import connect  # noqa: PLC0415 - not without Redis
    from ninja_daemon.adapters.redis.keys import Keys  # noqa: PLC0415
    from ninja_daemon.adapters.redis.reports import kept_cursors  # noqa: PLC0415

    with closing(connect(environment.redis_url.reveal(), name="left")) as client:
        return kept_cursors(client, Keys(environment.namespace))


def _forget_in_redis(environment: Environment, name: str) -> bool:
    from ninja_daemon.adapters.redis.client import connect  # noqa: PLC0415 - not without Redis
    from ninja_daemon.adapters.redis.keys import Keys  # noqa: PLC0415
    from ninja_daemon.adapters.redis.reports import forget_strategy  # noqa: PLC0415

    with closing(connect(environment.redis_url.reveal(), name="forget")) as client:
        return forget_strategy(client, Keys(environment.namespace), name) > 0

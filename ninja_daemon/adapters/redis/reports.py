"""What the processes leave in Redis for people to read: heartbeats, the queue's length, the signal history.

Only read here, but for what people forget; a value that is not ours is reported, never raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from ninja_daemon.adapters.redis.client import OUR_NAMES, translated_errors
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.scripts import Call, run_scripts, script
from ninja_daemon.adapters.stored.reports import MOST_ENTRIES, History, Reports, heartbeat_fields, history_of

_TAKING: Final = frozenset({"blpop", "brpop", "blmove", "brpoplpush", "blmpop", "lpop", "rpop", "lmove", "lmpop"})
"""Commands that take elements off lists."""
_WRITES: Final = ("TYPE", "RPUSH", "LTRIM")
"""Commands that the daemon runs on a mirror."""


@dataclass(frozen=True, slots=True)
class Consumers:
    """Programs that are not ours and may take signals.

    Attributes:
        takers: the programs that last took something off a list, each by name or address, and how.
        kind: type of the mirror's key, ``none`` before its first signal.
        copied: signals that lie in the mirror.
        denied: commands that our user may not run on it.
    """

    takers: tuple[str, ...]
    kind: str = "none"
    copied: int = 0
    denied: tuple[str, ...] = ()


def read_consumers(client: redis.Redis, keys: Keys, mirror: str) -> Consumers:
    """Find out who else takes from lists, and how the mirror stands.

    Args:
        mirror: its name; empty for none.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    with translated_errors():
        takers = _takers(client)
        if not mirror:
            return Consumers(takers)
        key = keys.mirror(mirror)
        pipeline = client.pipeline(transaction=False)
        pipeline.type(key)
        pipeline.llen(key)
        kind, copied = pipeline.execute(raise_on_error=False)
        reply = run_scripts(client, [Call(script("permissions"), [key] * len(_WRITES), _WRITES)])[0]
    denied = tuple(_WRITES[place - 1] for place in reply) if isinstance(reply, list) else ()
    return Consumers(takers, str(kind), copied if isinstance(copied, int) else 0, denied)


def _takers(client: redis.Redis) -> tuple[str, ...]:
    try:
        answer: Any = client.client_list()
    except ResponseError:
        return ()  # A user with few rights may not ask, or the server does not tell.
    database = str(client.connection_pool.connection_kwargs.get("db") or 0)
    return tuple(
        f"{each['name'] or each['addr']} ({each['cmd']})"
        for each in answer
        if each["cmd"] in _TAKING and each["db"] == database and not each["name"].startswith(OUR_NAMES)
    )


def read_reports(client: redis.Redis, keys: Keys) -> Reports:
    """Read heartbeats and the queue's length in one round trip.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    with translated_errors():
        pipeline = client.pipeline(transaction=False)
        pipeline.get(f"{keys.prefix}heartbeat:daemon")
        pipeline.get(f"{keys.prefix}heartbeat:notifier")
        pipeline.llen(keys.signals)
        daemon, notifier, waiting = pipeline.execute(raise_on_error=False)
    notes: list[str] = []
    if not isinstance(waiting, int):
        notes.append(f"{keys.signals} must be a list, was not; nothing is committed before it is moved away")
        waiting = None
    return Reports(
        _heartbeat(daemon, f"{keys.prefix}heartbeat:daemon", notes),
        _heartbeat(notifier, f"{keys.prefix}heartbeat:notifier", notes),
        waiting,
        tuple(notes),
    )


def history_mark(client: redis.Redis, keys: Keys) -> object:
    """Return something that changes whenever a signal or an outcome is listed, in one small round trip.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    with translated_errors():
        pipeline = client.pipeline(transaction=False)
        pipeline.llen(keys.history)
        pipeline.lindex(keys.history, -1)
        pipeline.llen(keys.outcome_history)
        pipeline.lindex(keys.outcome_history, -1)
        return [str(reply) for reply in pipeline.execute(raise_on_error=False)]


def read_history(client: redis.Redis, keys: Keys, most: int = MOST_ENTRIES) -> History:
    """Read the signal history, the newest ``most`` entries of it.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    with translated_errors():
        pipeline = client.pipeline(transaction=False)
        for key in (keys.history, keys.outcome_history):
            pipeline.lrange(key, -most, -1)
        replies = pipeline.execute(raise_on_error=False)
        wrong = 0
        texts: list[list[str]] = []
        for reply in replies:
            if isinstance(reply, RedisError):
                if not str(reply).startswith("WRONGTYPE"):
                    raise reply
                wrong += 1
            texts.append([] if isinstance(reply, RedisError) else [str(text) for text in reply])
    history = history_of(*texts)
    return replace(history, unreadable=history.unreadable + wrong)


def read_sides(client: redis.Redis, keys: Keys, names: Sequence[str]) -> Mapping[str, str | None]:
    """Read the side that ``signal_state`` holds, by strategy name; None where there is none.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    with translated_errors():
        pipeline = client.pipeline(transaction=False)
        for name in names:
            pipeline.hget(keys.signal_state(name), "side")
        replies = pipeline.execute(raise_on_error=False)
    return {name: reply if isinstance(reply, str) else None for name, reply in zip(names, replies, strict=True)}


def _heartbeat(reply: object, key: str, notes: list[str]) -> Mapping[str, Any] | None:
    if isinstance(reply, NoPermissionError):
        notes.append(f"{key} is not shown to this Redis user: reader and operator may see it")
        return None
    return heartbeat_fields(reply, key, notes)


# --- what is left of strategies that are gone -----------------------------------------------------------------------


def kept_cursors(client: redis.Redis, keys: Keys) -> dict[str, str]:
    """Return the cursors in Redis as they stand there, by strategy name; goes over all keys of the server.

    Raises:
        StoreUnavailable: Redis did not answer, or does not let this user look.
    """
    start = keys.last_processed("")
    with translated_errors():
        names = sorted(str(key) for key in client.scan_iter(match=f"{_literal(start)}*", count=1_000))
        pipeline = client.pipeline(transaction=False)
        for name in names:
            pipeline.getrange(name, 0, 40)
        replies: list[Any] = pipeline.execute(raise_on_error=False)
    return {
        name.removeprefix(start): reply if isinstance(reply, str) else ""
        for name, reply in zip(names, replies, strict=True)
    }


def forget_strategy(client: redis.Redis, keys: Keys, name: str) -> int:
    """Remove cursor, averages and signal state of a strategy; return how many of them were there.

    The listed ids stay: nothing is listed again should the strategy come back.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    with translated_errors():
        gone: Any = client.delete(keys.last_processed(name), keys.ma_state(name), keys.signal_state(name))
    return int(gone)


def _literal(text: str) -> str:
    """Escape what SCAN would take for a pattern."""
    return "".join(f"\\{one}" if one in "*?[]\\^" else one for one in text)

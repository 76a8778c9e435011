"""What can be found out about a Redis server without changing anything: version, role, memory, disk, clock, rights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import redis
from redis.exceptions import NoPermissionError, ResponseError

from ninja_daemon.adapters.redis.client import translated_errors
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.scripts import Call, run_scripts, script
from ninja_daemon.adapters.redis.server.server_facts import ServerFacts, WrongType

_NEEDED: Final = {
    "last_processed": ("TYPE", "GETRANGE", "GET", "SET"),
    "ma_state": ("TYPE", "HLEN", "HGETALL", "HMGET", "HGET", "HSET", "DEL", "PEXPIRE"),
    "signal_state": ("TYPE", "HLEN", "HGETALL", "HMGET", "HGET", "HSET"),
    "listed": ("TYPE", "ZSCORE", "ZADD", "ZREMRANGEBYRANK"),
    "signals": ("TYPE", "LLEN", "RPUSH"),
    "history": ("TYPE", "RPUSH", "LTRIM", "LRANGE"),
    "fence": ("TYPE", "GET", "SET"),
    "leader": ("TYPE", "GET", "SET", "DEL", "PTTL", "PEXPIRE"),
    "heartbeat": ("GET", "SET"),
    "alerts": ("RPUSH", "LTRIM"),
}
"""Commands that the daemon runs on each kind of key, directly or inside of its scripts."""
_EXPECTED_TYPES: Final = {
    "last_processed": "string",
    "ma_state": "hash",
    "signal_state": "hash",
    "listed": "zset",
    "signals": "list",
    "history": "list",
    "fence": "string",
    "epoch": "string",
    "leader": "string",
    "heartbeat": "string",
    "alerts": "list",
}
_VERSION: Final = re.compile(r"(\d{1,4})\.(\d{1,4})")
_MAY_ASK: Final = frozenset({"default", "operator"})
"""Users, by the names of config/redis/users.acl.example, who may read what others may do."""


def inspect_server(client: redis.Redis, keys: Keys, strategies: Sequence[str], now: float) -> ServerFacts:
    """Ask a server about itself; reads only.

    Args:
        now: our clock, epoch seconds.

    Raises:
        StoreUnavailable: it does not answer, or refuses even that.
    """
    info, clock_ahead = _answers(client, now)
    denied, rights_unknown = _denied(client, keys, strategies)
    version = str(info.get("redis_version", "0.0"))
    return ServerFacts(
        product="valkey" if "valkey_version" in info else "redis",
        version=str(info.get("valkey_version", version)),
        numbers=_numbers(version),
        role=_text(info, "role"),
        max_memory=_number(info, "maxmemory"),
        used_memory=_number(info, "used_memory"),
        eviction=_text(info, "maxmemory_policy"),
        append_only=None if "aof_enabled" not in info else info["aof_enabled"] == 1,
        snapshots_fail=info.get("rdb_last_bgsave_status", "ok") != "ok",
        append_only_fails=info.get("aof_last_write_status", "ok") != "ok",
        default_user_lacks=_lacking(client),
        clock_ahead=clock_ahead,
        wrong_types=_wrong_types(client, keys, strategies),
        denied=denied,
        rights_unknown=rights_unknown,
    )


def _answers(client: redis.Redis, now: float) -> tuple[Mapping[str, Any], float | None]:
    with translated_errors():
        client.ping()
        return _info(client), _clock_ahead(client, now)


def _numbers(version: str) -> tuple[int, int]:
    match = _VERSION.match(version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _info(client: redis.Redis) -> Mapping[str, Any]:
    try:
        answer: Any = client.info()
    except NoPermissionError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _lacking(client: redis.Redis) -> tuple[str, ...]:
    """Return what the default user may not do, nothing when our user may not ask for that.

    The users for daemon, notifier and reading are known not to: their question would only stand in Redis' security log.
    """
    if (client.connection_pool.connection_kwargs.get("username") or "default") not in _MAY_ASK:
        return ()
    try:
        user: Any = client.acl_getuser("default")
    except ResponseError:
        return ()
    if not isinstance(user, dict):
        return ()
    taken = [command for command in user.get("commands", ()) if command.startswith("-")]
    taken += [group for group in user.get("categories", ()) if group.startswith("-")]
    lacking = [] if "~*" in user.get("keys", ()) else ["~*"]
    return (*lacking, "+@all") if taken or "+@all" not in user.get("categories", ()) else tuple(lacking)


def _clock_ahead(client: redis.Redis, now: float) -> float | None:
    try:
        answer: Any = client.time()
    except NoPermissionError:
        return None
    seconds, microseconds = answer
    return float(seconds) + float(microseconds) / 1e6 - now


def _wrong_types(client: redis.Redis, keys: Keys, strategies: Sequence[str]) -> tuple[WrongType, ...]:
    named = [(kind, key) for kind in _EXPECTED_TYPES for key in _keys_of(kind, keys, strategies)]
    with translated_errors():
        pipeline = client.pipeline(transaction=False)
        for _, key in named:
            pipeline.type(key)
        answers = pipeline.execute(raise_on_error=False)
    return tuple(
        WrongType(key, _EXPECTED_TYPES[kind], found)
        for (kind, key), found in zip(named, answers, strict=True)
        if isinstance(found, str) and found not in {"none", _EXPECTED_TYPES[kind]}
    )


def _denied(client: redis.Redis, keys: Keys, strategies: Sequence[str]) -> tuple[tuple[str, ...], str | None]:
    sample = strategies[:1] or ["EUR_USD_H4"]
    wanted = [
        (command, key)
        for kind, commands in _NEEDED.items()
        for key in _keys_of(kind, keys, sample)
        for command in commands
    ]
    call = Call(script("permissions"), [key for _, key in wanted], [command for command, _ in wanted])
    reply = run_scripts(client, [call])[0]
    if isinstance(reply, NoPermissionError):
        return ("EVALSHA, SCRIPT LOAD and the keys of the namespace",), None
    if isinstance(reply, ResponseError) or not isinstance(reply, list):
        return (), f"the server cannot say ({str(reply)[:100]})"
    return tuple(f"{wanted[place - 1][0]} {wanted[place - 1][1]}" for place in reply), None


def _keys_of(kind: str, keys: Keys, strategies: Sequence[str]) -> Sequence[str]:
    if kind in {"last_processed", "ma_state", "signal_state", "listed"}:
        return [f"{keys.prefix}{kind}:{strategy}" for strategy in strategies]
    return [f"{keys.prefix}heartbeat:daemon" if kind == "heartbeat" else f"{keys.prefix}{kind}"]


def _text(info: Mapping[str, Any], name: str) -> str | None:
    value = info.get(name)
    return None if value is None else str(value)


def _number(info: Mapping[str, Any], name: str) -> int | None:
    value = info.get(name)
    return value if isinstance(value, int) else None

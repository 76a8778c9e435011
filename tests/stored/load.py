"""Puts the stored data into a Redis and into a state directory, as if it had been made at a moment of one's choice.

This knows the forms of the tree that made the data, and nothing of the package: names of files included, it stays as
it is when the package changes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis

from tests.stored.scene import MOMENT

HERE = Path(__file__).resolve().parent
WITH_REDIS = HERE / "with_redis"
WITHOUT_REDIS = HERE / "without_redis"
NO_REDIS = "no Redis"
"""Stands for the address of Redis in the names of files that belong to none."""
_NEAR = 40 * 86_400
"""Seconds around a moment in which an instant is one of the delivery's, which moves. Candles are years older."""
_INSTANT = re.compile(
    r"(?P<text>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?P<part>\.\d+)?Z|(?<![\w.])(?P<ms>\d{13})(?![\w.])"
    r"|(?<![\w.])(?P<seconds>\d{10})(?P<fraction>\.\d+)?(?![\w.])",
    re.ASCII,
)


def moved(text: str, by: float, near: float) -> str:
    """Move every instant of a text that lies near a moment: epoch milliseconds, epoch seconds and RFC 3339."""

    def replaced(found: re.Match[str]) -> str:
        if found["text"]:
            at = datetime.fromisoformat(found["text"] + (found["part"] or "") + "+00:00").timestamp()
        elif found["ms"]:
            at = int(found["ms"]) / 1000
        else:
            at = float(found["seconds"] + (found["fraction"] or ""))
        return _written(found, at + by) if abs(at - near) < _NEAR else found[0]

    return _INSTANT.sub(replaced, text)


def _written(found: re.Match[str], at: float) -> str:
    if found["ms"]:
        return str(round(at * 1000))
    if found["seconds"]:
        return f"{at:.{len(found['fraction'] or '.') - 1}f}"
    digits = len(found["part"] or ".") - 1
    whole, _, part = f"{at:.{digits}f}".partition(".")
    stamp = datetime.fromtimestamp(int(whole), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{stamp}.{part}Z" if part else f"{stamp}Z"


def load_redis(client: redis.Redis, moment: float) -> None:
    """Fill an empty Redis; what has expired since the moment is left out.

    Args:
        client: of the server.
        moment: epoch seconds at which the data shall have been made.
    """
    now = float(client.time()[0])
    by = moment - MOMENT
    for key, entry in json.loads((WITH_REDIS / "redis.json").read_text(encoding="utf-8")).items():
        expires = entry.get("expires")
        if expires is not None and expires / 1000 + by <= now:
            continue
        _WRITERS[entry["type"]](client, key, _live(entry["value"], by))
        if expires is not None:
            client.pexpireat(key, round(expires + by * 1000))


def _live(value: Any, by: float) -> Any:
    """Turn a stored value into what goes into Redis."""
    if isinstance(value, str):
        return moved(value, by, MOMENT)
    if isinstance(value, list):
        return [_live(one, by) for one in value]
    if set(value) == {"base64"}:
        return base64.b64decode(value["base64"])
    return {name: _live(one, by) for name, one in value.items()}


_WRITERS: Mapping[str, Callable[[Any, str, Any], Any]] = {
    "string": lambda client, key, value: client.set(key, value),
    "list": lambda client, key, value: client.rpush(key, *value),
    "set": lambda client, key, value: client.sadd(key, *value),
    "hash": lambda client, key, value: client.hset(key, mapping=value),
    "zset": lambda client, key, value: client.zadd(key, {name: float(score) for name, score in value}),
}


def load_state(folder: Path, state_dir: Path, redis_label: str, moment: float) -> None:
    """Fill a state directory.

    Args:
        folder: ``WITH_REDIS`` or ``WITHOUT_REDIS``.
        state_dir: the directory; made when it is not there.
        redis_label: address of the Redis without credentials, or ``NO_REDIS``.
        moment: epoch seconds at which the data shall have been made.
    """
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    scope = hashlib.sha256(f"{redis_label}|ninja".encode()).hexdigest()[:8]
    for dump in sorted(folder.glob("*.sql")):
        path = state_dir / f"{dump.stem}-ninja-{scope}.sqlite3"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.executescript(moved(dump.read_text(encoding="utf-8"), moment - MOMENT, MOMENT))
    for text in folder.glob("heartbeat.json"):
        path = state_dir / f"journal-ninja-{scope}.heartbeat"
        path.write_text(moved(text.read_text(encoding="utf-8"), moment - MOMENT, MOMENT), encoding="utf-8")

"""The strategies of which something is kept in Redis, and the end of what is kept of one."""

from __future__ import annotations

from typing import Any, Final

import redis

from ninja_daemon.adapters.redis.client import translated_errors
from ninja_daemon.adapters.redis.keys import Keys

_AT_ONCE: Final = 1_000
_LONGEST: Final = 40


def kept_cursors(client: redis.Redis, keys: Keys) -> dict[str, str]:
    """Return the cursors in Redis as they stand there, by strategy name; goes over all keys of the server.

    Raises:
        StoreUnavailable: Redis did not answer, or does not let this user look.
    """
    start = keys.last_processed("")
    with translated_errors():
        names = sorted(str(key) for key in client.scan_iter(match=f"{_literal(start)}*", count=_AT_ONCE))
        pipeline = client.pipeline(transaction=False)
        for name in names:
            pipeline.getrange(name, 0, _LONGEST)
        replies: list[Any] = pipeline.execute(raise_on_error=False)
    return {
        name.removeprefix(start): reply if isinstance(reply, str) else ""
        for name, reply in zip(names, replies, strict=True)
    }


def forget_strategy(client: redis.Redis, keys: Keys, name: str) -> int:
    """Remove cursor, averages and signal state of a strategy; return how many of them were there.

    The ids that were listed stay, so that nothing is listed again should the strategy come back.

    Raises:
        StoreUnavailable: Redis did not answer.
    """
    with translated_errors():
        gone: Any = client.delete(keys.last_processed(name), keys.ma_state(name), keys.signal_state(name))
    return int(gone)


def _literal(text: str) -> str:
    """Escape what SCAN would take for a pattern."""
    return "".join(f"\\{one}" if one in "*?[]\\^" else one for one in text)

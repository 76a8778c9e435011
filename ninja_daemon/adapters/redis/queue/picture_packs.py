"""The candles of signals' pictures in Redis, for an hour each."""

from __future__ import annotations

from typing import Any

import redis

from ninja_daemon.adapters.redis.client import translated_errors
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys


class RedisPicturePacks:
    """One key a signal, which expires by itself."""

    def __init__(self, client: redis.Redis, keys: QueueKeys) -> None:
        """Choose the server and the namespace."""
        self._client = client
        self._keys = keys

    def leave(self, identity: str, text: str, seconds: int) -> None:
        """Leave the candles of a signal for so many seconds.

        Raises:
            StoreUnavailable: Redis did not take it.
        """
        with translated_errors():
            self._client.set(self._keys.picture(identity), text, ex=seconds)

    def read(self, identity: str) -> str:
        """Return the candles of a signal, empty when there are none.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        with translated_errors():
            found: Any = self._client.get(self._keys.picture(identity))
        return str(found or "")

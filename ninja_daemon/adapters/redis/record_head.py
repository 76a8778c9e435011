"""Where the record of the daemon that was active last ends, so that the next one can compare its own."""

from __future__ import annotations

from typing import Any

import redis

from ninja_daemon.adapters.redis.client import translated_errors
from ninja_daemon.adapters.redis.keys import Keys


class RedisRecordHead:
    """The published head: a short text in one key."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        """Choose the server and the namespace."""
        self._client = client
        self._key = keys.record

    def read(self) -> str:
        """Return the published head, empty when there is none.

        Raises:
            StoreUnavailable: Redis did not answer, or refuses.
        """
        with translated_errors():
            found: Any = self._client.get(self._key)
        return str(found or "")

    def publish(self, head: str) -> None:
        """Put a head in the place of the one before.

        Raises:
            StoreUnavailable: Redis did not answer, or refuses.
        """
        with translated_errors():
            self._client.set(self._key, head)

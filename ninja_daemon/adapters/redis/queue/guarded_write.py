"""Changes of the queue that are written atomically if it is still as it was seen; one round trip (lua/write.lua)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import redis

from ninja_daemon.adapters.redis.scripts import Call, answered, run_scripts, script
from ninja_daemon.core.errors import StoreSpoilt

_TYPES: Final = {
    **dict.fromkeys(("RPUSH", "LPOP", "LINDEX", "LREM", "LLEN"), "list"),
    **dict.fromkeys(("HSET", "HDEL", "HGET", "HINCRBY"), "hash"),
    **dict.fromkeys(("SADD", "SREM"), "set"),
    **dict.fromkeys(("ZADD", "ZREM", "ZSCORE", "ZREMRANGEBYSCORE"), "zset"),
    **dict.fromkeys(("SET", "GET"), "string"),
}
"""Type of the key that a command takes; DEL takes any."""


class GuardedWrite:
    """Collects guards and commands, and becomes one call of the script."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._types: dict[str, str] = {}
        self._places: dict[str, int] = {}
        self._guards: list[str | int] = []
        self._commands: list[str | int] = []
        self._guard_count = self._command_count = 0

    def guard(self, how: str, expected: str | int, command: str, key: str, *words: str | int) -> int:
        """Write only if the answer of a command is the expected one; return the guard's place.

        Args:
            how: ``is``, ``begins``, ``counts``, ``sha1`` or ``removes``, see the script.
            expected: answer.
            command: and its key and further words.
        """
        self._guards += [how, expected, *self._packed(command, key, words)]
        self._guard_count += 1
        return self._guard_count - 1

    def command(self, command: str, key: str, *words: str | int) -> None:
        """Run a command when all guards have held."""
        self._commands += self._packed(command, key, words)
        self._command_count += 1

    def call(self) -> Call:
        """Return the call of the script."""
        types = [self._types.get(key, "list") for key in self._places]
        arguments = [*types, self._guard_count, *self._guards, self._command_count, *self._commands]
        return Call(script("write"), list(self._places), arguments)

    def run(self, client: redis.Redis) -> frozenset[int] | None:
        """Write; return None when it was written, the places of the guards that failed when nothing was changed.

        Raises:
            StoreUnavailable: it is not known whether it was written.
        """
        return conflicts(run_scripts(client, [self.call()])[0])

    def _packed(self, command: str, key: str, words: Sequence[str | int]) -> list[str | int]:
        place = self._places.setdefault(key, len(self._places) + 1)
        if command in _TYPES:
            self._types[key] = _TYPES[command]
        return [2 + len(words), command, place, *words]


def conflicts(reply: Any) -> frozenset[int] | None:  # noqa: ANN401 - what a script returns
    """Read the script's reply; see ``GuardedWrite.run``."""
    words = checked(reply)
    return None if words[0] == "OK" else frozenset(map(int, words[1:]))


def checked(reply: Any) -> Any:  # noqa: ANN401 - what a script returns
    """Return a script's reply.

    Raises:
        StoreUnavailable: it is an error.
        StoreSpoilt: it says that a key is of the wrong type.
    """
    reply = answered(reply)
    if isinstance(reply, list) and reply and reply[0] == "BADTYPE":
        message = f"a key is of the wrong type ({', '.join(map(str, reply[1:]))}); move it away with RENAME"
        raise StoreSpoilt(message)
    return reply

"""All keys of a namespace: read as they are at one moment, and put in the place of what is there, all or none.

They are kept by kind and content, not in the server's own form, so that a copy made on one version of Redis or Valkey
can be put into any other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import RedisError, ResponseError, WatchError

from ninja_daemon.adapters.redis.backups.stored_keys import StoredKey, batched, whole, write_key
from ninja_daemon.adapters.redis.client import connect, translated_errors, unavailable
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.scripts import Call, run_scripts, script
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.usecases.lifetimes import HEARTBEAT, LEASE, NOTIFIER_HEARTBEAT

SIGNS_OF_LIFE: Final = {
    "leader": LEASE,
    "heartbeat:daemon": HEARTBEAT,
    "heartbeat:notifier": NOTIFIER_HEARTBEAT,
}
"""Keys that running processes renew every five seconds, each with the life it then has. They are in no copy, and
nothing is replaced while they are renewed."""
TIMEOUT: Final = 30.0
"""Seconds that reading or replacing everything may take."""
_HOLD: Final = "hold:"
_COUNTED_UP: Final = ("epoch", "fence")
"""Numbers that must never go back: a process of the time before the restoration is refused by them."""
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Contents:
    """A namespace at one moment.

    Attributes:
        keys: by name, in its order.
        strange: keys whose kind is none of ours, left out.
    """

    keys: tuple[StoredKey, ...]
    strange: tuple[str, ...] = ()


class RedisNamespace:
    """All keys of one namespace, with a connection of its own that has time for big answers."""

    def __init__(self, url: str, namespace: str) -> None:
        """Prepare; nothing is connected yet.

        Args:
            url: of the server; its user must be allowed to read all of the namespace, or to write it.
            namespace: prefix of the keys, without braces.

        Raises:
            ConfigError: the URL cannot be read.
        """
        self._client = connect(url, name="backup", socket_timeout=TIMEOUT)
        self._prefix = Keys(namespace).prefix

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()

    def read(self) -> Contents:
        """Read every key, all at one moment, but the signs of life of running processes.

        The names are looked for first and again afterwards: a key that came up in between leads to another try, so
        that nothing that moved from one key to another is missing from both.

        Raises:
            StoreUnavailable: the server does not answer, refuses, or there were new keys at each try.
        """
        names = self._names()
        for _ in range(_TRIES):
            contents = self._exported(names)
            now = self._names()
            if set(now) <= set(names):
                return contents
            names = now
        message = (
            f"the keys of {self._prefix}* must hold still for a moment, new ones came at {_TRIES} looks; try again"
        )
        raise StoreUnavailable(message)

    def signs_of_life(self) -> dict[str, float]:
        """Return the signs of life that are there, each with the seconds that it has left.

        Raises:
            StoreUnavailable: the server does not answer.
        """
        with translated_errors():
            pipeline = self._client.pipeline(transaction=False)
            for name in SIGNS_OF_LIFE:
                pipeline.pttl(f"{self._prefix}{name}")
            left = pipeline.execute()
        # -2: it is not there; -1: it stays for ever, so that nobody renews it.
        return {name: int(ms) / 1_000 for name, ms in zip(SIGNS_OF_LIFE, left, strict=True) if int(ms) > 0}

    def replace(self, keys: Collection[StoredKey], strange: Collection[str]) -> None:
        """Put ``keys`` in the place of everything that is there, all of it or nothing.

        Args:
            keys: what is to be there.
            strange: whole names of keys to leave alone.

        Raises:
            StoreUnavailable: nothing was changed, also when a process has come up meanwhile; or the connection broke,
                and it is not known whether all was. Doing it again is safe.
        """
        with translated_errors(), self._client.pipeline(transaction=True) as pipeline:
            try:
                signs = [f"{self._prefix}{name}" for name in SIGNS_OF_LIFE]
                pipeline.watch(*signs)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
                counted_up = {name: self._number(name) for name in _COUNTED_UP}
                old = [key for key in self._all_names() if key not in strange]
                pipeline.multi()
                for some in batched(old):
                    pipeline.delete(*some)
                for key in keys:
                    write_key(pipeline, self._prefix, key)
                for name, number in counted_up.items():
                    stored = next((whole(key.value[0]) for key in keys if key.name == name), 0)
                    if highest := max(number, stored):
                        pipeline.set(f"{self._prefix}{name}", highest + 1)
                pipeline.execute()
            except WatchError:
                message = "daemon and notifier must stay stopped, one of them has come up: systemctl stop ninja.target"
                raise StoreUnavailable(message) from None

    def _names(self) -> list[str]:
        with translated_errors():
            found = self._all_names()
        return sorted(key for key in found if not _is_of_processes(key.removeprefix(self._prefix)))

    def _all_names(self) -> list[str]:
        return sorted({str(key) for key in self._client.scan_iter(match=f"{self._prefix}*", count=1_000)})

    def _exported(self, names: Sequence[str]) -> Contents:
        reply: Any = run_scripts(self._client, [Call(script("export", reads_only=True), names, ())])[0]
        if isinstance(reply, RedisError):
            raise unavailable(reply) from reply
        now = int(reply[0]) * 1_000 + int(reply[1]) // 1_000
        keys, strange = list[StoredKey](), list[str]()
        for name, entry in zip(names, reply[2:], strict=True):
            kind, *rest = map(str, entry)
            if rest:
                left = int(rest[0])
                expires_at = None if left < 0 else now + left
                keys.append(StoredKey(name.removeprefix(self._prefix), kind, expires_at, tuple(rest[1:])))
            elif kind != "none":
                strange.append(name)
        return Contents(tuple(keys), tuple(strange))

    def _number(self, name: str) -> int:
        try:
            return whole(str(self._client.get(f"{self._prefix}{name}") or ""))
        except ResponseError:
            return 0


def _is_of_processes(name: str) -> bool:
    return name in SIGNS_OF_LIFE or name.startswith(_HOLD)

"""Connections that follow the master that Sentinel names.

redis-py asks Sentinel only for a new connection, and Sentinel tells the old master of a failover after ten seconds: a
connection that lives would be answered OK all that time, for writes that then vanish. So the pool asks again, before a
connection is handed out, whenever the last answer is a second old, and lets idle connections to another server go.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

import redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool

_ASK_EVERY: Final = 1.0
"""Seconds; an answer costs about a millisecond."""
_DOWN: Final = frozenset({"s_down", "o_down", "disconnected"})


class Master(NamedTuple):
    """What Sentinel says of the master.

    Attributes:
        host: name or address.
        port: its port.
        epoch: number of the failover that made it the master; it only grows.
        replicas: that Sentinel knows, whether they work or not.
        sentinels: that watch it.
        down_after_ms: silence after which a Sentinel takes it for down.
        since: seconds for which that Sentinel has known it as the master.
    """

    host: str
    port: int
    epoch: int
    replicas: int
    sentinels: int
    down_after_ms: int
    since: float

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port


class SentinelRefused(MasterNotFoundError):
    """A Sentinel does not accept our user or password, or gives it too few rights."""


class Sentinels(Sentinel):
    """The Sentinels of one service; the one that answered last is asked first."""

    def __init__(self, hosts: Sequence[tuple[str, int]], options: Mapping[str, Any]) -> None:
        """Connect to nothing yet."""
        every = {**options, "decode_responses": True}
        super().__init__(list(hosts), sentinel_kwargs=every)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        self._newest = 0

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return the address of the master.

        Raises:
            MasterNotFoundError: with a sentence for people.
        """
        return self.master(service_name).address

    def master(self, service: str) -> Master:
        """Return the master, by a Sentinel that has heard of the newest failover that we know of if there is one.

        Raises:
            MasterNotFoundError: with a sentence for people.
        """
        older: Master | None = None
        reasons: list[str] = []
        for sentinel in self.sentinels:
            found = _asked(sentinel, service)
            if isinstance(found, str):
                reasons.append(found)
            elif found.epoch < self._newest:
                older = older or found
            else:
                self._newest = found.epoch
                # Another list: several threads ask.
                self.sentinels = [sentinel, *(one for one in self.sentinels if one is not sentinel)]
                return found
        if older is None:
            raise (SentinelRefused if _REFUSED in reasons else MasterNotFoundError)(reasons[-1])
        self._newest = older.epoch  # All of them say so: they were set up anew.
        return older

    def working_replicas(self, service: str) -> int:
        """Return how many replicas work as far as the Sentinel knows that answered last.

        Raises:
            RedisError: it does not answer.
        """
        found = _told(self.sentinels[0], "SENTINEL REPLICAS", service)
        return sum(_DOWN.isdisjoint(_fields(one)["flags"].split(",")) for one in found)


_REFUSED: Final = (
    "Sentinel does not accept the user or password; set REDIS_SENTINEL_PASSWORD, and REDIS_SENTINEL_USERNAME where it "
    "has users (rights: +sentinel|master +sentinel|replicas +ping +hello +client|setname)"
)


def _asked(sentinel: redis.Redis, service: str) -> Master | str:
    """Ask one Sentinel; return why it names no master."""
    where = "{host}:{port}".format_map(sentinel.connection_pool.connection_kwargs)
    try:
        fields = _fields(_told(sentinel, "SENTINEL MASTER", service))
    except (AuthenticationError, NoPermissionError):
        return _REFUSED
    except ResponseError as error:
        if "No such master" in str(error):
            return f"Sentinel at {where} knows no master of the name {service}; correct it in REDIS_URL"
        return f"what answers at {where} is not Sentinel ({str(error)[:80]}); REDIS_URL must name the Sentinels"
    except (RedisError, OSError) as error:
        return f"no Sentinel can be reached ({where}: {str(error)[:80] or type(error).__name__})"
    flags = set(fields.get("flags", "").split(","))
    if "master" not in flags or not _DOWN.isdisjoint(flags):
        return f"Sentinel knows no master of {service} that works; it names another one as soon as it has chosen"
    return Master(
        host=fields["ip"],
        port=int(fields["port"]),
        epoch=int(fields["config-epoch"]),
        replicas=int(fields["num-slaves"]),
        sentinels=1 + int(fields["num-other-sentinels"]),
        down_after_ms=int(fields["down-after-milliseconds"]),
        since=int(fields["role-reported-time"]) / 1_000,
    )


def _told(sentinel: redis.Redis, *command: str) -> Any:  # noqa: ANN401 - by command
    return sentinel.execute_command(*command)  # type: ignore[no-untyped-call]


def _fields(answer: Any) -> dict[str, str]:  # noqa: ANN401 - a flat list, or a map, by version of library and protocol
    if isinstance(answer, Mapping):
        return {str(name): str(value) for name, value in answer.items()}
    return {str(name): str(value) for name, value in zip(answer[::2], answer[1::2], strict=True)}


class MasterPool(SentinelConnectionPool):
    """Connections to today's master of one service."""

    def __init__(self, service: str, sentinels: Sentinels, **options: Any) -> None:  # noqa: ANN401 - redis-py's own shape
        """Connect to nothing yet."""
        super().__init__(service, sentinels, **options)  # type: ignore[no-untyped-call]
        self.sentinels = sentinels
        self._asked_at = float("-inf")
        self._asking = threading.Lock()

    def get_connection(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - redis-py's own shape
        """Return a connection to the master; an old one only while Sentinel names the same server."""
        if time.monotonic() - self._asked_at >= _ASK_EVERY and self._asking.acquire(blocking=False):
            try:
                # No answer leaves the connections that there are; a new one asks again and says what is wrong.
                with suppress(MasterNotFoundError):
                    self.get_master_address()  # type: ignore[no-untyped-call]
                self._asked_at = time.monotonic()
            finally:
                self._asking.release()
        return super().get_connection()

    def ask(self) -> Master:
        """Ask Sentinel now, and let connections to another server go.

        Raises:
            MasterNotFoundError: with a sentence for people.
        """
        master = self.sentinels.master(self.service_name)
        if master.address != self.master_address:
            self.get_master_address()  # type: ignore[no-untyped-call]
        return master

    def working_replicas(self) -> int:
        """Return how many replicas Sentinel takes for working.

        Raises:
            RedisError: it does not answer.
        """
        return self.sentinels.working_replicas(self.service_name)

    def close(self) -> None:
        """Let all connections go, those to the Sentinels as well."""
        super().close()
        self.sentinels.close()

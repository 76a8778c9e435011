"""A place in which the stored data lies, and the product's commands on it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import redis

from ninja_daemon.app.candles.markets import market_of
from ninja_daemon.simulator.clock import SimulatedClock
from ninja_daemon.simulator.server import SimulatorServer
from tests.fakes.receiver import OK, Answer, Post, Receiver, receiver
from tests.processes import Finished, Workplace
from tests.servers import RedisServer
from tests.stored.load import NO_REDIS, WITH_REDIS, WITHOUT_REDIS, load_redis, load_state
from tests.stored.scene import FIRST, configuration, just_after, label, write_market

TOKEN = "a-token-of-the-tests"


class Got(NamedTuple):
    """A post.

    Attributes:
        messages: what was in it, oldest first.
        is_repeat: it says that it may be a repeat.
        at: epoch seconds.
    """

    to: str
    messages: tuple[str, ...]
    is_repeat: bool
    at: float


class Old:
    """The stored data in a Redis (or none) and a state directory, a receiver of all destinations, and a broker."""

    def __init__(
        self, place: Workplace, clock: SimulatedClock, desk: Receiver, server: RedisServer, *, has_redis: bool
    ) -> None:
        self.place, self.clock, self.desk, self.server = place, clock, desk, server
        self.has_redis = has_redis
        self.moment = 0.0
        self.got: list[Got] = []
        self.answers: dict[str, Answer] = {}
        desk.script = self._answered
        place.environment |= {"REDIS_URL": server.url} if has_redis else {"CACHE_ENABLED": "false"}
        self.configures()

    def configures(self, **changes: Mapping[str, str]) -> None:
        """Write the configuration that the data was made under, but for changes; see ``configuration``."""
        self.place.configure(configuration(self.desk.url, **changes))

    def was_made(self, ago: float, *, with_state: bool = True) -> None:
        """Put the data there, as if it had been made that many seconds ago; perhaps without the state directory."""
        self.moment = time.time() - ago
        if self.has_redis:
            with self.redis() as client:
                load_redis(client, self.moment)
        if with_state:
            folder, where = (WITH_REDIS, f"{self.server.socket}/0") if self.has_redis else (WITHOUT_REDIS, NO_REDIS)
            load_state(folder, self.place.state_dir, where, self.moment)

    def loses_the_ledger(self) -> None:
        for file in self.place.state_dir.glob("sent-*"):
            file.unlink()

    def redis(self) -> redis.Redis:
        return self.server.client()

    def does(self, *command: str, code: int = 0) -> Finished:
        return self.place.run(*command).exited(code)

    def shows(self, *command: str) -> Any:
        return json.loads(self.does(*command, "--json").out)

    def runs_at(self, step: int) -> str:
        """``run --once`` with that many candles more than at the first start; what it logs."""
        self.clock.set(just_after(FIRST + step))
        return self.does("run", "--once").err

    def drains(self, code: int = 1) -> dict[str, list[str]]:
        """``notify --drain``; what came meanwhile."""
        before = len(self.got)
        self.does("notify", "--drain", code=code)
        return self.came(before)

    @property
    def told(self) -> list[str]:
        """What the operator was told since: of lanes that healed, and of dead letters."""
        return sorted(message.rpartition("-")[0] for post in self.got for message in post.messages if _is_told(message))

    def came(self, since: int = 0) -> dict[str, list[str]]:
        """What came, by destination: ``a 1``, ``a 1 & a 2`` where they came as one, with ``?`` where it may repeat."""
        found: dict[str, list[str]] = {}
        for post in self.got[since:]:
            if any(map(_is_told, post.messages)):
                continue
            found.setdefault(post.to, []).append(" & ".join(post.messages) + (" ?" if post.is_repeat else ""))
        return found

    def lanes(self) -> dict[str, dict[str, Any]]:
        """What ``queue`` shows of each destination."""
        return {lane["destination"]: lane for lane in self.shows("queue")["destinations"]}

    def _answered(self, post: Post) -> Answer:
        name = post.path.partition("?")[0].rpartition("/")[2]
        answer = self.answers.get(name, OK)
        if answer.status < 300:
            said = post.json
            is_repeat = "ninja-possible-repeat" in post.headers or bool(
                name.startswith("discord") and "content" in said
            )
            self.got.append(Got(name, _messages(said), is_repeat, time.time()))
        return answer


def _messages(said: Any) -> tuple[str, ...]:
    if isinstance(said, list):
        return tuple(name for one in said for name in _messages(one))
    if "embeds" in said:
        return tuple(label(*embed["footer"]["text"].split(" · ")) for embed in said["embeds"])
    if "strategy" in said:
        return (label(said["strategy"], said["id"], said["time"]),)
    return (said["id"],)


def labels(signals: Sequence[Mapping[str, Any]]) -> list[str]:
    """What signals are called."""
    return [label(one["strategy"], one["id"], one["time"]) for one in signals]


@contextmanager
def old_place(place: Workplace, server: RedisServer, *, has_redis: bool) -> Iterator[Old]:
    """A place without data in it yet."""
    clock = SimulatedClock.fixed(just_after(FIRST))
    market = market_of(write_market(Path(place.directory) / "market"))
    with SimulatorServer(market, clock=clock, token=TOKEN) as broker, receiver() as desk:
        place.uses(broker=broker.url, redis="unix:///nowhere/at-all.sock", token=TOKEN)
        yield Old(place, clock, desk, server, has_redis=has_redis)
        place.end_all()


def _is_told(message: str) -> bool:
    return message.startswith(("healed-", "dead-"))

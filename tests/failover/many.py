"""Thousands of strategies before a broker that costs nothing, shared by members that wait as they do outside."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import redis

from benchmarks.canned import ACCOUNT, BEGIN, HOUR, Candles, instrument_names
from benchmarks.children import Child as Broker
from ninja_daemon.core.market.instant import format_instant
from tests.faults.nursery import Child, Nursery, nursery
from tests.faults.shared_clock import SharedClock
from tests.oracle import Candle, Rules, Signal, expected_signals
from tests.places import HERE, Place
from tests.processes import ROOT
from tests.servers import RedisServer

CANDLES: Final = 400
WALKS: Final = 20
"""Different series; instruments share them, so that the oracle works each out once."""
FIRST: Final = 200
SOON: Final = 2.0
CALM: Final = 60.0
"""Seconds after a close: when candles are there, and when shards may change hands."""
SHARDS: Final = 32
_READ_AT_ONCE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Size:
    """How many there are."""

    series: int
    a_series: int

    @property
    def rules(self) -> list[Rules]:
        """The strategies: averages that cross every forty candles or so."""
        return [
            Rules(f"{name}_{number}", name, "H1", 12 + number % 8, 60 + 10 * (number // 8), 5, more=ALWAYS)
            for name in instrument_names(self.series)
            for number in range(self.a_series)
        ]


ALWAYS: Final = 'market_hours = "always"\n'


@dataclass(slots=True)
class Members:
    """A namespace and the daemons that share it; made by ``sharing``.

    Attributes:
        broker: the process that answers as OANDA does.
        ports: where it listens on each machine.
        living: the members that work.
    """

    directory: Path
    rules: Sequence[Rules]
    server: RedisServer
    broker: Broker
    ports: Mapping[Place, int]
    nurseries: Mapping[Place, Nursery]
    client: redis.Redis
    clock: SharedClock
    newest: int = FIRST
    living: list[Child] = field(default_factory=list)

    def key(self, name: str) -> str:
        return f"{{ninja}}:{name}"

    def joins(self, place: Place = HERE, command: str = "run") -> Child:
        """Start a member, or a notifier, with a state directory of its machine."""
        port, is_daemon = self.ports[place], command == "run"
        environment = {
            "HOME": str(self.directory),
            "PYTHONPATH": str(ROOT),
            "NINJA_CONFIG": str(self.directory / "ninja.toml"),
            "NINJA_STATE_DIR": str(self.directory / f"state-{port}"),
            "OANDA_API_URL": f"http://127.0.0.1:{port}",
            "OANDA_ACCESS_TOKEN": "demo",
            "OANDA_ACCOUNT_ID": ACCOUNT,
            "REDIS_URL": self.server.url,
        }
        child = self.nurseries[place].bear(
            command,
            environment=environment,
            directory=self.directory,
            clock=self.clock.path if is_daemon else None,
            hurries=not is_daemon,
        )
        self.living.append(child)
        return child

    def shows(self) -> None:
        """Let the next candle close."""
        self.newest += 1
        self._is(SOON)

    def calms_down(self) -> None:
        """Let it be a minute after the close."""
        self._is(CALM)

    def _is(self, after: float) -> None:
        now = BEGIN + HOUR * (self.newest + 1) + after
        self.broker.ask(now=int(now))
        self.clock.set(now, 1.0)

    def stands(self) -> bool:
        """Whether every strategy has taken the newest candle in."""
        newest = format_instant(BEGIN + HOUR * self.newest)
        for start in range(0, len(self.rules), _READ_AT_ONCE):
            part = self.rules[start : start + _READ_AT_ONCE]
            found: Any = self.client.mget([self.key(f"last_processed:{one.name}") for one in part])
            if set(found) != {newest}:
                return False
        return True

    def takes_in(self, limit: float = 240.0) -> float:
        """Wait until every strategy has taken the newest candle in; return the seconds."""
        return self.until(self.stands, f"candle {self.newest}", limit)

    def holders(self) -> list[str]:
        """Who leads each shard; an empty text for nobody."""
        found: Any = self.client.mget([self.key(f"leader:{shard}") for shard in range(SHARDS)])
        return [str(one or "") for one in found]

    def leads(self, member: Child) -> int:
        """How many shards a member leads."""
        return sum(f"|{member.pid}|" in holder for holder in self.holders())

    def is_taken_over(self, gone: Child) -> bool:
        """Whether every shard is led, and none by this one."""
        return all(self.holders()) and not self.leads(gone)

    def until(self, happened: Callable[[], object], what: str, limit: float = 240.0) -> float:
        """Wait; return the seconds."""
        began = time.monotonic()
        while not happened():
            for child in self.living:
                assert child.alive, f"{what}: a member ended:\n{child.said[-3000:]}"
            assert time.monotonic() - began < limit, f"{what}: {self.holders()}\n{self.living[-1].said[-3000:]}"
            time.sleep(0.1)
        return time.monotonic() - began

    def listed(self) -> list[str]:
        """All signals that were ever on the list: the second copy of each, since the history ends after a thousand."""
        found: Any = self.client.lrange(self.key("mirror:all"), 0, -1)
        return [str(text) for text in found]

    def expected(self) -> dict[str, list[Signal]]:
        """What the oracle demands, by strategy."""
        walks = [_candles(seed)[: self.newest + 1] for seed in range(WALKS)]
        since, found, known = walks[0][FIRST]["time"], {}, {}
        instruments = dict.fromkeys(one.instrument for one in self.rules)
        places = {name: place % WALKS for place, name in enumerate(instruments)}
        for one in self.rules:
            which = places[one.instrument], one.fast_ma, one.slow_ma
            if which not in known:
                known[which] = [each for each in expected_signals(walks[which[0]], one) if each["time"] >= since]
            named = {"strategy": one.name, "instrument": one.instrument}
            found[one.name] = [each | named for each in known[which]]
        return found


def _candles(seed: int) -> list[Candle]:
    """A walk of the broker's as the oracle reads candles."""
    read = (json.loads(text) for text in Candles(seed, CANDLES).complete)
    return [
        {"time": f"{one['time'][:19]}Z", "high": one["mid"]["h"], "low": one["mid"]["l"], "close": one["mid"]["c"]}
        for one in read
    ]


@contextmanager
def sharing(directory: Path, size: Size, toml: str, server: RedisServer, *places: Place) -> Iterator[Members]:
    """A namespace with that many strategies, and nobody who works yet.

    Args:
        directory: for configuration and state.
        size: how many.
        toml: what else the configuration says.
        server: Redis.
        places: machines besides this one that members may run on.
    """
    rules = size.rules
    names = json.dumps(instrument_names(size.series))
    text = "\n".join(
        [
            f"extra_instruments = {names}",
            f"[shards]\ncount = {SHARDS}",
            '[mirror]\nlist = "all"',
            toml,
            *(one.toml for one in rules),
        ]
    )
    (directory / "ninja.toml").write_text(text, encoding="utf-8")
    with ExitStack() as stack:
        doors = {place: stack.enter_context(_door(place)) for place in places}
        numbers = [door.fileno() for door in doors.values()]
        arguments = (str(WALKS), str(CANDLES), *map(str, numbers))
        broker = stack.enter_context(Broker("canned", *arguments, inherits=numbers))
        ports = {HERE: broker.ready["port"]} | {place: door.getsockname()[1] for place, door in doors.items()}
        nurseries = {place: stack.enter_context(nursery(place.within)) for place in (HERE, *places)}
        client = stack.enter_context(server.client(socket_timeout=30.0))
        clock = SharedClock(directory / "clock")
        made = Members(directory, rules, server, broker, ports, nurseries, client, clock)
        made.calms_down()
        yield made
        for child in made.living:
            child.kill()


@contextmanager
def _door(place: Place) -> Iterator[socket.socket]:
    """A socket that listens on a machine's own address."""
    with place.visited():
        door = socket.create_server(("127.0.0.1", 0))
    with door:
        yield door

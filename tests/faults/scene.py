"""A stage for real processes that die: Redis, a broker over recorded candles, a receiver, a clock of the test's own.

``World`` holds what many tests may share; a ``Scene`` is one namespace in it with its own configuration and state
directory, so that tests do not see each other.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ninja_daemon.adapters.journal.journal import SqliteJournal, put_into_outbox, transaction
from ninja_daemon.adapters.stored.open_signals import is_outcome
from ninja_daemon.app.candles.markets import market_of
from ninja_daemon.app.queues.opening import journal_file
from ninja_daemon.app.settings.environment import read_environment
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.simulator.server import SimulatorServer
from tests.end_to_end.settings import toml
from tests.end_to_end.stage import SOON_AFTER_CLOSE, TOKEN, epoch
from tests.fakes.receiver import Post, Receiver, receiver
from tests.faults.doomed import Doom
from tests.faults.nursery import Child, Nursery, nursery
from tests.faults.shared_clock import SharedClock
from tests.oracle import Candle, Rules, Signal, close_time, expected_signals, read_candles
from tests.outcome_oracle import expected_outcomes
from tests.places import HERE, Place
from tests.processes import ROOT
from tests.servers import RedisServer


@dataclass(frozen=True, slots=True)
class World:
    """What a scene is made of.

    Attributes:
        folder: candles of the market, one file a series.
    """

    folder: Path
    redis: RedisServer
    broker: SimulatorServer
    clock: SharedClock
    receiver: Receiver
    nursery: Nursery


@contextmanager
def world(directory: Path, folder: Path, redis: RedisServer, place: Place = HERE) -> Iterator[World]:
    """Everything that is needed, for the length of a block.

    Args:
        directory: for the clock.
        folder: candles of the market, one file a series.
        redis: the server, or a group of servers.
        place: the machine that the product runs on, and that broker and receiver are reached from.
    """
    clock = SharedClock(directory / "clock")
    clock.set(0.0)
    with ExitStack() as stack:
        with place.visited():
            broker = stack.enter_context(SimulatorServer(market_of(folder), clock=clock, token=TOKEN))
            receives = stack.enter_context(receiver())
        yield World(folder, redis, broker, clock, receives, stack.enter_context(nursery(place.within)))


class Scene:
    """One namespace: its strategies, its destinations, its processes."""

    def __init__(
        self,
        world: World,
        directory: Path,
        rules: Sequence[Rules],
        *,
        destinations: Sequence[str] = ("a",),
        more_toml: str = "",
        redis_url: str | None = None,
        without_redis: bool = False,
    ) -> None:
        self.world = world
        self.directory = directory
        self.namespace = directory.name
        self.rules = tuple(rules)
        self.destinations = tuple(destinations)
        self.client = world.redis.client()
        self._config = config = directory / "ninja.toml"
        tables = [
            f'[destinations.{name}]\nchannel = "webhook"\ninsecure = true\nmax_age = "1 h"\n'
            f'url = "{world.receiver.url}/{self.namespace}/{name}"\n'
            for name in self.destinations
        ]
        config.write_text("\n".join([*tables, more_toml, toml(rules)]), encoding="utf-8")
        self.environment = {
            "HOME": str(directory),
            "PYTHONPATH": str(ROOT),
            "NINJA_CONFIG": str(config),
            "NINJA_STATE_DIR": str(directory / "state"),
            "NINJA_NAMESPACE": self.namespace,
            "OANDA_API_URL": world.broker.url,
            "OANDA_ACCESS_TOKEN": TOKEN,
            "REDIS_URL": redis_url or world.redis.url,
            "CACHE_ENABLED": "false" if without_redis else "true",
        }
        self.without_redis = without_redis
        self.refused: list[Post] = []
        self._children: list[Child] = []

    def configure(self, destinations: str) -> None:
        """Put other destinations in the place of the webhooks."""
        self._config.write_text(f"{destinations}\n{toml(self.rules)}", encoding="utf-8")

    # --- what may be done

    def daemon(self, *arguments: str, doom: Doom | None = None) -> Child:
        """Start ``run``; it lives in the test's time."""
        return self._born("run", *arguments, clock=self.world.clock.path, doom=doom)

    def notifier(self, *arguments: str, doom: Doom | None = None) -> Child:
        """Start ``notify``."""
        return self._born("notify", *arguments, clock=None, doom=doom)

    def show(self, candle: Candle, timeframe: str = "H4") -> None:
        """Let a candle be the newest complete one."""
        self.world.clock.set(epoch(close_time(candle["time"], timeframe)) + SOON_AFTER_CLOSE)

    def key(self, name: str) -> str:
        """A key of this namespace."""
        return f"{{{self.namespace}}}:{name}"

    def crosses_aside(self, signals: Mapping[str, str]) -> None:
        """Put signals into the journal as a daemon does whose Redis is away: JSON by id."""
        with closing(SqliteJournal(self.journal)) as journal, journal.session() as connection, transaction(connection):
            put_into_outbox(connection, signals)

    @contextmanager
    def another_leads(self) -> Iterator[None]:
        """Let a daemon of another machine hold the lease, for the length of a block."""
        self.client.set(self.key("leader"), "run|elsewhere|x|1|a")
        yield
        self.client.delete(self.key("leader"))

    def end(self) -> None:
        """Kill what still runs."""
        for child in self._children:
            child.kill()
        self.client.close()

    # --- what has become of it

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return journal_file(read_environment(self.environment, self.directory))

    def cursors(self) -> set[str]:
        """Where the strategies stand."""
        if self.without_redis:
            return {format_instant(time) for _, time in self._rows("SELECT strategy, time FROM marks")}
        return {str(self.client.get(self.key(f"last_processed:{one.name}"))) for one in self.rules}

    def kept(self) -> set[str]:
        """How far the commits go that wait for Redis."""
        rows = self._rows("SELECT strategy, max(target) FROM spool GROUP BY strategy")
        return {format_instant(target) for _, target in rows} if len(rows) == len(self.rules) else set()

    def stands_at(self, candle: Candle) -> bool:
        """Whether every strategy has taken this candle in, and nothing waits for Redis."""
        return self.cursors() == {candle["time"]} and (self.without_redis or not self.kept())

    def waits_at(self, candle: Candle) -> bool:
        """Whether every strategy has taken this candle in, and what came of it waits for Redis."""
        return self.kept() == {candle["time"]}

    def reaches(self, candle: Candle) -> bool:
        """Whether every strategy has taken this candle in, in Redis or in the journal."""
        return self.waits_at(candle) or self.cursors() == {candle["time"]}

    def listed(self) -> list[str]:
        """All signals that were ever on the list."""
        if self.without_redis:
            return [text for (text,) in self._rows("SELECT signal FROM outbox ORDER BY sequence")]
        elements: Any = self.client.lrange(self.key("history"), 0, -1)
        return [str(text) for text in elements]

    def outcomes(self) -> list[str]:
        """All outcomes that were ever on their list."""
        if self.without_redis:
            texts = [text for (text,) in self._rows("SELECT outcome FROM outcomes ORDER BY sequence")]
        else:
            texts = list(map(str, self.client.lrange(self.key("outcome_history"), 0, -1)))
        return [text for text in texts if is_outcome(text)]

    def expected_outcomes(self, signals: Mapping[str, Sequence[Signal]], last: Candle) -> dict[str, list[Any]]:
        """What the oracle demands of listed signals over the candles up to one, by strategy."""
        demanded: dict[str, list[Any]] = {}
        for one in self.rules:
            candles = read_candles(self.world.folder / f"{one.instrument}_{one.timeframe}.csv")
            known = [candle for candle in candles if candle["time"] <= last["time"]]
            demanded[one.name] = expected_outcomes(known, signals[one.name])
        return demanded

    def alerts(self) -> int:
        """How many operations alerts wait."""
        if self.without_redis:
            return len(self._rows("SELECT 1 FROM queue_alerts"))
        return int(self.client.llen(self.key("alerts")))

    def expected(self, first: Candle, last: Candle) -> dict[str, list[Signal]]:
        """What the oracle demands of the candles from one time to another, by strategy."""
        demanded: dict[str, list[Signal]] = {}
        for one in self.rules:
            candles = read_candles(self.world.folder / f"{one.instrument}_{one.timeframe}.csv")
            known = [candle for candle in candles if candle["time"] <= last["time"]]
            demanded[one.name] = [signal for signal in expected_signals(known, one) if signal["time"] >= first["time"]]
        return demanded

    def posts(self, kind: str = "signal") -> dict[str, list[Post]]:
        """What has arrived, by destination, but what the test refused to take."""
        return {
            name: [
                post
                for post in list(self.world.receiver.posts)
                if post.path == f"/{self.namespace}/{name}"
                and post.headers["ninja-kind"] == kind
                and not any(post is one for one in self.refused)
            ]
            for name in self.destinations
        }

    def heard(self, ids: Sequence[str]) -> bool:
        """Whether every destination has all of these."""
        return all(set(ids) <= {post.headers["webhook-id"] for post in those} for those in self.posts().values())

    def counters(self) -> dict[str, int]:
        """The notifier's counts."""
        stored: Any = self.client.hgetall(self.key("counters"))
        return {str(name): int(value) for name, value in stored.items()}

    def dead_letters(self) -> list[dict[str, Any]]:
        """What the notifier gave up."""
        stored: Any = self.client.lrange(self.key("dead"), 0, -1)
        return [json.loads(text) for text in stored]

    def _born(self, *arguments: str, clock: Path | None, doom: Doom | None) -> Child:
        child = self.world.nursery.bear(
            *arguments, environment=self.environment, directory=self.directory, clock=clock, doom=doom
        )
        self._children.append(child)
        return child

    def _rows(self, query: str) -> list[Any]:
        if not self.journal.exists():
            return []
        with closing(sqlite3.connect(self.journal, timeout=5.0)) as connection:
            try:
                return connection.execute(query).fetchall()
            except sqlite3.OperationalError:
                return []  # the table is not there yet

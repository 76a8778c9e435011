"""A daemon's pass in this process: real Redis, the real broker adapter, a real HTTP simulator, one clock for all.

``Stage.show`` moves the clock to just after a candle's close, ``Stage.wake`` is one ``run --once`` without the process,
``Stage.restart`` forgets everything that a process forgets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import redis

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.app.candles.markets import market_of as read_market
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.simulator.markets.market import CsvMarket
from ninja_daemon.simulator.server import SimulatorServer
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.ports import StateStore
from ninja_daemon.usecases.wake_result import StrategyResult, WakeResult
from tests.end_to_end.settings import toml
from tests.fakes.clock import FakeClock
from tests.oracle import Rules, Signal, assert_same_signals, close_time, parsed_signal, read_candles
from tests.outcome_oracle import Options, assert_same_outcomes, expected_outcomes, parsed_outcome
from tests.servers import RedisServer

TOKEN = "a-token-of-the-tests"
ACCOUNT = "101-001-0000001-001"
SOON_AFTER_CLOSE = 2.0
NO_OPTIONS = Options()


def epoch(time: str) -> float:
    """Seconds since the epoch of an RFC 3339 text."""
    return datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()


def strategies_of(rules: Iterable[Rules], directory: Path) -> Sequence[Strategy]:
    """The strategies as the product reads them from a configuration file."""
    path = directory / "strategies.toml"
    path.write_text(toml(rules), encoding="utf-8")
    return load_settings({"NINJA_CONFIG": str(path), "HOME": str(directory)}, directory)[1].strategies


class Stage:
    """One daemon over one market.

    Attributes:
        taken: the signals that were drained from their list, oldest first.
        ended: the outcomes.
    """

    def __init__(
        self,
        rules: Iterable[Rules],
        server: SimulatorServer,
        clock: FakeClock,
        redis_url: Callable[[], str],
        directory: Path,
        *,
        account: str | None = None,
    ) -> None:
        self.server = server
        self.clock = clock
        self.directory = directory
        self.keys = Keys(directory.name)
        self.strategies = strategies_of(rules, directory)
        self.taken: list[str] = []
        self.ended: list[str] = []
        self._redis_url = redis_url
        self._account = account
        self._begin()

    @property
    def source(self) -> OandaSource:
        return self._source

    def set_rules(self, rules: Iterable[Rules]) -> None:
        """Change the configuration file, and begin again under it."""
        self.strategies = strategies_of(rules, self.directory)
        self.restart()

    def show(self, candle: Mapping[str, str], timeframe: str, later: float = SOON_AFTER_CLOSE) -> None:
        """Let a candle be the newest complete one."""
        self.clock.time = epoch(close_time(candle["time"], timeframe)) + later

    def wake(self, store: StateStore | None = None, strategies: Sequence[Strategy] | None = None) -> WakeResult:
        """One pass."""
        return catch_up(
            self.strategies if strategies is None else strategies,
            source=self._source,
            store=store or self.store,
            journal=self.journal,
            clock=self.clock,
        )

    def good_wake(self, newest: Mapping[str, str] | None = None) -> Sequence[StrategyResult]:
        """One pass that brings every strategy up to date, with a candle where it is given."""
        wake = self.wake()
        troubles = {outcome.strategy.name: outcome.error for outcome in wake.results if outcome.error is not None}
        assert not troubles, troubles
        assert wake.journal_error is None
        if newest is not None:
            cursors = {self.client.get(self.keys.last_processed(strategy.name)) for strategy in self.strategies}
            assert cursors == {newest["time"]}
        return wake.results

    def restart(self, *, journal_lost: bool = False) -> None:
        """End, and begin with nothing but what Redis and disk hold."""
        self.close()
        if journal_lost:
            for file in self.directory.glob("journal.sqlite3*"):
                file.unlink()
        self._begin()

    def drain(self) -> None:
        """Take the signals from the left, as a notifier does."""
        while (text := self.client.lpop(self.keys.signals)) is not None:
            self.taken.append(str(text))
        while (text := self.client.lpop(self.keys.outcomes)) is not None:
            self.ended.append(str(text))

    def listed(self, name: str | None = None) -> list[str]:
        """Every signal that was ever on the list, of one strategy or of all."""
        waiting: Any = self.client.lrange(self.keys.signals, 0, -1)
        texts = [*self.taken, *map(str, waiting)]
        return [text for text in texts if name is None or json.loads(text)["strategy"] == name]

    def outcomes(self, name: str) -> list[dict[str, Any]]:
        """Every outcome of a strategy that was ever on the list."""
        waiting: Any = self.client.lrange(self.keys.outcomes, 0, -1)
        found = [parsed_outcome(text) for text in [*self.ended, *map(str, waiting)]]
        return [one for one in found if one["strategy"] == name]

    def open_ids(self, name: str) -> list[str]:
        """The ids of a strategy's open signals, as Redis shows them."""
        _, *rows = str(self.client.hget(self.keys.signal_state(name), "open")).split(";")
        return [row.split(" ")[0] for row in rows]

    def assert_outcomes(self, folder: Path, listed: Iterable[Rules], options: Options = NO_OPTIONS) -> None:
        """Compare what became of the listed signals with the oracle, over the candles up to each cursor."""
        waiting: Any = self.client.lrange(self.keys.outcomes, 0, -1)
        texts = [*self.ended, *map(str, waiting)]
        for rules in listed:
            cursor = str(self.client.get(self.keys.last_processed(rules.name)))
            candles = read_candles(folder / f"{rules.instrument}_{rules.timeframe}.csv")
            signals = [parsed_signal(text) for text in self.listed(rules.name)]
            must = expected_outcomes([one for one in candles if one["time"] <= cursor], signals, options)
            mine = [text for text in texts if json.loads(text)["strategy"] == rules.name]
            assert_same_outcomes(mine, must)

    def evaluated(self, name: str) -> int:
        """How many candles the strategy says it has taken in since its first start."""
        (strategy,) = [each for each in self.strategies if each.name == name]
        return self.store.load([strategy])[name].counts.evaluated

    def assert_listed(self, expected: Mapping[str, Sequence[Signal]]) -> None:
        """Compare with the oracle, strategy by strategy."""
        assert set(expected) == {strategy.name for strategy in self.strategies}
        by_name: dict[str, list[str]] = {name: [] for name in expected}
        for text in self.listed():
            by_name[json.loads(text)["strategy"]].append(text)
        for name, signals in expected.items():
            assert_same_signals(by_name[name], signals)

    def close(self) -> None:
        """Let connections and files go."""
        self._source.close()
        self.journal.close()
        self.client.close()

    def _begin(self) -> None:
        self.client: redis.Redis = connect(self._redis_url(), name="test")
        self.store = RedisStateStore(self.client, self.keys)
        self.journal = SqliteJournal(self.directory / "journal.sqlite3")
        self._source = OandaSource(Secret(TOKEN), self.server.url, account_id=self._account, clock=self.clock)


@cache
def market_of(folder: Path) -> CsvMarket:
    """The market over a folder of files that stay as they are; read once a run."""
    return read_market(folder)


def market_server(folder: Path, clock: FakeClock, **options: Any) -> SimulatorServer:
    """A simulated broker over a folder of candles, on the test's own clock; to be started."""
    return SimulatorServer(market_of(folder), clock=clock, token=TOKEN, account=ACCOUNT, **options)


@pytest.fixture
def make_stage(tmp_path: Path, fresh_redis: RedisServer) -> Iterator[Callable[..., Stage]]:
    """Open a daemon's stage over a folder of candles; all stages share one Redis server and none its keys' prefix."""
    stages: list[Stage] = []

    def make(rules: Sequence[Rules], folder: Path, *, account: str | None = None, **options: Any) -> Stage:
        clock = FakeClock(0.0)
        server = market_server(folder, clock, **options)
        server.start()
        directory = tmp_path / f"stage{len(stages)}"
        directory.mkdir()
        stages.append(Stage(rules, server, clock, lambda: fresh_redis.url, directory, account=account))
        return stages[-1]

    yield make
    for stage in stages:
        stage.close()
        stage.server.stop()

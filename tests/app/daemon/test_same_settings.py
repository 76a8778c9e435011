"""Daemons of one namespace that would not watch the same: refused, with the names and the way out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from ninja_daemon.app.daemon.same_settings import difference, settings_of
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from tests.end_to_end.settings import rules_for, toml
from tests.end_to_end.stage import ACCOUNT, TOKEN
from tests.oracle import Rules
from tests.processes import Running, Workplace, workplace
from tests.servers import RedisServer

__all__ = ["workplace"]

ONE = rules_for("EUR_USD_D", "one", 3, 5)
TWO = rules_for("EUR_USD_D", "two", 4, 9)
OTHERWISE = replace(ONE, fast_ma=4)


class Pair:
    """A place where daemons are started under this configuration and that."""

    def __init__(self, place: Workplace, redis_server: RedisServer) -> None:
        self.place = place
        self.redis = redis_server.client()

    def under(self, *rules: Rules) -> Workplace:
        return self.place.configure("[defaults]\nmarket_hours = 'always'\n" + toml(rules))

    def active(self, *rules: Rules) -> Running:
        running = self.under(*rules).start("run")
        running.until(lambda: self.redis.exists("{ninja}:settings"), "what the active daemon watches")
        return running


@pytest.fixture
def pair(workplace: Workplace, fresh_redis: RedisServer) -> Iterator[Pair]:
    with SimulatorServer(RandomMarket(3, always_open=True), token=TOKEN, account=ACCOUNT) as server:
        workplace.uses(broker=server.url, redis=fresh_redis.url, token=TOKEN)
        made = Pair(workplace, fresh_redis)
        yield made
        workplace.end_all()
        made.redis.close()


@pytest.mark.parametrize("command", [("run",), ("run", "--once")])
def test_another_daemon_with_other_settings_ends_with_78_and_says_which(pair: Pair, command: Sequence[str]) -> None:
    active = pair.active(ONE, TWO)
    refused = pair.under(OTHERWISE, replace(TWO, name="three")).run(*command).exited(78)
    for words in ("set otherwise: one", "only here: three", "only there: two", f"process {active.process.pid}"):
        assert words in refused.err
    assert "NINJA_NAMESPACE" in refused.err
    assert "Traceback" not in refused.err
    assert active.alive
    namesake = pair.place.run("run", "--once", environment={"NINJA_NAMESPACE": "other"})
    namesake.exited(0)
    active.terminate().exited(0)


def test_the_same_settings_stand_by_and_check_finds_a_difference_beforehand(pair: Pair) -> None:
    active = pair.active(ONE)
    standby = pair.under(ONE).start("run")
    standby.says("stands by")
    findings = json.loads(pair.under(OTHERWISE).run("check", "--json").exited(2).out)
    (found,) = [finding for finding in findings["findings"] if finding["code"] == "redis.settings"]
    assert "set otherwise: one" in found["cause"]
    active.terminate().exited(0)
    standby.terminate().exited(0)


def test_a_daemon_that_comes_alone_may_bring_new_settings(pair: Pair) -> None:
    pair.active(ONE).kill()
    pair.redis.delete("{ninja}:settings")
    alone = pair.active(OTHERWISE)
    alone.until(lambda: pair.redis.get("{ninja}:last_processed:one"), "the first cursor")
    alone.terminate().exited(0)


class Board:
    """What was declared, whatever it is."""

    def __init__(self, declared: object) -> None:
        self._declared = declared

    def declare(self, holder: str, settings: object) -> None:
        raise NotImplementedError

    def declared(self, holder: str) -> dict[str, str] | None:
        assert holder
        if isinstance(self._declared, StoreUnavailable):
            raise self._declared
        return self._declared  # type: ignore[return-value]


def test_what_is_not_known_is_no_difference() -> None:
    ours = Strategy("A", "EUR_USD", Granularity.D, 2, 4)
    for unknown in (None, StoreUnavailable("away")):
        assert difference(Board(unknown), "run|h|n|1|x", [ours]) is None
    assert difference(Board(settings_of([ours])), "run|h|n|1|x", [ours]) == ""
    many = {f"S{number}": "x" for number in range(9)}
    assert "and 3 more" in str(difference(Board(many), "somebody", [ours]))

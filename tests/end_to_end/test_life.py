"""The life of ``run``: it begins, works, survives what its surroundings do, and ends when it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ninja_daemon.simulator.faults import BrokerFault, Delay, status
from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from tests.end_to_end.outside import Outside
from tests.end_to_end.settings import oracle, rules_for, toml
from tests.end_to_end.stage import ACCOUNT, TOKEN
from tests.oracle import assert_same_signals, read_candles, signals_after, signals_until
from tests.processes import Running, Workplace
from tests.servers import RedisServer

SOON = 5.0
DAILY = rules_for("EUR_USD_D", "daily", 3, 5)


def started(outside: Outside, name: str) -> Running:
    """A daemon that has taken its first candles in."""
    running = outside.place.start("run")
    running.until(lambda: outside.cursor(name), "the first cursor")
    return running


@pytest.fixture
def watching(outside: Outside, candles_dir: Path) -> Outside:
    outside.watch([DAILY])
    outside.show(read_candles(candles_dir / "EUR_USD_D.csv")[400], "D")
    return outside


def test_sigterm_ends_it_within_five_seconds_with_exit_code_0(watching: Outside) -> None:
    running = started(watching, "daily")
    done = running.terminate(SOON).exited(0)
    assert "Traceback" not in done.err
    assert not watching.redis.exists("{ninja}:leader"), "the lease is given back"


def test_ctrl_c_ends_it_as_well(watching: Outside) -> None:
    started(watching, "daily").interrupt(SOON).exited(0)


def test_sigterm_ends_it_while_the_broker_keeps_it_waiting(watching: Outside) -> None:
    silence = BrokerFault(Delay(60.0))
    watching.server.faults.add(silence)
    running = watching.place.start("run")
    running.until(lambda: watching.server.faults.strikes(silence), "a request to the broker")
    running.terminate(SOON).exited(0)


def test_sigterm_ends_it_while_redis_answers_nothing(watching: Outside) -> None:
    running = started(watching, "daily")
    watching.redis_server.pause()
    done = running.terminate(SOON)
    watching.redis_server.resume()
    done.exited(0)


def test_sigterm_ends_it_while_redis_is_down(watching: Outside) -> None:
    watching.redis_server.stop()
    running = watching.place.start("run")
    running.says("Redis")
    done = running.terminate(SOON).exited(0)
    assert "Traceback" not in done.err


def test_t9_redis_down_at_the_start_is_no_latch(watching: Outside, candles_dir: Path) -> None:
    watching.redis_server.stop()
    running = watching.place.start("run")
    running.says("Redis")
    watching.redis_server.start()
    running.until(lambda: watching.cursor("daily"), "the first cursor after Redis came")
    assert watching.cursor("daily") == read_candles(candles_dir / "EUR_USD_D.csv")[400]["time"]
    running.terminate(SOON).exited(0)


def test_a_second_daemon_stands_by_and_takes_over_when_the_first_is_killed(
    watching: Outside, candles_dir: Path
) -> None:
    first = started(watching, "daily")
    second = watching.place.start("run")
    second.says("stands by")
    watching.show(read_candles(candles_dir / "EUR_USD_D.csv")[460], "D")
    first.kill()
    candles = read_candles(candles_dir / "EUR_USD_D.csv")
    second.until(lambda: watching.cursor("daily") == candles[460]["time"], "the takeover")
    second.terminate(SOON).exited(0)
    everything = oracle(candles_dir / "EUR_USD_D.csv", DAILY).signals
    must = signals_until(signals_after(everything, candles[400]["time"]), candles[460]["time"])
    assert_same_signals(watching.listed(), must)


def test_a_pass_beside_a_daemon_that_is_up_to_date_says_so(watching: Outside) -> None:
    running = started(watching, "daily")
    done = watching.once(code=0)
    assert "another daemon" in done.err
    running.terminate(SOON).exited(0)


# --- T11: a dashboard must not stay green over a dead system ---------------------------------------------------------


class Today:
    """A broker of today with a market that never closes, a Redis, and a place to run processes in."""

    def __init__(self, place: Workplace, server: SimulatorServer, redis_server: RedisServer) -> None:
        self.place = place
        self.server = server
        self.redis = redis_server.client()
        place.uses(broker=server.url, redis=redis_server.url, token=TOKEN)

    def status(self) -> dict[str, Any]:
        picture: dict[str, Any] = json.loads(self.place.run("status", "--json").exited(0).out)
        return picture

    def strategy(self, name: str) -> dict[str, Any]:
        strategies: list[dict[str, Any]] = self.status()["strategies"]
        return next(each for each in strategies if each["strategy"] == name)


@pytest.fixture
def today(workplace: Workplace, fresh_redis: RedisServer) -> Iterator[Today]:
    rules = [rules_for("EUR_USD_D", name, 3, 5) for name in ("one", "two")]
    workplace.configure("[defaults]\nmarket_hours = 'always'\n" + toml(rules).replace("EUR_USD", "GBP_USD", 1))
    with SimulatorServer(RandomMarket(11, always_open=True), token=TOKEN, account=ACCOUNT) as server:
        made = Today(workplace, server, fresh_redis)
        yield made
        workplace.end_all()
        made.redis.close()


def test_t11_all_is_green_while_it_works(today: Today) -> None:
    today.place.run("run", "--once").exited(0)
    running = today.place.start("run")
    running.until(lambda: today.redis.exists("{ninja}:heartbeat:daemon"), "the heartbeat")
    running.until(lambda: "active" in str(today.redis.get("{ninja}:heartbeat:daemon")), "the active heartbeat")
    picture = today.status()
    assert picture["daemon"]["state"] == "active"
    assert [each["stale"] for each in picture["strategies"]] == [False, False]
    # The second holds for a minute and a half after 17:00 in New York.
    assert {each["condition"] for each in picture["strategies"]} <= {"up to date", "waiting for the candle to complete"}


@pytest.mark.parametrize("code", [401, 404, 503])
def test_t11_a_strategy_whose_candles_do_not_come_is_red_and_the_other_green(today: Today, code: int) -> None:
    today.place.run("run", "--once").exited(0)
    today.server.faults.add(BrokerFault(status(code), instrument="GBP_USD"))
    today.place.run("run", "--once").exited(1)
    running = today.place.start("run")
    running.until(lambda: '"one": ' in str(today.redis.get("{ninja}:heartbeat:daemon")), "the heartbeat's trouble")
    red, green = today.strategy("one"), today.strategy("two")
    assert red["stale"] is True
    assert red["condition"] not in {"", "up to date"}
    assert green["stale"] is False or code == 401  # a refused token stops everything


def test_t11_what_cannot_be_committed_is_red(today: Today) -> None:
    today.place.run("run", "--once").exited(0)
    today.redis.delete("{ninja}:last_processed:one", "{ninja}:ma_state:one")
    today.redis.delete("{ninja}:signals")
    today.redis.set("{ninja}:signals", "not a list")
    today.place.run("run", "--once").exited(1)
    running = today.place.start("run")
    running.until(lambda: '"one": ' in str(today.redis.get("{ninja}:heartbeat:daemon")), "the heartbeat's trouble")
    assert today.strategy("one")["stale"] is True
    assert "signals" in today.strategy("one")["condition"]


def test_t11_a_daemon_that_is_gone_is_not_alive_and_its_strategies_grow_stale(today: Today) -> None:
    today.place.run("run", "--once").exited(0)
    running = today.place.start("run")
    running.until(lambda: today.redis.exists("{ninja}:heartbeat:daemon"), "the heartbeat")
    life: Any = today.redis.pttl("{ninja}:heartbeat:daemon")
    assert 0 < life <= 60_000, "a heartbeat vanishes by itself within a minute"
    running.kill()
    today.redis.pexpire("{ninja}:heartbeat:daemon", 1)
    assert today.status()["daemon"] is None
    # Days later: the broker's clock goes on, nobody takes candles in.
    today.redis.set("{ninja}:last_processed:two", "2026-01-05T22:00:00Z")
    assert today.strategy("two")["stale"] is True
    assert "behind" in today.strategy("two")["condition"]

"""A changed file is taken over while everything runs, or changes nothing; `reload` says which."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from decimal import Decimal

import pytest
import redis

from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.app.commands.upkeep import reload as upkeep
from ninja_daemon.app.noted_strategy import decoded_strategy, encoded_strategy
from ninja_daemon.app.process.process_note import LiveProcess, ReloadAnswer
from ninja_daemon.app.settings.environment import inspect_environment
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.filters.kinds import KEYS, chosen
from ninja_daemon.core.market.candle import AtrType
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.source import Source
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from tests.processes import Running, Workplace, workplace

__all__ = ["workplace"]

TOKEN = "a-token-of-the-tests"
HEAD = """
[defaults]
timeframe = "S5"
fast_ma = 2
slow_ma = 4
atr_period = 3
min_atr_value = 0.0
market_hours = "always"
"""


def strategy(instrument: str, **changes: object) -> str:
    lines = [f'\n[strategies.{instrument}_S5]\ninstrument = "{instrument}"']
    return "\n".join([*lines, *(f"{name} = {json.dumps(value)}" for name, value in changes.items())]) + "\n"


ONE = HEAD + strategy("EUR_USD")


@pytest.fixture
def place(workplace: Workplace, redis_url: str) -> Iterator[Workplace]:
    with SimulatorServer(RandomMarket(seed=5, always_open=True), token=TOKEN) as broker:
        workplace.configure(ONE).uses(broker=broker.url, redis=redis_url, token=TOKEN)
        yield workplace
        workplace.end_all()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    client = connect(redis_url, name="test")
    yield client
    client.close()


def started(place: Workplace, command: str = "run") -> Running:
    process = place.start(command)
    process.says("first start" if command == "run" else "serves")
    return process


def test_strategies_are_added_changed_and_removed_while_it_runs(place: Workplace, client: redis.Redis) -> None:
    daemon = started(place)
    place.configure(HEAD + strategy("EUR_USD", fast_ma=3) + strategy("GBP_USD"))
    said = place.run("reload").exited(0).out
    assert "added GBP_USD_S5; changed EUR_USD_S5" in said
    daemon.says("the configuration was taken over: added GBP_USD_S5; changed EUR_USD_S5")
    daemon.until(lambda: client.get("{ninja}:last_processed:GBP_USD_S5"), "a candle of the new one")

    place.configure(HEAD + strategy("GBP_USD"))
    assert "removed EUR_USD_S5" in place.run("reload").exited(0).out
    before = client.get("{ninja}:last_processed:EUR_USD_S5")
    seen = client.get("{ninja}:last_processed:GBP_USD_S5")
    daemon.until(lambda: client.get("{ninja}:last_processed:GBP_USD_S5") != seen, "another candle")
    assert client.get("{ninja}:last_processed:EUR_USD_S5") == before
    daemon.terminate().exited(0)


def test_a_file_that_cannot_work_changes_nothing_and_is_told_whole(place: Workplace, client: redis.Redis) -> None:
    daemon = started(place)
    place.configure(HEAD + strategy("EUR_USD", fast_ma=0, odd=1))
    refused = place.run("reload").exited(78)
    shown = place.run("status").exited(0).out
    assert "cannot work, the settings before it stay in force" in " ".join(shown.split())
    assert "fast_ma must be" in refused.err
    assert "odd is not a key" in refused.err
    daemon.says("the old settings stay in force")
    daemon.until(lambda: "refused" in str(client.lrange("{ninja}:alerts", 0, -1)), "an alert")
    seen = client.get("{ninja}:last_processed:EUR_USD_S5")
    daemon.until(lambda: client.get("{ninja}:last_processed:EUR_USD_S5") != seen, "another candle")

    place.configure(ONE)
    assert "nothing is different" in place.run("reload").exited(0).out
    daemon.terminate().exited(0)


def test_a_unit_that_may_not_read_its_credentials_reloads_by_the_id_of_its_process(place: Workplace) -> None:
    daemon = started(place)
    place.configure(ONE + strategy("USD_JPY"))
    # Where REDIS_URL is a credential, systemd shows it to the main process, not to what ExecReload= starts.
    unknown = {"REDIS_URL": "", "OANDA_ACCESS_TOKEN": ""}
    said = place.run("reload", "--pid", str(daemon.process.pid), environment=unknown).exited(0).out
    assert "added USD_JPY_S5" in said
    assert (
        "process 1 is no daemon or notifier that runs here"
        in place.run("reload", "--pid", "1", environment=unknown).exited(1).err
    )
    daemon.terminate().exited(0)


@pytest.mark.parametrize(
    ("running", "is_found"), [(1, True), (os.getpid(), False)], ids=["in a container", "elsewhere"]
)
def test_the_first_process_is_asked_where_it_is_ours(
    monkeypatch: pytest.MonkeyPatch, running: int, is_found: bool
) -> None:
    note = LiveProcess("run", running, "", (), "", ReloadAnswer())
    monkeypatch.setattr(upkeep, "live_processes", lambda *_: [note])
    environment = inspect_environment({"HOME": "/nowhere"})[0]
    assert upkeep._live(environment, 1) == [note] * is_found


def test_reload_without_anybody_to_answer_ends_with_one(place: Workplace) -> None:
    assert "no daemon or notifier of namespace ninja runs here" in place.run("reload").exited(1).err
    daemon = started(place)
    daemon.process.send_signal(signal.SIGSTOP)
    assert "has not answered within 10 s" in place.run("reload").exited(1).err
    daemon.process.send_signal(signal.SIGCONT)
    daemon.kill()
    place.run("reload").exited(1)


def test_hangup_is_the_same_and_a_changed_environment_is_said_to_need_a_restart(place: Workplace) -> None:
    (place.directory / ".env").write_text("NINJA_PING_URL=\n")
    daemon = started(place)
    place.configure(ONE + strategy("USD_JPY"))
    os.kill(daemon.process.pid, signal.SIGHUP)
    daemon.says("the configuration was taken over: added USD_JPY_S5")
    (place.directory / ".env").write_text("NINJA_PING_URL=https://ping.example/a-secret-path\n")
    said = place.run("reload").exited(0).out
    assert "NINJA_PING_URL differs from its value at the start, and needs a restart" in said
    assert "a-secret-path" not in said
    daemon.terminate().exited(0)


def test_a_strategy_that_is_not_enabled_waits_at_its_cursor(place: Workplace, client: redis.Redis) -> None:
    place.configure(HEAD + strategy("EUR_USD") + strategy("GBP_USD"))
    daemon = started(place)
    daemon.until(lambda: client.get("{ninja}:last_processed:GBP_USD_S5"), "a candle")
    place.configure(HEAD + strategy("EUR_USD") + strategy("GBP_USD", enabled=False))
    place.run("reload").exited(0)
    waits = client.get("{ninja}:last_processed:GBP_USD_S5")
    shown = {each["strategy"]: each for each in json.loads(place.run("status", "--json").exited(0).out)["strategies"]}
    assert shown["GBP_USD_S5"]["enabled"] is False
    assert shown["GBP_USD_S5"]["condition"] == "not enabled"
    assert shown["GBP_USD_S5"]["stale"] is False
    assert shown["EUR_USD_S5"]["enabled"] is True
    seen = client.get("{ninja}:last_processed:EUR_USD_S5")
    daemon.until(lambda: client.get("{ninja}:last_processed:EUR_USD_S5") != seen, "another candle")
    assert client.get("{ninja}:last_processed:GBP_USD_S5") == waits
    place.configure(HEAD + strategy("EUR_USD") + strategy("GBP_USD"))
    place.run("reload").exited(0)
    daemon.until(lambda: client.get("{ninja}:last_processed:GBP_USD_S5") != waits, "its next candle")
    daemon.terminate().exited(0)


def test_a_literal_secret_that_was_changed_is_a_difference(place: Workplace) -> None:
    desk = '\n[destinations.desk]\nchannel = "webhook"\nurl = "https://hooks.example.org/{}"\n'
    place.configure(ONE + desk.format("one"))
    notifier = started(place, "notify")
    assert "differs" not in place.run("status").out
    place.configure(ONE + desk.format("two"))
    assert "destinations, routes or the calendar changed" in " ".join(place.run("status").out.split())
    notifier.terminate().exited(0)


def test_status_shows_what_is_in_force_and_that_the_file_differs(place: Workplace) -> None:
    daemon = started(place)
    place.configure(HEAD + strategy("EUR_USD", slow_ma=5) + strategy("GBP_USD"))
    status = json.loads(place.run("status", "--json").exited(0).out)
    assert [each["strategy"] for each in status["strategies"]] == ["EUR_USD_S5"]
    assert any(
        "added GBP_USD_S5; changed EUR_USD_S5" in note and "ninja-daemon reload" in note for note in status["notes"]
    )
    assert not any("rebuilt" in note for each in status["strategies"] for note in each["notes"])
    place.run("reload").exited(0)
    status = json.loads(place.run("status", "--json").exited(0).out)
    assert [each["strategy"] for each in status["strategies"]] == ["EUR_USD_S5", "GBP_USD_S5"]
    assert not [note for note in status["notes"] if "reload" in note]
    daemon.terminate().exited(0)
    assert "no daemon or notifier" in place.run("reload").exited(1).err


def test_a_note_gives_a_strategy_back_with_all_that_it_sets() -> None:
    values = {"sessions": ["london"], "trend": {"timeframe": "D", "period": 9}, "min_gap_pips": "1.5"}
    chosen_ones = chosen({name: KEYS[name].read(value) for name, value in values.items()})
    kinds = {"fast_type": MovingAverageKind.EMA, "source": Source.HLC3, "atr_type": AtrType.WILDER}
    made = Strategy("a", "EUR_USD", Granularity.H4, 3, 8, max_signal_age=60, filters=chosen_ones, **kinds)  # type: ignore[arg-type]
    for one in (made, Strategy("b", "EUR_USD", Granularity.D, 3, 8, cost_pips=Decimal("0.5"))):
        assert decoded_strategy(json.loads(json.dumps(encoded_strategy(one)))) == one

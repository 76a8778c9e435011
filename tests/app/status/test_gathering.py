"""``status`` and ``signals`` over what a daemon really left in Redis."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
import redis

from ninja_daemon.adapters.host.lease_token import holder_token
from ninja_daemon.adapters.journal.failover_store import FailoverStore
from ninja_daemon.adapters.journal.history.record import entries_of
from ninja_daemon.adapters.stored.queue import encode_dead
from ninja_daemon.adapters.stored.signal import decode_signal
from ninja_daemon.app import cli
from ninja_daemon.app.daemon.stores import state_store
from ninja_daemon.app.queues.opening import record_file
from ninja_daemon.app.settings.environment import read_environment
from ninja_daemon.app.signal_history.spreadsheet import COLUMNS
from ninja_daemon.app.status.exact_json import exact_json
from ninja_daemon.app.status.gathering import AWAY
from ninja_daemon.app.wiring import journal
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.usecases.catch_up import catch_up
from tests.app.stored import CONFIGURATION, EUR_USD, M15, START, candles, closes_with_crosses, work
from tests.fakes.broker import FakeBroker
from tests.fakes.clock import FakeClock
from tests.servers import RedisServer

ROOT = Path(__file__).resolve().parents[3]


class Command:
    """The console script, run in this process on a Redis and a configuration of the test's own."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.error = ""

    def __call__(self, *arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        out, self.error = self._capsys.readouterr()
        assert ended.value.code == code, self.error
        return out


@pytest.fixture
def command(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    (tmp_path / "ninja.toml").write_text(CONFIGURATION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NINJA_CONFIG", "ninja.toml")
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("COLUMNS", "160")
    return Command(capsys)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


# --- status ---------------------------------------------------------------------------------------------------------


def test_status_shows_the_figures_of_a_strategy(command: Command, redis_url: str, tmp_path: Path) -> None:
    closes = closes_with_crosses(60)
    work(redis_url, tmp_path, closes)
    status = json.loads(command("status", "--json"), parse_float=Decimal)
    mine, other = status["strategies"]
    assert mine["strategy"] == "EUR_USD_M15"
    assert mine["last_candle"] == format_instant(START + 59 * 900)
    assert mine["last_close"] == format_instant(START + 60 * 900)
    assert mine["evaluated"] == 40
    assert mine["side"] in {"BUY", "SELL"}
    assert mine["close"] == Decimal(closes[-1]).scaleb(-5)
    assert mine["gap_pips"] == round(mine["fast_ma"] * 10_000 - mine["slow_ma"] * 10_000, 1)
    assert mine["cross_when"] in {"above", "below"}
    assert mine["signals"] == mine["crosses"] > 3
    assert mine["stale"] is True
    assert (other["last_candle"], other["condition"], other["close"]) == (None, "not started yet", None)
    assert status["queued"] == mine["signals"]
    assert status["daemon"] is None


def test_the_picture_has_the_same_figures(command: Command, redis_url: str, tmp_path: Path) -> None:
    closes = closes_with_crosses(60)
    work(redis_url, tmp_path, closes)
    figures = json.loads(command("status", "--json"), parse_float=str)["strategies"][0]
    picture = command("status")
    assert f"{Decimal(closes[-1]).scaleb(-5)}" in picture
    assert figures["gap_pips"].lstrip("-") in picture
    assert ("far" if figures["cross_far"] else figures["cross_price"]) in picture
    assert {"BUY": "▲ BUY", "SELL": "▼ SELL"}[figures["side"]] in picture
    assert "no sign of life" in picture
    assert "not started yet" in picture


@pytest.mark.parametrize("width", [40, 80, 100, 132, 200])
def test_the_picture_fits_the_terminal(
    command: Command, redis_url: str, tmp_path: Path, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(redis_url, tmp_path, closes_with_crosses(40))
    monkeypatch.setenv("COLUMNS", str(width))
    assert max(len(line.rstrip()) for line in command("status").splitlines()) <= width


def test_the_life_signs_of_both_processes_are_shown(command: Command, client: redis.Redis) -> None:
    beat = {
        "state": "active",
        "started": "2026-01-01T00:00:00.000Z",
        "last_wake": None,
        "evaluated": 7,
        "signals": 1,
        "hit_ratio": 0.997,
        "waiting": {"GBP_JPY_D": "the broker is away\x1b[2J"},
        "broker": {
            "requests": {"0": 2, "200": 40, "429": 1, "\x1b[2J": 1},
            "connections": 2,
            "candles": 44,
            "doubt": "it \x1blists none",
        },
        "kept_commits": 3,
    }
    client.set("{ninja}:heartbeat:daemon", json.dumps(beat))
    client.set("{ninja}:heartbeat:notifier", json.dumps({"pid": 1, "delivered": 12}))
    picture = command("status")
    assert "active  since 2026-01-01 00:00" in picture
    assert "averages found 99.7%" in picture
    assert "the broker is away" in picture
    assert "delivered 12" in picture
    assert "44 requests (" in picture
    assert "lists none" in picture
    assert "2 × no answer, 1 × 429)" in picture
    assert "44 candles, 2 connections" in picture
    assert "3 commits in the journal wait for Redis" in " ".join(picture.replace("│", " ").split())
    assert "\x1b" not in picture
    assert json.loads(command("status", "--json"))["daemon"] == beat


@pytest.mark.parametrize("as_json", [True, False])
def test_while_redis_is_away_status_shows_what_the_journal_knows(
    command: Command,
    start_redis: Callable[..., RedisServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    as_json: bool,
) -> None:
    server = start_redis()
    monkeypatch.setenv("REDIS_URL", server.url)
    monkeypatch.setenv("NINJA_STATE_DIR", str(tmp_path / "state"))
    environment = read_environment({"REDIS_URL": server.url, "NINJA_STATE_DIR": str(tmp_path / "state")}, tmp_path)
    clock, memory = FakeClock(START + 900 * 60 + 1.0), journal(environment)
    in_redis = state_store(environment)
    store = FailoverStore(in_redis, memory, clock=clock, is_shared=False, push_alert=lambda *_: None)
    token = holder_token("run")
    assert store.lease(token, 15).held
    broker = FakeBroker({"EUR_USD": EUR_USD}, {M15.series: candles(closes_with_crosses(60))})
    for newest in (19, 58, 59):
        if newest == 59:
            server.kill()
            with pytest.raises(StoreUnavailable):
                store.lease(token, 15)
        broker.newest[M15.series] = START + 900 * newest
        wake = catch_up([M15], source=broker, store=store, journal=memory, clock=clock)
        assert [outcome.error for outcome in wake.results] == [None]
    store.report(json.dumps({"state": "active", "kept_commits": 1}), 60)
    store.close()
    memory.close()

    shown = command("status", *(["--json"] if as_json else []), code=1)
    assert "Redis cannot be reached" in command.error
    if as_json:
        status = json.loads(shown)
        assert status["redis_error"].startswith("Redis cannot be reached")
        assert status["daemon"] == {"state": "active", "kept_commits": 1}
        assert status["strategies"][0]["last_candle"] == format_instant(START + 59 * 900)
        assert status["strategies"][0]["signals"] is None
        assert status["notes"][-1] == AWAY
    else:
        assert "redis     Redis cannot be reached" in shown
        assert "active" in shown


def test_what_others_left_in_our_keys_is_reported_and_harms_nothing(command: Command, client: redis.Redis) -> None:
    client.set("{ninja}:signals", "not a list")
    client.set("{ninja}:heartbeat:daemon", "[" * 100_000)
    client.rpush("{ninja}:heartbeat:notifier", "x")
    client.set("{ninja}:ma_state:EUR_USD_M15", b"\xff\x00")
    client.set("{ninja}:last_processed:EUR_USD_M15", "yesterday")
    picture = command("status")
    assert "the signals key is not a list" in picture
    assert "{ninja}:heartbeat:daemon must be a JSON object" in picture
    assert "{ninja}:heartbeat:notifier must be a JSON object" in picture
    assert "EUR_USD_M15: last_processed cannot be read" in picture
    assert json.loads(command("status", "--json"))["queued"] is None


def test_one_strategy_may_be_asked_for(command: Command) -> None:
    shown = json.loads(command("status", "--json", "--strategy", "GBP_JPY_D"))
    assert [each["strategy"] for each in shown["strategies"]] == ["GBP_JPY_D"]
    command("status", "--strategy", "NOBODY", code=2)
    assert "EUR_USD_M15, GBP_JPY_D" in command.error


def test_namespaces_do_not_see_each_other(
    command: Command, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(redis_url, tmp_path, closes_with_crosses(40), namespace="other")
    assert json.loads(command("status", "--json"))["queued"] == 0
    monkeypatch.setenv("NINJA_NAMESPACE", "other")
    assert json.loads(command("status", "--json"))["queued"] > 0


@pytest.mark.parametrize("name", ["status", "signals"])
def test_without_redis_it_is_said_and_the_exit_code_is_one(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("REDIS_URL", f"unix://{tmp_path}/nobody.sock")
    assert command(name, code=1) == ""
    assert command.error.startswith("ninja-daemon: Redis cannot be reached")


# --- signals --------------------------------------------------------------------------------------------------------


def test_signals_are_shown_newest_last_to_the_byte(
    command: Command, client: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    wake = work(redis_url, tmp_path, closes_with_crosses(60))
    found = [signal for outcome in wake.results for signal in outcome.signals]
    texts = [str(text) for text in client.lrange("{ninja}:signals", 0, -1)]
    assert [decode_signal(text).id for text in texts] == [signal.id for signal in found]
    assert json.loads(command("signals", "--json")) == [json.loads(text) for text in texts]
    assert command("signals", "--json") == "[\n" + ",\n".join(texts) + "\n]\n"
    picture = command("signals")
    places = [picture.index(signal.id[:8]) for signal in found]
    assert places == sorted(places)
    assert ("▲ BUY" in picture) == any(signal.side is Side.BUY for signal in found)


def test_signals_of_strategies_that_caught_up_one_by_one_are_in_the_order_of_time(
    command: Command, client: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    work(redis_url, tmp_path, closes_with_crosses(60))
    texts = client.lrange("{ninja}:history", 0, -1)
    client.rpush("{ninja}:history", *texts)
    shown = [each["close_time"] for each in json.loads(command("signals", "--json"))]
    assert shown == sorted(shown)
    assert len(shown) == 2 * len(texts)


def test_csv_has_every_field_with_every_digit(
    command: Command, client: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    work(redis_url, tmp_path, closes_with_crosses(60))
    rows = list(csv.DictReader(io.StringIO(command("signals", "--csv"))))
    listed = [json.loads(text, parse_float=str, parse_int=str) for text in client.lrange("{ninja}:signals", 0, -1)]
    signals = [{name: row[name] for name in COLUMNS} for row in rows]
    assert signals == [{**fields, "late": str(fields["late"]).lower()} for fields in listed]
    ended = {one["id"]: one for text in client.lrange("{ninja}:outcomes", 0, -1) for one in [json.loads(text)]}
    assert ended
    for row in rows:
        assert row["result"] == (ended[row["id"]]["result"] if row["id"] in ended else "")


def test_signals_say_that_the_record_of_this_machine_knows_more(
    command: Command, redis_url: str, tmp_path: Path, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NINJA_STATE_DIR", str(tmp_path / "state"))
    work(redis_url, tmp_path, closes_with_crosses(60))
    texts = [str(text) for text in client.lrange("{ninja}:history", 0, -1)]
    with closing(record_file(read_environment())) as record:
        record.append(entries_of(texts, [str(text) for text in client.lrange("{ninja}:outcome_history", 0, -1)]))
    command("signals")
    assert "the record" not in command.error
    client.delete("{ninja}:history")
    command("signals")
    assert f"the history holds 0 signals, the record of this machine {len(texts)}" in command.error


def test_csv_without_signals_is_its_header(command: Command) -> None:
    assert command("signals", "--csv").startswith("schema,id,strategy,instrument,timeframe,time,close_time,signal,side")
    assert command("signals", "--json") == "[]\n"
    assert command("signals") == "no signals yet\n"


def test_signals_may_be_chosen_by_number_strategy_and_time(
    command: Command, client: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    work(redis_url, tmp_path, closes_with_crosses(60))
    listed = [json.loads(text) for text in client.lrange("{ninja}:signals", 0, -1)]

    def chosen(*arguments: str) -> list[str]:
        return [each["id"] for each in json.loads(command("signals", "--json", *arguments))]

    ids = [each["id"] for each in listed]
    assert chosen("--limit", "2") == ids[-2:]
    assert chosen("--limit", "0") == ids
    assert chosen("--strategy", "EUR_USD_M15") == ids
    assert chosen("--strategy", "GBP_JPY_D") == []
    assert chosen("--since", listed[2]["close_time"]) == ids[2:]
    assert chosen("--since", "2020-09-13") == ids
    assert all(chosen("--since", span) == [] for span in ("2 days", "10 mins", "1.5 h", "4H", "2 weeks"))
    assert (
        command("signals", "--strategy", "GBP_JPY_D") == "no signals of GBP_JPY_D yet; there are some of EUR_USD_M15\n"
    )
    assert command("signals", "--strategy", "EUR_USD_M15", "--since", "2 days") == "no such signals\n"
    command("signals", "--since", "yesterday", code=2)
    command("signals", "--csv", "--json", code=2)


def test_entries_that_are_no_signals_are_left_out_and_counted(
    command: Command, client: redis.Redis, redis_url: str, tmp_path: Path
) -> None:
    wake = work(redis_url, tmp_path, closes_with_crosses(60))
    client.rpush("{ninja}:history", "x", b'{"schema":1,"odd":"\xff"}', "[" * 90_000)
    shown = json.loads(command("signals", "--json"))
    assert len(shown) == sum(len(outcome.signals) for outcome in wake.results)
    assert command.error == "3 entries of the history are not signals and were left out\n"
    client.delete("{ninja}:history")
    client.set("{ninja}:history", "no list")
    assert command("signals", "--json") == "[]\n"


# --- numbers --------------------------------------------------------------------------------------------------------


def test_json_holds_decimals_as_numbers_with_every_digit() -> None:
    value = {"a": Decimal("1.10"), "b": Decimal("0.00000001"), "c": [1, None, True, "x\n"], "d": {}, "e": [], "f": 0.5}
    text = exact_json(value)
    assert json.loads(text, parse_float=Decimal) == {**value, "f": Decimal("0.5")}
    assert '"a": 1.10' in text
    assert '"b": 0.00000001' in text


# --- watching -------------------------------------------------------------------------------------------------------


def test_watching_goes_on_until_it_is_interrupted(tmp_path: Path, redis_url: str) -> None:
    (tmp_path / "ninja.toml").write_text(CONFIGURATION)
    environ = {"HOME": str(tmp_path), "NINJA_CONFIG": str(tmp_path / "ninja.toml"), "REDIS_URL": redis_url}
    with subprocess.Popen(
        [sys.executable, "-m", "ninja_daemon", "status", "--watch"],
        env={**environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "FORCE_COLOR": "1", "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert any("GBP_JPY_D" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
        assert process.returncode == 130
        assert "Traceback" not in error


def test_watching_needs_a_terminal(tmp_path: Path, redis_url: str) -> None:
    (tmp_path / "ninja.toml").write_text(CONFIGURATION)
    environ = {"HOME": str(tmp_path), "NINJA_CONFIG": str(tmp_path / "ninja.toml"), "REDIS_URL": redis_url}
    done = subprocess.run(
        [sys.executable, "-m", "ninja_daemon", "status", "--watch"],
        env={**environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr


def test_lanes_and_dead_letters_are_shown(
    command: Command, client: redis.Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "ninja.toml").open("a") as file:
        file.write('[destinations.desk]\nchannel = "webhook"\nurl = "https://desk.example/hook-1234"\n')
    client.hset("{ninja}:counters", "delivered:desk", 12)
    client.rpush(
        "{ninja}:dead", encode_dead(DeadLetter("desk", "signal", "1" * 32, "refused", 400, "no", 1, 1.0, 2.0, "{}"))
    )
    monkeypatch.setenv("COLUMNS", "120")
    lanes = {lane["destination"]: lane for lane in json.loads(command("status", "--json"))["delivery"]["lanes"]}
    assert (lanes["desk"]["state"], lanes["desk"]["delivered"], lanes["desk"]["dead"]) == ("idle", 12, 1)
    picture = command("status")
    assert "1 dead letter, see: ninja-daemon queue" in picture
    assert "desk" in picture
    assert "hook-1234" not in picture

"""``run --once`` as cron would call it: real processes over the real files."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from tests.end_to_end.outside import Outside
from tests.end_to_end.settings import SERIES, SHIPPED, all_rules, nasty, oracle
from tests.end_to_end.stage import epoch
from tests.oracle import assert_same_signals, close_time, ids, parsed_signal, read_candles, signals_after, signals_until


def between(candles_dir: Path, outside: Outside, series: str, first: str, last: str) -> None:
    """Each strategy's part of the list is what the oracle finds after the first candle and up to the last."""
    for rules in all_rules(series):
        must = signals_until(signals_after(oracle(candles_dir / f"{series}.csv", rules).signals, first), last)
        assert_same_signals(outside.listed(rules.name), must)


@pytest.mark.parametrize("series", SERIES)
def test_t1_repeated_passes_leave_the_oracles_signals(outside: Outside, candles_dir: Path, series: str) -> None:
    chance = random.Random(series)
    timeframe = series.rsplit("_", maxsplit=1)[1]
    candles = read_candles(candles_dir / f"{series}.csv")
    outside.watch(all_rules(series))
    places = [chance.randrange(300, 700)]
    for step in (1, 300, 1, 30, min(6_000, len(candles) - places[0] - 400)):
        places.append(places[-1] + step)
    for number, place in enumerate(places):
        outside.show(candles[place], timeframe)
        outside.once()
        assert {outside.cursor(rules.name) for rules in all_rules(series)} == {candles[place]["time"]}
        if number == 1:
            outside.once()
            outside.redis.delete(f"{{ninja}}:ma_state:{series}", "{ninja}:ma_state:late_range")
        if number == 2:
            outside.redis.delete(f"{{ninja}}:last_processed:{series}", "{ninja}:last_processed:close_itself")
        if number == 3:
            outside.redis_server.restart()
    between(candles_dir, outside, series, candles[places[0]]["time"], candles[places[-1]]["time"])
    assert all(parsed_signal(text)["late"] for text in outside.listed())


def test_all_four_shipped_strategies_together(outside: Outside, candles_dir: Path) -> None:
    outside.watch(SHIPPED.values())
    files = {series: read_candles(candles_dir / f"{series}.csv") for series in SERIES}
    newest: dict[str, list[str]] = {series: [] for series in SERIES}
    for moment in ("2015-06-01T00:00:05Z", "2021-12-01T00:00:05Z"):
        outside.clock.set(epoch(moment))
        outside.once()
        for series, candles in files.items():
            timeframe = series.rsplit("_", maxsplit=1)[1]
            complete = [each["time"] for each in candles if close_time(each["time"], timeframe) <= moment]
            newest[series].append(complete[-1])
            assert outside.cursor(series) == complete[-1]
    for series, rules in SHIPPED.items():
        first, last = newest[series]
        everything = oracle(candles_dir / f"{series}.csv", rules).signals
        assert_same_signals(outside.listed(series), signals_until(signals_after(everything, first), last))


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_t10_ids_and_times_do_not_depend_on_the_machines_time_zone(
    outside: Outside, candles_dir: Path, zone: str
) -> None:
    rules = nasty("EUR_USD_D")[0]
    outside.watch([rules])
    candles = read_candles(candles_dir / "EUR_USD_D.csv")
    for place in (300, 420):  # over both changes of the clocks
        outside.show(candles[place], "D")
        for namespace, where in (("utc", "UTC"), ("there", zone)):
            state = outside.place.directory / f"state-{namespace}"
            outside.once(NINJA_NAMESPACE=namespace, TZ=where, NINJA_STATE_DIR=str(state))
    here, there = outside.listed(namespace="utc"), outside.listed(namespace="there")
    assert len(here) > 20
    assert ids(here) == ids(there)
    for one, other in zip(here, there, strict=True):
        assert one.split('"created_at"')[0] == other.split('"created_at"')[0]
    assert outside.cursor(rules.name, "utc") == outside.cursor(rules.name, "there") == candles[420]["time"]


def test_t9_redis_down_at_the_start_is_said_and_nothing_is_lost(outside: Outside, candles_dir: Path) -> None:
    rules = nasty("GBP_JPY_D")[0]
    outside.watch([rules])
    candles = read_candles(candles_dir / "GBP_JPY_D.csv")
    outside.show(candles[300], "D")
    outside.once()
    outside.redis_server.stop()
    outside.show(candles[360], "D")
    done = outside.once(code=1)
    assert "Redis" in done.err
    assert "Traceback" not in done.err
    outside.redis_server.start()
    outside.show(candles[380], "D")
    outside.once()
    must = signals_until(oracle(candles_dir / "GBP_JPY_D.csv", rules).signals, candles[380]["time"])
    assert_same_signals(outside.listed(), signals_after(must, candles[300]["time"]))


def test_t9_after_a_flush_the_local_journal_knows_where_to_go_on(outside: Outside, candles_dir: Path) -> None:
    rules = nasty("GBP_JPY_D")[0]
    outside.watch([rules])
    candles = read_candles(candles_dir / "GBP_JPY_D.csv")
    taken: list[str] = []
    for place in (300, 350, 351, 390):
        outside.show(candles[place], "D")
        outside.once()
        taken += outside.listed()
        outside.redis.flushall()
    must = signals_until(oracle(candles_dir / "GBP_JPY_D.csv", rules).signals, candles[390]["time"])
    assert_same_signals(taken, signals_after(must, candles[300]["time"]))


def test_t9_evicted_averages_are_built_again(outside: Outside, candles_dir: Path) -> None:
    rules = nasty("GBP_JPY_D")[0]
    outside.watch([rules])
    candles = read_candles(candles_dir / "GBP_JPY_D.csv")
    for place in (300, 340):
        outside.show(candles[place], "D")
        outside.once()
        outside.redis.delete(f"{{ninja}}:ma_state:{rules.name}")
    outside.show(candles[370], "D")
    assert "rebuilt" in outside.once().err
    must = signals_until(oracle(candles_dir / "GBP_JPY_D.csv", rules).signals, candles[370]["time"])
    assert_same_signals(outside.listed(), signals_after(must, candles[300]["time"]))


def test_a_signals_key_that_is_no_list_stops_every_commit(outside: Outside, candles_dir: Path) -> None:
    rules = nasty("EUR_USD_D")[:2]
    outside.watch(rules)
    candles = read_candles(candles_dir / "EUR_USD_D.csv")
    outside.show(candles[300], "D")
    outside.once()
    assert not outside.listed()
    outside.redis.set("{ninja}:signals", "somebody else's")
    before = {key: outside.redis.dump(key) for key in sorted(outside.redis.keys("{ninja}:*_*"))}
    outside.show(candles[330], "D")
    done = outside.once(code=1)
    assert "{ninja}:signals" in done.err
    assert "string" in done.err
    assert {key: outside.redis.dump(key) for key in sorted(outside.redis.keys("{ninja}:*_*"))} == before
    assert outside.cursor(rules[0].name) == candles[300]["time"]
    outside.redis.delete("{ninja}:signals")
    outside.once()
    for each in rules:
        must = signals_until(oracle(candles_dir / "EUR_USD_D.csv", each).signals, candles[330]["time"])
        assert_same_signals(outside.listed(each.name), signals_after(must, candles[300]["time"]))


def test_two_passes_at_the_same_time_leave_the_signals_of_one(outside: Outside, candles_dir: Path) -> None:
    rules = nasty("EUR_USD_H4")[:3]
    outside.watch(rules)
    candles = read_candles(candles_dir / "EUR_USD_H4.csv")
    for place in (400, 1_400, 1_401):
        outside.show(candles[place], "H4")
        both = [outside.place.start("run", "--once") for _ in range(2)]
        assert [running.ended().code for running in both] == [0, 0], [running.err for running in both]
    for each in rules:
        must = signals_until(oracle(candles_dir / "EUR_USD_H4.csv", each).signals, candles[1_401]["time"])
        assert_same_signals(outside.listed(each.name), signals_after(must, candles[400]["time"]))


def test_two_passes_with_journals_of_their_own_leave_the_signals_of_one(outside: Outside, candles_dir: Path) -> None:
    (rules,) = nasty("EUR_USD_H4")[:1]
    outside.watch([rules])
    candles = read_candles(candles_dir / "EUR_USD_H4.csv")
    for place in (400, 1_000):
        outside.show(candles[place], "H4")
        machines = [
            outside.place.start("run", "--once", environment={"NINJA_STATE_DIR": str(outside.place.directory / name)})
            for name in ("one", "two")
        ]
        assert [running.ended().code for running in machines] == [0, 0]
    must = signals_until(oracle(candles_dir / "EUR_USD_H4.csv", rules).signals, candles[1_000]["time"])
    assert_same_signals(outside.listed(), signals_after(must, candles[400]["time"]))


def test_a_journal_that_is_destroyed_stops_nothing(outside: Outside, candles_dir: Path) -> None:
    (rules,) = nasty("EUR_USD_D")[:1]
    outside.watch([rules])
    candles = read_candles(candles_dir / "EUR_USD_D.csv")
    for place in (300, 330, 360):
        outside.show(candles[place], "D")
        outside.once()
        files = [path for path in outside.place.state_dir.rglob("*") if path.suffix in {".sqlite3", ".sqlite", ".db"}]
        assert files
        for file in files:
            with sqlite3.connect(file) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            file.write_bytes(b"not a database at all" * 100)
    must = signals_until(oracle(candles_dir / "EUR_USD_D.csv", rules).signals, candles[360]["time"])
    assert_same_signals(outside.listed(), signals_after(must, candles[300]["time"]))

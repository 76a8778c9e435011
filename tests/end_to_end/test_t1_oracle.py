"""T1 and T2: however wakes, losses and restarts cut ten years of candles, the list is exactly the oracle's.

The first start is at a random candle; from there on every candle is shown in steps of one, a few, thirty, 300 or 6,000,
and between the steps everything is lost that contract 4.8 allows to be lost.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from ninja_daemon.adapters.redis import state_store as redis_store
from ninja_daemon.usecases.wake_result import Start
from tests.end_to_end.settings import SERIES, all_rules, cuts, nasty, oracle, tied_candles, write_candles
from tests.end_to_end.stage import Stage
from tests.oracle import Rules, Signal, expectation, ids, read_candles, signals_after, signals_until
from tests.servers import RedisServer

Loss = Callable[[Stage, str], None]


def averages_gone(stage: Stage, name: str) -> None:
    stage.client.delete(stage.keys.ma_state(name))


def cursor_gone(stage: Stage, name: str) -> None:
    stage.client.delete(stage.keys.last_processed(name))


def only_the_side_kept(stage: Stage, name: str) -> None:
    stage.client.delete(stage.keys.last_processed(name), stage.keys.ma_state(name))


def only_the_journal_kept(stage: Stage, name: str) -> None:
    stage.client.delete(stage.keys.last_processed(name), stage.keys.ma_state(name), stage.keys.signal_state(name))


def averages_garbled(stage: Stage, name: str) -> None:
    key = stage.keys.ma_state(name)
    stage.client.hset(key, mapping=dict.fromkeys(stage.client.hgetall(key), "\x00nonsense"))


def averages_of_another_type(stage: Stage, name: str) -> None:
    averages_gone(stage, name)
    stage.client.rpush(stage.keys.ma_state(name), "not", "a", "hash")


def cursor_unreadable(stage: Stage, name: str) -> None:
    stage.client.set(stage.keys.last_processed(name), "yesterday, about noon")


def cursor_of_another_type(stage: Stage, name: str) -> None:
    cursor_gone(stage, name)
    stage.client.hset(stage.keys.last_processed(name), "time", "2015-01-01T00:00:00Z")


def cursor_in_the_future(stage: Stage, name: str) -> None:
    stage.client.set(stage.keys.last_processed(name), "2031-01-01T22:00:00Z")


def side_gone(stage: Stage, name: str) -> None:
    stage.client.delete(stage.keys.signal_state(name))


LOSSES: tuple[Loss, ...] = (
    averages_gone,
    cursor_gone,
    only_the_side_kept,
    only_the_journal_kept,
    averages_garbled,
    averages_of_another_type,
    cursor_unreadable,
    cursor_of_another_type,
    cursor_in_the_future,
    side_gone,
)


def expected_from(
    folder: Path, rules: Sequence[Rules], first: Mapping[str, str], candles: Sequence[Mapping[str, str]] | None = None
) -> dict[str, list[Signal]]:
    """The oracle's signals from the first start's candle on; that one is not late, so that its cross counts."""
    found = {}
    for each in rules:
        csv = folder / f"{each.instrument}_{each.timeframe}.csv"
        everything = oracle(csv, each) if candles is None else expectation(candles, each)
        found[each.name] = [signal for signal in everything.signals if signal["time"] >= first["time"]]
    return found


@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("series", SERIES)
def test_t1_whatever_is_lost_between_wakes_the_list_is_the_oracles(
    make_stage: Callable[..., Stage], fresh_redis: RedisServer, candles_dir: Path, series: str, half: int
) -> None:
    chance = random.Random(f"{series} {half}")
    rules = all_rules(series)[half::2]
    candles = read_candles(candles_dir / f"{series}.csv")
    stage = make_stage(rules, candles_dir)
    places = cuts(chance, len(candles), chance.randrange(len(candles) // 6, len(candles) // 3), singles=60)
    for place in places:
        stage.show(candles[place], series.rsplit("_", maxsplit=1)[1])
        assert not any(outcome.revised for outcome in stage.good_wake(candles[place])), "the broker changes nothing"
        for each in rules:
            if chance.random() < 0.1:
                chance.choice(LOSSES)(stage, each.name)
        if chance.random() < 0.3:
            stage.drain()
        if chance.random() < 0.05:
            fresh_redis.restart()
            stage.restart()
        elif chance.random() < 0.1:
            stage.restart()
    assert len(places) > 60
    stage.assert_listed(expected_from(candles_dir, rules, candles[places[0]]))
    stage.good_wake(candles[-1])
    stage.assert_outcomes(candles_dir, rules)


def test_t1_the_side_is_found_behind_ties_when_averages_are_often_equal(
    make_stage: Callable[..., Stage], candles_dir: Path, tmp_path: Path
) -> None:
    chance = random.Random(5)
    candles = tied_candles(candles_dir / "EUR_USD_H4.csv", "0.005", "0.00001", 2_500)
    rules = nasty("EUR_USD_H4")
    stage = make_stage(rules, write_candles(tmp_path / "ties" / "EUR_USD_H4.csv", candles).parent)
    places = cuts(chance, len(candles), 200, singles=200)
    for place in places:
        stage.show(candles[place], "H4")
        stage.good_wake(candles[place])
        for each in rules:
            if chance.random() < 0.3:
                chance.choice(LOSSES)(stage, each.name)
    stage.assert_listed(expected_from(candles_dir, rules, candles[200], candles))


def test_t1_every_single_candle_of_a_year_one_by_one(make_stage: Callable[..., Stage], candles_dir: Path) -> None:
    rules = all_rules("GBP_JPY_D")
    candles = read_candles(candles_dir / "GBP_JPY_D.csv")
    stage = make_stage(rules, candles_dir)
    for candle in candles[1_000:1_260]:
        stage.show(candle, "D")
        outcomes = stage.good_wake()
        assert all(outcome.start is Start.STORED for outcome in outcomes) or candle is candles[1_000]
        assert not any(outcome.revised for outcome in outcomes)
    must = expected_from(candles_dir, rules, candles[1_000])
    last = candles[1_259]["time"]
    stage.assert_listed({name: [each for each in found if each["time"] <= last] for name, found in must.items()})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_cursor_set_back_takes_candles_in_again_and_repeats_no_signal(
    make_stage: Callable[..., Stage], candles_dir: Path, seed: int
) -> None:
    chance = random.Random(seed)
    rules = nasty("EUR_USD_D")[:3]
    candles = read_candles(candles_dir / "EUR_USD_D.csv")
    stage = make_stage(rules, candles_dir)
    for place in cuts(chance, len(candles), 400, singles=60):
        stage.show(candles[place], "D")
        assert not any(outcome.revised for outcome in stage.good_wake(candles[place])), "the broker changes nothing"
        if chance.random() < 0.4:
            back = candles[max(400, place - chance.choice((1, 3, 40, 500)))]
            stage.client.set(stage.keys.last_processed(rules[chance.randrange(3)].name), back["time"])
        if chance.random() < 0.5:
            stage.drain()
    stage.good_wake()
    stage.assert_listed(expected_from(candles_dir, rules, candles[400]))


def test_everything_lost_is_a_first_start_that_says_nothing_of_the_past(
    make_stage: Callable[..., Stage], candles_dir: Path
) -> None:
    rules = all_rules("EUR_USD_H4")
    candles = read_candles(candles_dir / "EUR_USD_H4.csv")
    stage = make_stage(rules, candles_dir)
    for place in (1_000, 1_400):
        stage.show(candles[place], "H4")
        stage.good_wake(candles[place])
    stage.drain()
    stage.client.flushall()
    stage.restart(journal_lost=True)
    for place in (2_000, 2_300):
        stage.show(candles[place], "H4")
        outcomes = stage.good_wake(candles[place])
        assert all((outcome.start is Start.FIRST) == (place == 2_000) for outcome in outcomes)
    must = expected_from(candles_dir, rules, candles[1_000])
    known = (candles[1_000]["time"], candles[1_400]["time"], candles[2_000]["time"], candles[2_300]["time"])

    def is_due(time: str) -> bool:
        return known[0] <= time <= known[1] or known[2] <= time <= known[3]

    stage.assert_listed({name: [each for each in found if is_due(each["time"])] for name, found in must.items()})


def test_a_first_start_is_silent_about_a_cross_that_is_late(
    make_stage: Callable[..., Stage], candles_dir: Path
) -> None:
    (rules,) = nasty("EUR_USD_H4")[:1]
    candles = read_candles(candles_dir / "EUR_USD_H4.csv")
    crosses = {signal["time"] for signal in oracle(candles_dir / "EUR_USD_H4.csv", rules).signals}
    # The last candle of a week: nothing comes after it for two days.
    fridays = [place for place, candle in enumerate(candles[:3_000]) if candle["time"][11:13] == "18"]
    friday = next(
        place
        for place in fridays
        if place > 500 and candles[place]["time"] in crosses and _weekend_follows(candles, place)
    )
    for later, must in ((4 * 3_600, 1), (4 * 3_600 + 1, 0)):
        stage = make_stage([rules], candles_dir)
        stage.show(candles[friday], "H4", later)
        stage.good_wake()
        assert len(stage.listed()) == must


def _weekend_follows(candles: Sequence[Mapping[str, str]], place: int) -> bool:
    return candles[place + 1]["time"][:10] > candles[place]["time"][:10]


def test_after_an_outage_signals_are_late_and_those_in_time_are_not(
    make_stage: Callable[..., Stage], candles_dir: Path
) -> None:
    (rules,) = nasty("GBP_JPY_H4")[:1]
    candles = read_candles(candles_dir / "GBP_JPY_H4.csv")
    stage = make_stage([rules], candles_dir)
    for place in (500, 900):
        stage.show(candles[place], "H4")
        stage.good_wake(candles[place])
    in_time = {candles[900]["time"], candles[899]["time"], candles[500]["time"]}
    for text in stage.listed():
        late = '"late":true' in text
        if not late:
            assert any(time in text for time in in_time)
    assert sum('"late":true' in text for text in stage.listed()) > 100


def test_a_full_list_makes_commits_wait_and_an_empty_one_takes_any_outage(
    make_stage: Callable[..., Stage], candles_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "QUEUE_CAP", 10)
    (rules,) = nasty("GBP_JPY_H4")[:1]
    candles = read_candles(candles_dir / "GBP_JPY_H4.csv")
    stage = make_stage([rules], candles_dir)
    for place in (500, 505):
        stage.show(candles[place], "H4")
        stage.good_wake(candles[place])
    assert 0 < len(stage.listed()) < 10
    stage.show(candles[900], "H4")
    (outcome,) = stage.wake().results
    assert "full" in str(outcome.error)
    assert stage.client.get(stage.keys.last_processed(rules.name)) == candles[505]["time"]
    stage.drain()
    stage.good_wake()
    must = signals_until(oracle(candles_dir / "GBP_JPY_H4.csv", rules).signals, candles[900]["time"])
    stage.assert_listed({rules.name: [each for each in must if each["time"] >= candles[500]["time"]]})


def test_the_same_candle_gives_the_same_id_on_two_machines(make_stage: Callable[..., Stage], candles_dir: Path) -> None:
    rules = all_rules("GBP_JPY_D")
    candles = read_candles(candles_dir / "GBP_JPY_D.csv")
    found = []
    for places in ((300, 301, 2_399), (700, 1_500, 1_501, 2_399)):
        stage = make_stage(rules, candles_dir)
        for place in places:
            stage.show(candles[place], "D")
            stage.good_wake(candles[place])
        found.append(ids(stage.listed()))
    one, other = found
    assert set(other) < set(one)
    assert {key: one[key] for key in other} == other
    assert len(set(one.values())) == len(one)


def test_the_expectation_begins_behind_the_first_candle(candles_dir: Path) -> None:
    rules = all_rules("EUR_USD_H4")[1]
    signals = oracle(candles_dir / "EUR_USD_H4.csv", rules).signals
    assert signals_after(signals, signals[9]["time"]) == signals[10:]

"""What became of every signal: the list of outcomes is the oracle's, whatever is cut, lost or rolled back."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import redis

from ninja_daemon.adapters.redis.state_store import RedisStateStore
from tests.end_to_end.settings import SERIES, cuts, nasty, sided
from tests.end_to_end.stage import Stage
from tests.end_to_end.test_t1_oracle import LOSSES
from tests.oracle import Rules, read_candles
from tests.outcome_oracle import Options
from tests.servers import RedisServer

SHAPES = (("0.5", "0.75"), ("2", "3"), ("4", "9"))
ENDINGS = (
    (Options(), "mid"),
    (Options(exit_on_reverse=True), "bid"),
    (Options(max_candles=7), "ask"),
    (Options(True, 40, Fraction("1.2")), "mid"),
)


def shaped(series: str) -> Sequence[Rules]:
    """Strategies of one series with tight and wide levels."""
    base = replace(nasty(series)[2], atr_period=14)
    return [
        replace(base, name=f"{series}_{number}", sl_atr_multiplier=Decimal(stop), tp_atr_multiplier=Decimal(target))
        for number, (stop, target) in enumerate(SHAPES)
    ]


def ending(rules: Rules, options: Options, price: str = "mid") -> Rules:
    reverse = "true" if options.exit_on_reverse else "false"
    cost = Decimal(options.cost_pips.numerator) / options.cost_pips.denominator
    return replace(
        rules,
        more=f'price = "{price}"\nexit_on_reverse = {reverse}\n'
        f"max_candles = {options.max_candles}\ncost_pips = {cost}\n",
    )


def book_gone(stage: Stage, name: str) -> None:
    stage.client.hdel(stage.keys.signal_state(name), "open")


def book_garbled(stage: Stage, name: str) -> None:
    stage.client.hset(stage.keys.signal_state(name), "open", "EUR_USD H4 mid 2020;x y z")


@pytest.mark.parametrize(("options", "price"), ENDINGS, ids=str)
@pytest.mark.parametrize("series", SERIES)
def test_outcomes_are_the_oracles_whatever_is_lost(
    make_stage: Callable[..., Stage], candles_dir: Path, tmp_path: Path, series: str, options: Options, price: str
) -> None:
    chance = random.Random(f"{series} {options}")
    rules = [ending(each, options, price) for each in shaped(series)]
    candles = read_candles(candles_dir / f"{series}.csv")
    stage = make_stage(rules, candles_dir)
    for place in cuts(chance, len(candles), chance.randrange(len(candles) // 2, len(candles) - 800), singles=24):
        stage.show(candles[place], series.rsplit("_", maxsplit=1)[1])
        stage.good_wake(candles[place])
        for each in rules:
            if chance.random() < 0.15:
                chance.choice((*LOSSES, book_gone, book_garbled))(stage, each.name)
        if chance.random() < 0.3:
            stage.drain()
        if chance.random() < 0.1:
            stage.restart()
    stage.good_wake(candles[-1])
    stage.assert_outcomes(sided(candles_dir, tmp_path, series, price), rules, options)


def test_options_hold_from_the_listing_to_the_end(make_stage: Callable[..., Stage], candles_dir: Path) -> None:
    (base,) = shaped("GBP_JPY_H4")[1:2]
    candles = read_candles(candles_dir / "GBP_JPY_H4.csv")
    stage = make_stage([base], candles_dir)
    for place in (500, 900):
        stage.show(candles[place], "H4")
        stage.good_wake()
    open_then = stage.open_ids(base.name)
    assert open_then
    changed = replace(base, more="max_candles = 1\n")
    stage.set_rules([changed])
    stage.show(candles[1_500], "H4")
    stage.good_wake()
    results = {one["id"]: one for one in stage.outcomes(base.name)}
    assert all(results[one]["result"] in {"stop", "target"} for one in open_then if one in results)
    later = [one for one in results.values() if one["time"] > candles[900]["time"]]
    assert later
    assert all(one["candles"] == 1 for one in later)


def test_a_cursor_that_was_set_back_repeats_no_outcome(make_stage: Callable[..., Stage], candles_dir: Path) -> None:
    chance = random.Random(3)
    rules = shaped("EUR_USD_D")
    candles = read_candles(candles_dir / "EUR_USD_D.csv")
    stage = make_stage(rules, candles_dir)
    first = 400
    for place in cuts(chance, len(candles), first, singles=24):
        stage.show(candles[place], "D")
        stage.good_wake(candles[place])
        if chance.random() < 0.4:
            back = candles[max(first, place - chance.choice((1, 3, 40, 500)))]
            name = rules[chance.randrange(3)].name
            stage.client.set(stage.keys.last_processed(name), back["time"])
            if chance.random() < 0.3:
                book_gone(stage, name)
    stage.good_wake()
    stage.assert_outcomes(candles_dir, rules)


@pytest.mark.parametrize("journal_lost", [False, True])
def test_a_redis_that_lost_everything_loses_no_outcome_of_this_machine(
    make_stage: Callable[..., Stage], candles_dir: Path, journal_lost: bool
) -> None:
    rules = shaped("GBP_JPY_H4")
    candles = read_candles(candles_dir / "GBP_JPY_H4.csv")
    stage = make_stage(rules, candles_dir)
    for place in (1_000, 1_001, 1_400, 1_401, 1_900):
        stage.show(candles[place], "H4")
        stage.good_wake(candles[place])
        if place == 1_400:
            stage.drain()
            stage.client.flushall()
            stage.restart(journal_lost=journal_lost)
    if not journal_lost:
        stage.assert_outcomes(candles_dir, rules)
        return
    # A machine that knows nothing either begins anew: what was listed before is followed no further.
    opens = {one["time"] for each in rules for one in stage.outcomes(each.name)}
    assert not [time for time in opens if candles[1_400]["time"] < time < candles[1_401]["time"]]


def test_a_redis_that_was_rolled_back_lists_the_same_outcomes_again(
    make_stage: Callable[..., Stage], fresh_redis: RedisServer, candles_dir: Path
) -> None:
    rules = shaped("EUR_USD_H4")
    candles = read_candles(candles_dir / "EUR_USD_H4.csv")
    stage = make_stage(rules, candles_dir)
    raw: redis.Redis = redis.Redis.from_url(fresh_redis.url)
    kept: dict[Any, Any] = {}
    for place in (1_000, 1_300, 1_500, 2_000):
        stage.show(candles[place], "H4")
        stage.good_wake(candles[place])
        if place == 1_300:
            kept = {key: raw.dump(key) for key in raw.keys("*")}
        if place == 1_500:
            stage.client.flushall()
            for key, value in kept.items():
                raw.restore(key, 0, value)
            stage.restart()
    raw.close()
    stage.assert_outcomes(candles_dir, rules)


def test_candles_taken_in_while_nobody_knew_what_is_open_are_followed_later(
    make_stage: Callable[..., Stage], candles_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = shaped("GBP_JPY_H4")
    candles = read_candles(candles_dir / "GBP_JPY_H4.csv")
    stage = make_stage(rules, candles_dir)
    for place in (800, 1_100, 1_101, 1_400, 1_401, 1_900):
        stage.show(candles[place], "H4")
        if place == 1_101:
            for each in rules[:2]:
                book_gone(stage, each.name)
            monkeypatch.setattr(RedisStateStore, "unfinished", lambda *_: {})
        if place == 1_401:
            monkeypatch.undo()
        stage.good_wake(candles[place])
    stage.assert_outcomes(candles_dir, rules)


def test_an_outcomes_key_of_another_type_keeps_the_whole_commit_waiting(
    make_stage: Callable[..., Stage], candles_dir: Path
) -> None:
    rules = shaped("GBP_JPY_H4")[:1]
    candles = read_candles(candles_dir / "GBP_JPY_H4.csv")
    stage = make_stage(rules, candles_dir)
    stage.show(candles[800], "H4")
    stage.good_wake()
    stage.client.set(stage.keys.outcomes, "in the way")
    stage.show(candles[1_400], "H4")
    (outcome,) = stage.wake().results
    assert "outcomes" in str(outcome.error)
    assert stage.client.get(stage.keys.last_processed(rules[0].name)) == candles[800]["time"]
    stage.client.delete(stage.keys.outcomes)
    stage.good_wake()
    stage.assert_outcomes(candles_dir, rules)

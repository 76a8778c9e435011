"""Ten years of four series under eight settings each: every outcome is the oracle's, whatever is cut or lost."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.end_to_end.settings import SERIES, nasty, sided
from tests.end_to_end.stage import Stage
from tests.end_to_end.test_outcomes import book_garbled, book_gone, ending
from tests.end_to_end.test_t1_oracle import LOSSES
from tests.oracle import Rules, expectation, parsed_signal, read_candles, signals_after
from tests.outcome_oracle import Options
from tests.servers import RedisServer

TIGHT, USUAL, WIDE = ("0.5", "0.75"), ("2", "3"), ("4", "9")
EIGHT = (
    (TIGHT, Options(), "mid"),
    (WIDE, Options(), "mid"),
    (USUAL, Options(exit_on_reverse=True), "mid"),
    (USUAL, Options(max_candles=7), "mid"),
    (USUAL, Options(cost_pips=Fraction("1.2")), "mid"),
    (USUAL, Options(), "bid"),
    (TIGHT, Options(True, 40, Fraction("0.7")), "ask"),
    (WIDE, Options(True, 40), "bid"),
)


@dataclass(frozen=True)
class Setting:
    """One of the eight, and the folder of its candles."""

    rules: Rules
    options: Options
    folder: Path


def settings_of(series: str, folder: Path, own: Path) -> Sequence[Setting]:
    base = replace(nasty(series)[2], atr_period=14)
    made = []
    for number, ((stop, target), options, price) in enumerate(EIGHT):
        shaped = replace(base, sl_atr_multiplier=Decimal(stop), tp_atr_multiplier=Decimal(target))
        rules = ending(replace(shaped, name=f"{series}_{number}"), options, price)
        made.append(Setting(rules, options, sided(folder, own, series, price)))
    return made


def steps(chance: random.Random, count: int, first: int, *, long: bool) -> Iterator[int]:
    """The newest candle of each wake: mostly one step, or few, or 30, or 300; in the short form far fewer wakes."""
    place = first
    while place < count - 1:
        yield place
        place += chance.choice((1, 1, 1, 1, 2, 5, 30, 300) if long else (1, 1, 7, 60, 300))
    yield count - 1


class Life:
    """One daemon's ten years, and what happens to it and to its Redis."""

    def __init__(self, stage: Stage, raw: redis.Redis, chance: random.Random) -> None:
        self._stage, self._raw, self._chance = stage, raw, chance
        self._kept: dict[Any, Any] = {}
        self.struck = dict.fromkeys(("loss", "restart", "Redis lost", "rolled back"), 0)

    def goes_on(self, names: Sequence[str]) -> None:
        """Let something happen between two wakes, or nothing."""
        fate = self._chance.random()
        if self._kept:
            # Nothing is taken from the lists meanwhile: it would be there again.
            if fate < 0.3:
                self._is_rolled_back()
            return
        self._stage.drain()
        if fate < 0.02:
            self._redis_is_lost()
        elif fate < 0.08:
            self._stage.restart()
            self.struck["restart"] += 1
        elif fate < 0.12:
            self._kept = {key: self._raw.dump(key) for key in self._raw.keys("*")}
        elif fate < 0.5:
            name = self._chance.choice(names)
            self._chance.choice((*LOSSES, book_gone, book_garbled))(self._stage, name)
            self.struck["loss"] += 1

    def _redis_is_lost(self) -> None:
        """Nothing that Redis held is left; the journal of this machine knows what was listed."""
        self._stage.client.flushall()
        self._stage.restart()
        self.struck["Redis lost"] += 1

    def _is_rolled_back(self) -> None:
        """Redis is what it was some wakes ago, as after a restore."""
        self._stage.client.flushall()
        for key, value in self._kept.items():
            self._raw.restore(key, 0, value)
        self._kept = {}
        self._stage.restart()
        self.struck["rolled back"] += 1


@pytest.mark.timeout(3_600)
def test_ten_years_of_outcomes_are_the_oracles_whatever_happens(
    make_stage: Callable[..., Stage],
    fresh_redis: RedisServer,
    candles_dir: Path,
    tmp_path: Path,
    chance: random.Random,
    long: bool,
) -> None:
    for series in SERIES if long else SERIES[-1:]:
        some = settings_of(series, candles_dir, tmp_path)
        stage = make_stage([each.rules for each in some], candles_dir)
        candles = read_candles(candles_dir / f"{series}.csv")
        first = chance.randrange(250, 400) if long else len(candles) - 700
        with redis.Redis.from_url(fresh_redis.url) as raw:
            life = Life(stage, raw, chance)
            places = list(steps(chance, len(candles), first, long=long))
            for place in places:
                stage.show(candles[place], series.rsplit("_", maxsplit=1)[1])
                stage.good_wake(candles[place])
                life.goes_on([each.rules.name for each in some])
        stage.good_wake(candles[-1])
        ended = sum(assert_as_the_oracle(stage, each, candles[first]["time"]) for each in some)
        sys.stdout.write(f"\n{series}: {len(places)} wakes, {ended} outcomes of eight settings, {life.struck}\n")
        assert ended > 8 * 50


def assert_as_the_oracle(stage: Stage, one: Setting, begun: str) -> int:
    """Compare signals and outcomes with the oracle's; return how many have ended."""
    theirs = read_candles(one.folder / f"{one.rules.instrument}_{one.rules.timeframe}.csv")
    expected = signals_after(expectation(theirs, one.rules).signals, begun)
    listed = [parsed_signal(text) for text in stage.listed(one.rules.name)]
    fields = ("time", "side", "close", "stop_loss", "take_profit")
    assert [[each[name] for name in fields] for each in listed] == [
        [each[name] for name in fields] for each in expected
    ]
    stage.assert_outcomes(one.folder, [one.rules], one.options)
    return len(stage.outcomes(one.rules.name))

"""T5: a broker that is late, has holes, fails, changes its mind and closes for the weekend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from ninja_daemon.core.errors import NinjaError
from ninja_daemon.simulator.faults import (
    BrokerFault,
    CutBody,
    CutJson,
    Effect,
    Flaw,
    Late,
    Missing,
    Reset,
    Revised,
    Spoiled,
    StrayFriday,
    body,
    status,
)
from ninja_daemon.simulator.markets.completion import ByLag
from ninja_daemon.usecases.wake_result import StrategyResult
from tests.end_to_end.settings import nasty, oracle
from tests.end_to_end.stage import TOKEN, Stage, epoch
from tests.oracle import Rules, Signal, assert_same_signals, close_time, expected_signals, read_candles

EDGY = nasty("EUR_USD_H4")[0]  # nearly every candle is a cross: each candle that is lost or doubled shows
FIRST = 500


def since(signals: list[Signal], time: str, until: str) -> list[Signal]:
    return [signal for signal in signals if time <= signal["time"] <= until]


@pytest.fixture
def candles(candles_dir: Path) -> list[dict[str, str]]:
    return read_candles(candles_dir / "EUR_USD_H4.csv")


def outcome_of(stage: Stage) -> StrategyResult:
    (outcome,) = stage.wake().results
    return outcome


def test_t5_a_candle_is_taken_when_the_broker_calls_it_complete_and_not_before(
    make_stage: Callable[..., Stage], candles_dir: Path, candles: list[dict[str, str]]
) -> None:
    stage = make_stage([EDGY], candles_dir, completion=ByLag.of(30))
    for place in range(FIRST, FIRST + 40):
        stage.show(candles[place], "H4", later=29.0)
        assert outcome_of(stage).cursor != epoch(candles[place]["time"])
        stage.show(candles[place], "H4", later=30.5)
        assert outcome_of(stage).cursor == epoch(candles[place]["time"])
    # The first start's candle had closed more than a candle before: its cross is late, and history.
    everything = oracle(candles_dir / "EUR_USD_H4.csv", EDGY).signals
    assert_same_signals(stage.listed(), since(everything, candles[FIRST]["time"], candles[FIRST + 39]["time"]))


def test_t5_a_hole_is_counted_and_the_candles_around_it_are_neighbours(
    make_stage: Callable[..., Stage], candles_dir: Path, candles: list[dict[str, str]]
) -> None:
    holes = {FIRST + 10, FIRST + 20, FIRST + 21}
    stage = make_stage([EDGY], candles_dir)
    for hole in holes:
        stage.server.faults.add(BrokerFault(Missing(int(epoch(candles[hole]["time"])))))
    quiet = 0
    for place in range(FIRST, FIRST + 40):
        stage.show(candles[place], "H4")
        (outcome,) = stage.good_wake()
        quiet += outcome.quiet + len(outcome.gaps)
    assert quiet == 3
    there = [candle for place, candle in enumerate(candles) if place not in holes]
    assert_same_signals(
        stage.listed(), since(expected_signals(there, EDGY), candles[FIRST]["time"], candles[FIRST + 39]["time"])
    )


def test_t5_a_candle_published_behind_the_cursor_is_reported_and_not_evaluated(
    make_stage: Callable[..., Stage], candles_dir: Path, candles: list[dict[str, str]]
) -> None:
    late = FIRST + 10
    stage = make_stage([EDGY], candles_dir)
    published = epoch(close_time(candles[late + 1]["time"], "H4")) + 600
    stage.server.faults.add(BrokerFault(Late(int(epoch(candles[late]["time"])), until=published)))
    reported = []
    for place in range(FIRST, FIRST + 20):
        stage.show(candles[place], "H4")
        (outcome,) = stage.good_wake()
        if outcome.taken_in and outcome.revised:
            reported.append(place)
    assert reported == [late + 2]
    there = [candle for place, candle in enumerate(candles) if place != late]
    assert_same_signals(
        stage.listed(), since(expected_signals(there, EDGY), candles[FIRST]["time"], candles[FIRST + 19]["time"])
    )


def test_t5_a_candle_late_by_less_than_a_candle_is_waited_for_in_its_place(
    make_stage: Callable[..., Stage], candles_dir: Path, candles: list[dict[str, str]]
) -> None:
    late = FIRST + 5
    stage = make_stage([EDGY], candles_dir)
    until = epoch(close_time(candles[late]["time"], "H4")) + 60
    stage.server.faults.add(BrokerFault(Late(int(epoch(candles[late]["time"])), until=until)))
    for place in range(FIRST, FIRST + 12):
        for later in (2.0, 61.0):
            stage.show(candles[place], "H4", later)
            stage.good_wake()
    everything = oracle(candles_dir / "EUR_USD_H4.csv", EDGY).signals
    assert_same_signals(stage.listed(), since(everything, candles[FIRST]["time"], candles[FIRST + 11]["time"]))


def test_t5_the_first_complete_version_of_a_candle_stays(
    make_stage: Callable[..., Stage], candles_dir: Path, candles: list[dict[str, str]]
) -> None:
    changed = FIRST + 10
    stage = make_stage([EDGY], candles_dir)
    since_then = epoch(close_time(candles[changed]["time"], "H4")) + 600
    stage.server.faults.add(BrokerFault(Revised(int(epoch(candles[changed]["time"])), by=400, since=since_then)))
    reports = 0
    for place in range(FIRST, FIRST + 20):
        stage.show(candles[place], "H4")
        (outcome,) = stage.good_wake()
        reports += bool(outcome.taken_in and outcome.revised)
    assert reports == 1
    everything = oracle(candles_dir / "EUR_USD_H4.csv", EDGY).signals
    assert_same_signals(stage.listed(), since(everything, candles[FIRST]["time"], candles[FIRST + 19]["time"]))


FAULTS: dict[str, Effect] = {
    "400": status(400),
    "401": status(401),
    "403": status(403),
    "404": status(404),
    "429": status(429),
    "429 with a second": status(429, retry_after="1"),
    "429 with ten years": status(429, retry_after="315360000"),
    "500": status(500),
    "502 as a page": status(502),
    "503": status(503),
    "504": status(504),
    "reset": Reset(),
    "body cut": CutBody(),
    "JSON cut": CutJson(),
    "empty": body(""),
    "null": body("null"),
    "a list": body("[]"),
    "NaN": body('{"instrument":"EUR_USD","granularity":"H4","candles":NaN}'),
    "no candles": body("{}"),
    "off the grid": Spoiled(Flaw.OFF_GRID),
    "high below low": Spoiled(Flaw.HIGH_BELOW_LOW),
    "zero": Spoiled(Flaw.ZERO),
    "negative": Spoiled(Flaw.NEGATIVE),
    "out of order": Spoiled(Flaw.OUT_OF_ORDER),
    "twice": Spoiled(Flaw.DUPLICATE),
}


@pytest.mark.parametrize("effect", FAULTS.values(), ids=FAULTS.keys())
def test_t5_after_any_fault_the_catch_up_is_exact(
    make_stage: Callable[..., Stage], candles_dir: Path, candles: list[dict[str, str]], effect: Effect
) -> None:
    stage = make_stage([EDGY], candles_dir)
    stage.show(candles[FIRST], "H4")
    stage.good_wake()
    cursor = epoch(candles[FIRST]["time"])
    for place in range(FIRST + 1, FIRST + 13):
        stage.show(candles[place], "H4")
        if place % 4 == 0:
            stage.server.faults.clear()
            (outcome,) = stage.good_wake()
            assert outcome.cursor == epoch(candles[place]["time"])
        else:
            stage.server.faults.add(BrokerFault(effect))
            outcome = outcome_of(stage)
            assert outcome.error is None or isinstance(outcome.error, NinjaError)
            assert outcome.cursor is not None
            assert outcome.cursor >= cursor
        cursor = outcome.cursor
    everything = oracle(candles_dir / "EUR_USD_H4.csv", EDGY).signals
    assert_same_signals(stage.listed(), since(everything, candles[FIRST]["time"], candles[FIRST + 12]["time"]))


def test_t5_a_weekend_brings_nothing_and_breaks_nothing(
    make_stage: Callable[..., Stage], candles_dir: Path, candles: list[dict[str, str]]
) -> None:
    friday = next(
        place
        for place in range(FIRST, FIRST + 60)
        if epoch(candles[place + 1]["time"]) - epoch(candles[place]["time"]) > 86_400
    )
    stage = make_stage([EDGY], candles_dir)
    stage.show(candles[friday - 5], "H4")
    stage.good_wake()
    for hours in range(2, 46, 4):
        stage.show(candles[friday], "H4", later=hours * 3_600)
        (outcome,) = stage.good_wake()
        assert outcome.cursor == epoch(candles[friday]["time"])
        assert outcome.taken_in == (5 if hours == 2 else 0)
    stage.show(candles[friday + 1], "H4")
    (outcome,) = stage.good_wake()
    assert (outcome.taken_in, outcome.quiet, len(outcome.gaps)) == (1, 0, 0)


def test_t5_candles_after_fridays_close_are_evaluated_like_any_other(
    make_stage: Callable[..., Stage], candles_dir: Path, candles: list[dict[str, str]]
) -> None:
    stage = make_stage([EDGY], candles_dir, account=None)
    stage.server.faults.add(BrokerFault(StrayFriday()))
    for place in range(FIRST, FIRST + 100, 3):
        stage.show(candles[place], "H4")
        stage.good_wake()
    shown = as_the_broker_shows_them(stage, FIRST + 200)
    strays = {each["time"] for each in shown} - {each["time"] for each in candles}
    assert len(strays) > 5
    last = candles[range(FIRST, FIRST + 100, 3)[-1]]["time"]
    assert_same_signals(stage.listed(), since(expected_signals(shown, EDGY), candles[FIRST]["time"], last))


def as_the_broker_shows_them(stage: Stage, count: int) -> list[dict[str, str]]:
    """The newest candles, asked for and read without any of the product's own means."""
    answer = requests.get(
        f"{stage.server.url}/v3/instruments/EUR_USD/candles",
        params={"granularity": "H4", "count": str(count), "price": "M"},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=10,
    ).json()
    return [
        {"time": each["time"][:19] + "Z", "high": each["mid"]["h"], "low": each["mid"]["l"], "close": each["mid"]["c"]}
        for each in answer["candles"]
        if each["complete"]
    ]


@pytest.mark.parametrize("series", ["EUR_USD_H4", "GBP_JPY_D"])
def test_t5_every_candle_around_new_yorks_clock_changes_is_taken_at_its_close(
    make_stage: Callable[..., Stage], candles_dir: Path, series: str
) -> None:
    timeframe = series.rsplit("_", maxsplit=1)[1]
    rules: Rules = replace(nasty(series)[0], min_rr_ratio=Decimal(1))
    candles = read_candles(candles_dir / f"{series}.csv")
    everything = oracle(candles_dir / f"{series}.csv", rules).signals
    for sunday in ("2015-03-08", "2015-11-01", "2019-03-10", "2019-11-03"):
        noon = epoch(f"{sunday}T12:00:00Z")
        around = [place for place, candle in enumerate(candles) if abs(epoch(candle["time"]) - noon) < 8 * 86_400]
        stage = make_stage([rules], candles_dir)
        for place in around:
            stage.show(candles[place], timeframe, later=1.0)
            (outcome,) = stage.good_wake()
            assert outcome.cursor == epoch(candles[place]["time"])
            assert (outcome.quiet, len(outcome.gaps)) == (0, 0)
        hours = {datetime.fromisoformat(candles[place]["time"]).hour for place in around}
        assert len(hours) == (12 if timeframe == "H4" else 2), "the opens move by an hour"
        assert_same_signals(stage.listed(), since(everything, candles[around[0]]["time"], candles[around[-1]]["time"]))

"""A strategy with a trend, by the commands that people use: run, replay, why, audit and verify say the same."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from tests.end_to_end.outside import Outside
from tests.end_to_end.settings import SHIPPED
from tests.oracle import Signal, assert_same_signals, close_time, expected_signals, read_candles, signals_after

SERIES = "EUR_USD_H4"
PERIOD, LAST = 60, 1_800
RULES = replace(
    SHIPPED[SERIES],
    fast_ma=5,
    slow_ma=17,
    more=f'trend = {{ timeframe = "D", ma_type = "sma", period = {PERIOD} }}\n',
)


def with_the_trend(candles_dir: Path) -> Sequence[Signal]:
    """The signals whose close lies on their side of the mean of the days that had closed by then."""
    days = read_candles(candles_dir / "EUR_USD_D.csv")
    ends, closes = [close_time(day["time"], "D") for day in days], [Decimal(day["close"]) for day in days]
    found = []
    for signal in expected_signals(read_candles(candles_dir / f"{SERIES}.csv")[: LAST + 1], RULES):
        last = closes[: bisect_right(ends, signal["close_time"])][-PERIOD:]
        if len(last) == PERIOD and signal["signal"] * (signal["close"] - Fraction(sum(last)) / PERIOD) > 0:
            found.append(signal)
    return found


@pytest.mark.timeout(180)  # eleven processes
def test_run_replay_why_audit_and_verify_agree_with_the_oracle(outside: Outside, candles_dir: Path) -> None:
    candles, place = read_candles(candles_dir / f"{SERIES}.csv"), outside.place
    outside.watch([RULES])
    keys = "{ninja}:ma_state:EUR_USD_H4", "{ninja}:signal_state:EUR_USD_H4"
    for number, index in enumerate((1_000, 1_006, 1_011, LAST)):
        if number > 1:
            outside.redis.delete(*keys[: number - 1])
        outside.show(candles[index], "H4")
        outside.once()
    expected = signals_after(with_the_trend(candles_dir), candles[1_000]["time"])
    assert len(expected) > 15
    listed = outside.listed()
    assert_same_signals(listed, expected)

    span = ("--from", candles[1_001]["time"], "--to", candles[LAST]["time"])
    ids = [json.loads(text)["id"] for text in listed]
    file = str(candles_dir / f"{SERIES}.csv")
    replayed = place.run("replay", "-s", SERIES, "--csv", file, *span, "--json").exited(0)
    assert [one["id"] for one in json.loads(replayed.out)] == ids
    (clean,) = json.loads(place.run("audit", "--json").exited(0).out)["strategies"]
    assert (clean["differences"], clean["listed"]) == ([], len(ids))
    why = json.loads(place.run("why", SERIES, *span, "--crosses", "--json").exited(0).out)
    trends = [{one["name"]: one for one in candle["filters"]}["trend"] for candle in why if candle["cross"]]
    assert {one["passed"] for one in trends} == {True, False}

    record = place.directory / "signals.jsonl"
    place.run("signals", "--export", str(record)).exited(0)
    from_file = place.run("verify", str(record), "--candles", file).exited(0)
    assert "every digit again" in from_file.out
    assert "every digit again" in place.run("verify", str(record), "--broker").exited(0).out

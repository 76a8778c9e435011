"""A strategy that is quiet around news, by the commands that people use: run, replay, why, audit and verify agree."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.end_to_end.outside import Outside
from tests.end_to_end.settings import SHIPPED
from tests.oracle import Signal, assert_same_signals, expected_signals, read_candles, signals_after

SERIES, LAST = "EUR_USD_H4", 1_600
QUIET = 'quiet_around = { impact = ["high"], before = "15 min", after = "30 min" }\n'
RULES = replace(SHIPPED[SERIES], fast_ma=5, slow_ma=17, more=QUIET)


def written(path: Path, signals: Sequence[Signal]) -> list[Signal]:
    """Write a calendar in which news move every third signal; return the others."""
    near = signals[::3]
    events = [
        {"title": "Rate", "country": "USD", "date": one["close_time"].replace("Z", "+00:00"), "impact": "High"}
        for one in near
    ]
    others = [{**event, "country": "JPY"} for event in events] + [{**event, "impact": "Low"} for event in events]
    path.write_text(json.dumps([*events, *others, {"title": "Holiday", "country": "USD", "date": "2017-01-02"}]))
    return [one for one in signals if one not in near]


@pytest.mark.timeout(180)  # nine processes
def test_commands_agree_with_the_oracle_on_what_news_keep_back(outside: Outside, candles_dir: Path) -> None:
    candles, place = read_candles(candles_dir / f"{SERIES}.csv"), outside.place
    outside.watch([RULES])
    configuration = place.directory / "config" / "ninja.toml"
    configuration.write_text(configuration.read_text() + '\n[calendar]\nfile = "news.json"\nmax_age = "400 days"\n')
    everything = expected_signals(candles[: LAST + 1], RULES)
    expected = signals_after(written(configuration.parent / "news.json", everything), candles[1_000]["time"])
    for index in (1_000, LAST):
        outside.show(candles[index], "H4")
        outside.once()
    listed = outside.listed()
    assert len(expected) > 10
    assert_same_signals(listed, expected)
    assert not any("calendar_old" in text for text in listed)

    span, ids = (
        ("--from", candles[1_001]["time"], "--to", candles[LAST]["time"]),
        [json.loads(one)["id"] for one in listed],
    )
    file = str(candles_dir / f"{SERIES}.csv")
    replayed = place.run("replay", "-s", SERIES, "--csv", file, *span, "--json").exited(0)
    assert [one["id"] for one in json.loads(replayed.out)] == ids
    assert "by quiet_around" in replayed.err
    (clean,) = json.loads(place.run("audit", "--json").exited(0).out)["strategies"]
    assert (clean["differences"], clean["listed"]) == ([], len(ids))
    why = json.loads(place.run("why", SERIES, *span, "--crosses", "--json").exited(0).out)
    news = [{one["name"]: one for one in candle["filters"]}["quiet_around"] for candle in why if candle["cross"]]
    assert {one["passed"] for one in news} == {True, False}
    (kept_back,) = {one["value"][:15] for one in news if not one["passed"]}
    assert kept_back == "USD Rate (high)"
    record = place.directory / "signals.jsonl"
    place.run("signals", "--export", str(record)).exited(0)
    assert "every digit again" in place.run("verify", str(record), "--candles", file).exited(0).out
    assert "names no event from now on" in place.run("check", "--offline").out

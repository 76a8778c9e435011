"""``audit`` and ``why`` as processes, over ten years of real candles behind a real HTTP server."""

from __future__ import annotations

import json
from pathlib import Path

from tests.end_to_end.outside import Outside
from tests.end_to_end.settings import SHIPPED, oracle
from tests.oracle import read_candles, signals_after

SERIES = "EUR_USD_H4"
HISTORY = "{ninja}:history"


def test_ten_years_are_audited_and_a_removed_signal_is_missed(outside: Outside, candles_dir: Path) -> None:
    rules = SHIPPED[SERIES]
    candles = read_candles(candles_dir / f"{SERIES}.csv")
    outside.watch([rules])
    for place in (300, len(candles) - 1):
        outside.show(candles[place], "H4")
        outside.once()
    expected = signals_after(oracle(candles_dir / f"{SERIES}.csv", rules).signals, candles[300]["time"])

    (clean,) = json.loads(outside.place.run("audit", "--json").exited(0).out)["strategies"]
    assert (clean["differences"], clean["error"]) == ([], None)
    assert clean["signals_due_since"] == candles[301]["time"]
    assert (clean["candles"], clean["last"]) == (len(candles), candles[-1]["time"])
    assert clean["derived"] == clean["listed"] == len(expected)

    signal = json.loads(outside.listed()[len(expected) // 2])
    verified = outside.place.run("why", signal["id"], "--verify").exited(0)
    assert verified.out == "every digit again\n"
    outside.redis.lrem(HISTORY, 1, outside.listed()[len(expected) // 2])
    (spoilt,) = json.loads(outside.place.run("audit", "--json").exited(1).out)["strategies"]
    assert [(each["kind"], each["time"]) for each in spoilt["differences"]] == [("missing", signal["time"])]


def test_without_redis_the_journal_is_audited(outside: Outside, candles_dir: Path) -> None:
    candles = read_candles(candles_dir / f"{SERIES}.csv")
    outside.watch([SHIPPED[SERIES]])
    for place in (300, 2_000):
        outside.show(candles[place], "H4")
        outside.once(CACHE_ENABLED="false")
    local = {"CACHE_ENABLED": "false"}
    listed = json.loads(outside.place.run("signals", "--json", environment=local).exited(0).out)
    (made,) = json.loads(outside.place.run("audit", "--json", environment=local).exited(0).out)["strategies"]
    assert made["differences"] == []
    assert made["signals_due_since"] == made["first"] == listed[0]["time"]
    assert made["derived"] == made["listed"] == len(listed) > 1
    outside.place.run("why", SERIES, "--on", candles[1_500]["time"][:10], environment=local).exited(0)

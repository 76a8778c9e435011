"""``audit`` and ``why`` as processes, over ten years of real candles behind a real HTTP server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ninja_daemon.adapters.stored.signal import decode_signal, encode_signal
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import signal_id
from ninja_daemon.simulator.faults import BrokerFault, Revised
from tests.end_to_end.outside import Outside
from tests.end_to_end.settings import SHIPPED, oracle
from tests.end_to_end.stage import epoch, strategies_of
from tests.oracle import read_candles, signals_after

SERIES = "EUR_USD_H4"
HISTORY, OUTCOMES = "{ninja}:history", "{ninja}:outcome_history"


@pytest.mark.timeout(180)
def test_ten_years_are_audited_and_each_planted_difference_is_found(outside: Outside, candles_dir: Path) -> None:
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

    listed = [json.loads(text) for text in outside.listed()]
    planted = plant(outside, listed, candles)
    asked = len(outside.server.requests)
    (spoilt,) = json.loads(outside.place.run("audit", "--json").exited(1).out)["strategies"]
    assert len(outside.server.requests) - asked <= len(candles) // 5_000 + 2
    assert sorted((each["time"], each["kind"], each["field"]) for each in spoilt["differences"]) == sorted(planted)
    meanings = {each["kind"]: each["meaning"] for each in spoilt["differences"]}
    assert "other numbers" in meanings["revised candle"]
    (revised,) = [each for each in spoilt["differences"] if each["kind"] == "revised candle"]
    told = next(one for one in listed if one["time"] > revised["time"])
    shown = outside.place.run("why", told["id"], "--verify").exited(1).out
    assert f"the candle of {revised['time']} was revised" in shown
    assert f"close was {revised['listed']}, is {revised['derived']}" in shown


def plant(
    outside: Outside, signals: Sequence[Mapping[str, Any]], candles: Sequence[Mapping[str, str]]
) -> list[tuple[str, str, str]]:
    """One difference of each kind, years apart."""
    step = len(signals) // 6
    places = {text: place for place, text in enumerate(history(outside, HISTORY))}
    by_id = {json.loads(text)["id"]: text for text in places}
    revised, deleted, turned, copied, ended = (signals[step * each] for each in range(1, 6))

    opens = [candle["time"] for candle in candles]
    before = opens[opens.index(revised["time"]) - 3]
    outside.server.faults.add(BrokerFault(Revised(int(epoch(before)), by=200)))

    outside.redis.lrem(HISTORY, 1, by_id[deleted["id"]])
    other = decode_signal(by_id[turned["id"]])
    text = encode_signal(other._replace(side=Side(-other.side)))
    outside.redis.lset(HISTORY, history(outside, HISTORY).index(by_id[turned["id"]]), text)

    signal = decode_signal(by_id[copied["id"]])
    time = signal.time + 4 * 3_600
    strategy = next(iter(strategies_of([SHIPPED[SERIES]], outside.place.directory)))
    fake = signal._replace(time=time, close_time=time + 4 * 3_600, id=signal_id(strategy, time, signal.side))
    outside.redis.rpush(HISTORY, encode_signal(fake))

    (outcome,) = [text for text in history(outside, OUTCOMES) if ended["id"] in text and '"result"' in text]
    result = "stop" if '"result":"target"' in outcome else "target"
    changed = re.sub(r'"result":"\w+"', f'"result":"{result}"', outcome)
    outside.redis.lset(OUTCOMES, history(outside, OUTCOMES).index(outcome), changed)
    return [
        (before, "revised candle", "close"),
        (deleted["time"], "missing", "id"),
        (turned["time"], "stored value", "side"),
        (format_instant(time), "extra", "id"),
        (ended["time"], "stored value", "outcome result"),
    ]


def history(outside: Outside, key: str) -> list[str]:
    elements: Any = outside.redis.lrange(key, 0, -1)
    return [str(text) for text in elements]


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

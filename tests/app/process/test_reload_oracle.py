"""Two hundred reloads of two daemons under live candles: each candle is judged once, by the settings in force at it."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

import pytest

from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.app.process.process_note import ReloadAnswer, live_processes
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from tests.oracle import Rules, expected_signals, parsed_signal
from tests.processes import Running, Workplace, workplace

__all__ = ["workplace"]

TOKEN = "a-token-of-the-tests"
RELOADS = 200
NAMES = ("EUR_USD", "GBP_USD", "USD_JPY", "AUD_USD")
BROKEN = "\n[strategies.BROKEN]\nfast_ma = 0\n"


def rules(instrument: str, fast: int) -> Rules:
    decimals = 3 if instrument.endswith("JPY") else 5
    return Rules(f"{instrument}_S5", instrument, "S5", fast, 4, decimals, 3, min_atr_value=Decimal(0))


def file_of(periods: Mapping[str, int]) -> str:
    return '[defaults]\nmarket_hours = "always"\n' + "\n".join(rules(name, fast).toml for name, fast in periods.items())


def answer(place: Workplace, state: str, daemon: Running, scope: str) -> ReloadAnswer:
    [found] = [each for each in live_processes(place.directory / state, scope) if each.pid == daemon.process.pid]
    return found.answer


def reloaded(place: Workplace, daemons: Mapping[str, Running], scope: str) -> set[int]:
    """Have both take the file over; return their exit codes."""
    before = {state: answer(place, state, daemon, scope).count for state, daemon in daemons.items()}
    for daemon in daemons.values():
        os.kill(daemon.process.pid, signal.SIGHUP)
    codes = set()
    for state, daemon in daemons.items():
        daemon.until(lambda: answer(place, state, daemon, scope).count > before[state], "an answer", limit=20)  # noqa: B023
        codes.add(answer(place, state, daemon, scope).code)
    return codes


@pytest.mark.timeout(240)
def test_two_hundred_reloads_miss_nothing_and_repeat_nothing(workplace: Workplace, redis_url: str) -> None:
    luck, market = random.Random(1), RandomMarket(seed=9, always_open=True)
    periods = dict.fromkeys(NAMES, 2)
    client = connect(redis_url, name="test")

    def cursors() -> dict[str, str]:
        return {name: str(client.get(f"{{ninja}}:last_processed:{name}_S5")) for name in NAMES}

    with SimulatorServer(market, token=TOKEN) as broker:
        workplace.configure(file_of(periods)).uses(broker=broker.url, redis=redis_url, token=TOKEN)
        states = ("one", "two")
        daemons = {
            state: workplace.start("run", environment={"NINJA_STATE_DIR": str(workplace.directory / state)})
            for state in states
        }
        for daemon in daemons.values():
            daemon.until(lambda: "leader.active" in daemon.err or "leader.standby" in daemon.err, "a lease")  # noqa: B023
        daemons["one"].until(lambda: "None" not in cursors().values(), "a first start of all")
        notes = [path for state in states for path in (workplace.directory / state).glob("*.process")]
        scope = json.loads(notes[0].read_text())["scope"]
        begun = cursors()
        history = [(dict(periods), begun, begun)]
        for number in range(RELOADS):
            is_broken = number % 10 == 9
            wanted = {name: luck.choice((2, 3)) for name in NAMES}
            workplace.configure(file_of(wanted) + BROKEN * is_broken)
            earlier = cursors()
            codes = reloaded(workplace, daemons, scope)
            assert codes == ({78} if is_broken else {0})
            if not is_broken:
                history.append((wanted, earlier, cursors()))
            time.sleep(luck.random() / 5)
        for daemon in daemons.values():
            daemon.terminate().exited(0)
        ended = cursors()
    listed = [parsed_signal(str(text)) for text in client.lrange("{ninja}:history", 0, -1)]
    client.close()
    assert len({one["id"] for one in listed}) == len(listed)
    judged = sum(
        judge(
            market,
            name,
            {one["time"]: one["side"] for one in listed if one["strategy"] == f"{name}_S5"},
            [Spell(wanted[name], earlier[name], since[name]) for wanted, earlier, since in history],
            ended[name],
        )
        for name in NAMES
    )
    assert judged > 10


class Spell(NamedTuple):
    """Settings in force: the cursors just before and just behind their takeover."""

    fast: int
    earlier: str
    since: str


def judge(market: RandomMarket, name: str, found: Mapping[str, str], spells: Sequence[Spell], ended: str) -> int:
    """Compare each candle with the oracle of the settings in force at it; return how many were."""
    by_fast = {fast: signals_of(market, name, fast, ended) for fast in (2, 3)}
    assert all(opened >= spells[0].since for opened in found)
    judged = 0
    for spell, following in zip(spells, [*spells[1:], None], strict=True):
        for opened in candles(market, name, spell.since, ended if following is None else following.earlier):
            assert found.get(opened) == by_fast[spell.fast].get(opened), (name, opened)
            judged += 1
        if following is not None:
            for opened in candles(market, name, following.earlier, following.since):
                either = [by_fast[fast].get(opened) for fast in (spell.fast, following.fast)]
                assert found.get(opened) in either, (name, opened)
                judged += either[0] == either[1]
    return judged


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp())


def candles(market: RandomMarket, name: str, after: str, until: str) -> list[str]:
    """Opens of the candles behind one and up to another."""
    rows = market.rows(name, Granularity.S5, instant(after) + 5, instant(until) + 5, time.time())
    return [format_instant(row.time) for row in rows]


def signals_of(market: RandomMarket, name: str, fast: int, until: str) -> dict[str, str]:
    """The side of each signal that these settings would have given alone."""
    digits = 3 if name.endswith("JPY") else 5
    rows = market.rows(name, Granularity.S5, instant(until) - 3_600, instant(until) + 5, time.time())
    shown = [
        {"time": format_instant(row.time)}
        | {part: f"{Decimal(getattr(row, part)).scaleb(-digits):f}" for part in ("high", "low", "close")}
        for row in rows
    ]
    return {str(one["time"]): str(one["side"]) for one in expected_signals(shown, rules(name, fast))}

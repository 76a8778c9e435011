"""The signals that the contract demands, worked out the slow way.

Written from sections 3 to 5 of the contract alone and sharing nothing with the package: every candle sums its windows
anew, numbers are ``Decimal`` and ``Fraction``, and a decimal operation that would have to round raises.
Only simple averages are known here.

Candles are mappings with ``time`` (RFC 3339, UTC), ``high``, ``low`` and ``close`` as decimal strings.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, Inexact, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
TRADING_DAY_STARTS = 17
FRIDAY = 4

Candle = Mapping[str, str]
Signal = dict[str, Any]

# What differs from run to run, and what only has to repeat itself.
NOT_COMPARED = ("id", "created_at", "late")
COMPARED = (
    *("schema", "strategy", "instrument", "timeframe", "time", "close_time", "signal", "side"),
    *("close", "fast_ma", "slow_ma", "atr", "stop_loss", "take_profit", "sl_pips", "tp_pips", "risk_reward_ratio"),
)


@dataclass(frozen=True, slots=True)
class Rules:
    """A strategy's settings, as exact numbers.

    Attributes:
        decimals: digits behind the point in the instrument's prices.
        more: lines of the table that change no signal.
    """

    name: str
    instrument: str
    timeframe: str
    fast_ma: int
    slow_ma: int
    decimals: int
    atr_period: int = 14
    sl_atr_multiplier: Decimal = Decimal("2.0")
    tp_atr_multiplier: Decimal = Decimal("3.0")
    min_atr_value: Decimal = Decimal(0)
    min_rr_ratio: Decimal = Decimal("1.5")
    more: str = ""

    @property
    def toml(self) -> str:
        """The strategy's table in a configuration file."""
        return (
            f'[strategies."{self.name}"]\ninstrument = "{self.instrument}"\ntimeframe = "{self.timeframe}"\n'
            f"fast_ma = {self.fast_ma}\nslow_ma = {self.slow_ma}\natr_period = {self.atr_period}\n"
            f"sl_atr_multiplier = {self.sl_atr_multiplier}\ntp_atr_multiplier = {self.tp_atr_multiplier}\n"
            f"min_atr_value = {self.min_atr_value:f}\nmin_rr_ratio = {self.min_rr_ratio}\n{self.more}"
        )


@dataclass(slots=True)
class Expectation:
    """All that should come of a history.

    Attributes:
        signals: every signal, in order, without the fields that are not compared.
        rejected: how many crosses each filter took, by ``atr_not_full``, ``min_atr_value`` and ``min_rr_ratio``.
    """

    signals: list[Signal] = field(default_factory=list)
    rejected: dict[str, int] = field(default_factory=dict)


def read_candles(path: Path) -> list[dict[str, str]]:
    """The candles of one of the real files."""
    with path.open(encoding="ascii", newline="") as lines:
        return list(csv.DictReader(lines))


def expected_signals(candles: Sequence[Candle], rules: Rules) -> list[Signal]:
    """Every signal of this history, the first candle being the first of all."""
    return expectation(candles, rules).signals


def expectation(candles: Sequence[Candle], rules: Rules) -> Expectation:
    """Every signal of this history, and what the filters took."""
    found = Expectation()
    with localcontext(Context(prec=60, traps=[Inexact])):
        closes = [Decimal(candle["close"]) for candle in candles]
        ranges = _true_ranges(candles, closes)
        for last, side in _turns(closes, rules):
            _judge(found, candles[last], side, last, closes, ranges, rules)
    return found


def signals_after(signals: Iterable[Signal], time: str) -> list[Signal]:
    """Those of candles that open after ``time``."""
    return [signal for signal in signals if signal["time"] > time]


def signals_until(signals: Iterable[Signal], time: str) -> list[Signal]:
    """Those of candles that open at or before ``time``."""
    return [signal for signal in signals if signal["time"] <= time]


def mean(values: Sequence[Decimal], last: int, period: int) -> Fraction | None:
    """The exact mean of the ``period`` values that end with the one at ``last``; None when there are fewer."""
    first = last - period + 1
    return Fraction(sum(values[first : last + 1])) / period if first >= 0 else None


def close_time(opened: str, timeframe: str) -> str:
    """The next border of the grid after the open: hours counted from 17:00 in New York, weeks from Friday."""
    return _text(_next_border(_parsed(opened), timeframe))


def assert_same_signals(listed: Iterable[str], expected: Sequence[Signal]) -> None:
    """Compare the elements of the list with the oracle: order, fields, numbers as numbers; say each difference."""
    found = [parsed_signal(text) for text in listed]
    problems = [*_strange_ids(found), *_differences(found, expected)]
    assert not problems, f"{len(found)} signals listed, {len(expected)} expected:\n" + "\n".join(problems[:40])


def parsed_signal(text: str) -> Signal:
    """One element of the list, its numbers exact; refuses what contract 3 does not allow."""
    signal: Signal = json.loads(text, parse_float=_plain_number, parse_int=_plain_number, parse_constant=_no_constant)
    strange = set(signal) ^ {*COMPARED, *NOT_COMPARED}
    assert not strange, f"fields must be those of schema 1, differing: {sorted(strange)}"
    assert re.fullmatch(r"[0-9a-f]{32}", signal["id"]), signal["id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", signal["created_at"]), signal["created_at"]
    assert isinstance(signal["late"], bool), signal["late"]
    return signal


def ids(listed: Iterable[str]) -> dict[tuple[str, str, str], str]:
    """The id of each signal by strategy, time and side."""
    return {(signal["strategy"], signal["time"], signal["side"]): signal["id"] for signal in map(parsed_signal, listed)}


def _true_ranges(candles: Sequence[Candle], closes: Sequence[Decimal]) -> list[Decimal | None]:
    """One a candle; the first of all has none."""
    ranges: list[Decimal | None] = [None]
    for candle, before in zip(candles[1:], closes, strict=False):
        high, low = Decimal(candle["high"]), Decimal(candle["low"])
        ranges.append(max(high - low, abs(high - before), abs(low - before)))
    return ranges


def _turns(closes: Sequence[Decimal], rules: Rules) -> Iterator[tuple[int, int]]:
    """Index and new side of each candle on which the side turns; ties pass, the first side says nothing."""
    side = 0
    for last in range(len(closes)):
        fast, slow = mean(closes, last, rules.fast_ma), mean(closes, last, rules.slow_ma)
        if fast is None or slow is None or fast == slow:
            continue
        now = 1 if fast > slow else -1
        if side not in {0, now}:
            yield last, now
        side = now


def _judge(
    found: Expectation,
    candle: Candle,
    side: int,
    last: int,
    closes: Sequence[Decimal],
    ranges: Sequence[Decimal | None],
    rules: Rules,
) -> None:
    """File a cross under its signal, or under the filter that takes it."""
    known = [span for span in ranges[max(0, last - rules.atr_period + 1) : last + 1] if span is not None]
    reward = Fraction(rules.tp_atr_multiplier) / Fraction(rules.sl_atr_multiplier)
    reason = None
    if len(known) < rules.atr_period:
        reason = "atr_not_full"
    elif Fraction(sum(known)) / rules.atr_period < Fraction(rules.min_atr_value):
        reason = "min_atr_value"
    elif reward < Fraction(rules.min_rr_ratio):
        reason = "min_rr_ratio"
    elif not _has_room(Fraction(candle["close"]), Fraction(sum(known)) / rules.atr_period, side, rules):
        reason = "no_room"
    if reason is not None:
        found.rejected[reason] = found.rejected.get(reason, 0) + 1
        return
    atr = Fraction(sum(known)) / rules.atr_period
    fast, slow = mean(closes, last, rules.fast_ma), mean(closes, last, rules.slow_ma)
    found.signals.append(_signal(candle, side, atr, fast, slow, rules))


def _has_room(close: Fraction, atr: Fraction, side: int, rules: Rules) -> bool:
    """Whether stop and target are prices above zero, and others than the close."""
    ways = ((-side, rules.sl_atr_multiplier), (side, rules.tp_atr_multiplier))
    levels = [round(close + way * atr * Fraction(factor), rules.decimals) for way, factor in ways]
    return all(level > 0 and level != close for level in levels)


def _signal(
    candle: Candle, side: int, atr: Fraction, fast: Fraction | None, slow: Fraction | None, rules: Rules
) -> Signal:
    assert fast is not None
    assert slow is not None
    close = Fraction(candle["close"])
    stop = round(close - side * atr * Fraction(rules.sl_atr_multiplier), rules.decimals)
    target = round(close + side * atr * Fraction(rules.tp_atr_multiplier), rules.decimals)
    pip = Fraction(1, 10 ** (rules.decimals - 1))
    fine = rules.decimals + 5
    return {
        "schema": 1,
        "strategy": rules.name,
        "instrument": rules.instrument,
        "timeframe": rules.timeframe,
        "time": candle["time"],
        "close_time": close_time(candle["time"], rules.timeframe),
        "signal": side,
        "side": "BUY" if side > 0 else "SELL",
        "close": close,
        "fast_ma": round(fast, fine),
        "slow_ma": round(slow, fine),
        "atr": round(atr, fine),
        "stop_loss": stop,
        "take_profit": target,
        "sl_pips": abs(close - stop) / pip,
        "tp_pips": abs(target - close) / pip,
        "risk_reward_ratio": round(Fraction(rules.tp_atr_multiplier) / Fraction(rules.sl_atr_multiplier), 10),
    }


def _next_border(opened: datetime, timeframe: str) -> datetime:
    """Walk on, second by second or hour by hour, until something stands on the grid."""
    unit, count = timeframe[0], int(timeframe[1:] or 1)
    if unit in "SM" and timeframe != "M":
        length = count * (60 if unit == "M" else 1)
        return datetime.fromtimestamp((int(opened.timestamp()) // length + 1) * length, UTC)
    moment = opened.replace(minute=0, second=0)
    while True:
        moment += timedelta(hours=1)
        if _is_border(moment.astimezone(NEW_YORK), unit, count):
            return moment


def _is_border(wall: datetime, unit: str, hours: int) -> bool:
    if unit == "H":
        return wall.fold == 0 and (wall.hour - TRADING_DAY_STARTS) % hours == 0
    if wall.hour != TRADING_DAY_STARTS:
        return False
    if unit == "W":
        return wall.weekday() == FRIDAY
    return unit == "D" or (wall + timedelta(days=1)).day == 1


def _parsed(time: str) -> datetime:
    return datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain_number(text: str) -> Fraction:
    assert "e" not in text.lower(), f"numbers must be printed in full decimal, was {text}"
    return Fraction(text)


def _no_constant(text: str) -> None:
    message = f"{text} is not JSON"
    raise AssertionError(message)


def _strange_ids(found: Sequence[Signal]) -> Iterator[str]:
    """Two signals with one id; one candle and side of a strategy twice."""
    seen: dict[str, Signal] = {}
    for signal in found:
        if signal["id"] in seen:
            yield f"  id {signal['id']} twice: {_name(seen[signal['id']])}, {_name(signal)}"
        seen[signal["id"]] = signal


def _differences(found: Sequence[Signal], expected: Sequence[Signal]) -> Iterator[str]:
    names_found, names_expected = [_name(signal) for signal in found], [_name(signal) for signal in expected]
    yield from (f"  missing: {name}" for name in names_expected if name not in set(names_found))
    yield from (f"  unexpected: {name}" for name in names_found if name not in set(names_expected))
    if sorted(names_found) == sorted(names_expected):
        yield from (
            f"  out of order: place {place} holds {was}, must hold {must}"
            for place, (was, must) in enumerate(zip(names_found, names_expected, strict=True))
            if was != must
        )
    by_name = {_name(signal): signal for signal in found}
    for must in expected:
        was = by_name.get(_name(must), must)
        yield from (
            f"  {_name(must)}: {key} was {_shown(was[key])}, must be {_shown(value)}"
            for key, value in must.items()
            if was[key] != value
        )


def _name(signal: Signal) -> str:
    return f"{signal['strategy']} {signal['time']} {signal['side']}"


def _shown(value: object) -> str:
    return f"{float(value):.12g} ({value})" if isinstance(value, Fraction) else repr(value)

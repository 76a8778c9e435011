"""What became of signals, worked out the slow way from section 8 of the contract alone.

Shares nothing with the package: every signal is followed by itself, candle by candle, in fractions; what is open at a
time is counted over all signals. Signals are those of ``tests.oracle``, candles mappings with decimal strings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.oracle import close_time

MOST_OPEN = 200
FIELDS = (
    *("schema", "id", "strategy", "instrument", "timeframe", "side", "time", "close_time", "entry", "stop_loss"),
    *("take_profit", "result", "exit", "exit_time", "candles", "r", "net_r", "pips", "mfe_r", "mae_r", "ambiguous"),
)


@dataclass(frozen=True)
class Options:
    """What a strategy's keys say of the end of its signals."""

    exit_on_reverse: bool = False
    max_candles: int = 1_000
    cost_pips: Fraction = Fraction(0)


@dataclass
class _Life:
    """One signal; ``end`` is the index of the candle that ended it."""

    signal: Mapping[str, Any]
    born: int
    end: int | None = None
    result: str = ""
    exit: Fraction = Fraction(0)
    ambiguous: bool = False


def expected_outcomes(
    candles: Sequence[Mapping[str, str]], signals: Sequence[Mapping[str, Any]], options: Options = Options()
) -> list[dict[str, Any]]:
    """Every outcome, in the order in which they are listed."""
    index = {candle["time"]: place for place, candle in enumerate(candles)}
    lives = [_Life(signal, index[signal["time"]]) for signal in signals]
    by_birth = {life.born: life for life in lives}
    for place, candle in enumerate(candles):
        prices = {name: Fraction(candle[name]) for name in ("open", "high", "low", "close")}
        newborn = by_birth.get(place)
        alive = [life for life in lives if life.born < place and life.end is None]
        for life in alive:
            _maybe_end(life, place, prices, newborn, options)
        open_now = [life for life in lives if life.born <= place and life.end is None]
        if newborn is not None and len(open_now) > MOST_OPEN:
            oldest = open_now[0]
            oldest.end, oldest.result, oldest.exit = place, "expired", prices["close"]
    ended = [life for life in lives if life.end is not None]
    ended.sort(key=lambda life: (life.end, life.born))
    return [_outcome(life, candles, options) for life in ended]


def _maybe_end(
    life: _Life, place: int, prices: Mapping[str, Fraction], newborn: _Life | None, options: Options
) -> None:
    stop, target = Fraction(life.signal["stop_loss"]), Fraction(life.signal["take_profit"])
    way = 1 if life.signal["side"] == "BUY" else -1
    against, in_favour = ("low", "high") if way > 0 else ("high", "low")
    stopped = {name: way * (price - stop) <= 0 for name, price in prices.items()}
    reached = {name: way * (price - target) >= 0 for name, price in prices.items()}
    is_reverse = newborn is not None and newborn.signal["side"] != life.signal["side"]
    # In the order of the contract; the first that holds ends it.
    endings = (
        (stopped["open"], "stop", prices["open"]),
        (reached["open"], "target", target),
        (stopped[against] and reached[in_favour], "stop", stop),
        (stopped[against], "stop", stop),
        (reached[in_favour], "target", target),
        (options.exit_on_reverse and is_reverse, "reversed", prices["close"]),
        (place - life.born == options.max_candles, "expired", prices["close"]),
    )
    number = next((number for number, (holds, _, _) in enumerate(endings) if holds), None)
    if number is not None:
        _, life.result, life.exit = endings[number]
        life.end, life.ambiguous = place, number == 2


def _outcome(life: _Life, candles: Sequence[Mapping[str, str]], options: Options) -> dict[str, Any]:
    signal = life.signal
    assert life.end is not None
    entry, stop = Fraction(signal["close"]), Fraction(signal["stop_loss"])
    way = 1 if signal["side"] == "BUY" else -1
    risk = way * (entry - stop)
    pip = abs(entry - stop) / Fraction(signal["sl_pips"])
    seen = [Fraction(candle[name]) for candle in candles[life.born + 1 : life.end] for name in ("high", "low")]
    seen += [Fraction(candles[life.end]["open"]), life.exit]
    moves = [way * (price - entry) / risk for price in seen]
    pips = way * (life.exit - entry) / pip
    return {
        "schema": 1,
        **{name: signal[name] for name in ("strategy", "instrument", "timeframe", "side", "time", "close_time")},
        "entry": entry,
        "stop_loss": stop,
        "take_profit": Fraction(signal["take_profit"]),
        "result": life.result,
        "exit": life.exit,
        "exit_time": close_time(candles[life.end]["time"], signal["timeframe"]),
        "candles": life.end - life.born,
        "r": round(way * (life.exit - entry) / risk, 4),
        "net_r": round((pips - options.cost_pips) / Fraction(signal["sl_pips"]), 4),
        "pips": pips,
        "mfe_r": max(Fraction(0), *(round(move, 4) for move in moves)),
        "mae_r": min(Fraction(0), *(round(move, 4) for move in moves)),
        "ambiguous": life.ambiguous,
    }


def parsed_outcome(text: str) -> dict[str, Any]:
    """One element of the list, its numbers exact; refuses what contract 8.3 does not allow."""

    def plain(number: str) -> Fraction:
        assert "e" not in number.lower(), f"numbers must be printed in full decimal, was {number}"
        return Fraction(number)

    outcome: dict[str, Any] = json.loads(text, parse_float=plain, parse_int=plain)
    assert tuple(outcome) == FIELDS, f"fields must be those of contract 8.3, were {tuple(outcome)}"
    return outcome


def assert_same_outcomes(listed: Iterable[str], expected: Sequence[Mapping[str, Any]]) -> None:
    """Compare the elements of the list with the oracle, field by field and in their order; ids once each."""
    found = [parsed_outcome(text) for text in listed]
    assert len({each["id"] for each in found}) == len(found), "an outcome is there twice"
    names_found = [(each["strategy"], each["time"], each["side"]) for each in found]
    names_expected = [(each["strategy"], each["time"], each["side"]) for each in expected]
    missing = [name for name in names_expected if name not in set(names_found)]
    extra = [name for name in names_found if name not in set(names_expected)]
    assert not missing, f"{len(missing)} missing: {missing[:5]}"
    assert not extra, f"{len(extra)} too many: {extra[:5]}"
    assert names_found == names_expected, "out of order"
    for was, must in zip(found, expected, strict=True):
        wrong = {name: (was[name], value) for name, value in must.items() if was[name] != value}
        assert not wrong, f"{must['time']} {must['side']}: {wrong}"

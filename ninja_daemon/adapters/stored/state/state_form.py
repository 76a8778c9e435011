"""The stored form of a strategy's averages: a Redis hash of short, readable fields, validated whenever it is read.

Closes and true ranges lie in rings of one field each, so that a candle changes a dozen fields however long the
averages are. Fields of ``ma_state`` (form 1; prices are integers in units of ``10**-decimals``):

| field | content |
| --- | --- |
| ``v`` | form of the hash, ``1`` |
| ``cfg`` | settings hash of the strategy that wrote it |
| ``time`` | open of the last candle, ``2025-08-10T14:30:00Z`` |
| ``decimals``, ``pip`` | of the instrument: digits after the point, power of ten of a pip |
| ``count`` | candles taken in since the state was begun |
| ``last`` | open, high, low and close of the last candle |
| ``side`` | ``BUY``, ``SELL`` or empty |
| ``fast``, ``slow`` | the numbers of the averages (for sma: candles and sum) |
| ``atr`` | sum of the true ranges; with ``atr_type = "wilder"`` candles seen up to the period, value before, value |
| ``closes`` | only with an average that nothing else holds to its closes (ZLEMA): their sum |
| ``k0`` … | only with filters of plug-ins: ring of candles, each its open time and four prices |
| ``signal_at`` | only with ``min_candles_between``: number of the last signal's candle, empty when there was none |
| ``c0`` … | ring of closes: candle number n (from 0) lies in ``c<n mod closes held>`` |
| ``r0`` … | ring of true ranges: that of candle number n (from 1) lies in ``r<(n−1) mod atr_period>`` |

``trend_form`` writes more beside them where a larger timeframe's average is needed.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

from ninja_daemon.core.averages.average import MovingAverage
from ninja_daemon.core.averages.kinds import restored_average
from ninja_daemon.core.averages.smoothed import FIXED_UNIT, Stage
from ninja_daemon.core.averages.window import Window
from ninja_daemon.core.averages.zero_lag import ZeroLagMovingAverage
from ninja_daemon.core.errors import NinjaError, StateUnreadable
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant, format_instant, parse_written_instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.strategy import Strategy

FORM: Final = "1"
_INTEGER: Final = re.compile(r"-?\d{1,40}", re.ASCII)
_MOST_DECIMALS: Final = 12


def encode_state(rules: Rules, state: StrategyState, since_count: int | None) -> dict[str, str]:
    """Write the fields of a state that are new since it had taken in ``since_count`` candles; None for all of them."""
    new = state.seen if since_count is None else state.seen - since_count
    return encode_standing(rules, state) | encode_moves(rules, state, new)


def encode_standing(rules: Rules, state: StrategyState) -> dict[str, str]:
    """Write the fields that stay what they are as long as the side stays."""
    instrument = rules.instrument
    fields = {
        "v": FORM,
        "cfg": rules.strategy.settings_hash,
        "decimals": str(instrument.decimals),
        "pip": str(instrument.pip_location),
        "side": state.side.name if state.side is not None else "",
    }
    if rules.is_spaced:
        fields["signal_at"] = "" if state.signal_at is None else str(state.signal_at)
    return fields


def encode_moves(rules: Rules, state: StrategyState, new: int) -> dict[str, str]:
    """Write the fields that the ``new`` newest candles have changed, whatever became of the side."""
    assert state.last is not None  # noqa: S101 - only states with a candle are committed
    time, open_, high, low, close = state.last
    smoothed, seen = state.smoothed, state.seen
    fields = {
        "time": format_instant(time),
        "count": str(seen),
        "last": f"{open_} {high} {low} {close}",
        "fast": " ".join(map(str, state.fast.numbers)),
        "slow": " ".join(map(str, state.slow.numbers)),
        "atr": str(state.range_total) if smoothed is None else " ".join(map(str, smoothed[2:])),
    }
    if _needs_sum(state):
        fields["closes"] = str(sum(state.closes))
    if state.recent and new:
        for back, candle in enumerate(reversed(state.recent[-new:])):
            fields[f"k{(seen - 1 - back) % rules.strategy.looked_back}"] = " ".join(map(str, candle))
    encode_ring(fields, "c", state.closes, seen, new)
    encode_ring(fields, "r", state.ranges, seen - 1, new)
    return fields


def encode_ring(fields: dict[str, str], letter: str, window: Window, pushed: int, new: int) -> None:
    """Write the newest ``new`` entries of a window of which ``pushed`` entries have ever been there."""
    size, buffer, newest = window.size, window.buffer, window.newest
    for back in range(min(new, len(window))):
        fields[f"{letter}{(pushed - 1 - back) % size}"] = str(buffer[newest - back])


def ring_fields(state: StrategyState) -> int:
    """Return how many fields the rings of a stored state have, with the sum of the closes where there is one."""
    return len(state.closes) + len(state.ranges) + len(state.recent) + _needs_sum(state)


@contextmanager
def sound() -> Generator[None]:
    """Say of whatever goes wrong while fields are read that they are not what was written.

    Raises:
        StateUnreadable: in place of the error.
    """
    try:
        yield
    except KeyError as error:
        message = f"the field {error.args[0]} of ma_state must be there, was missing"
        raise StateUnreadable(message) from error
    except StateUnreadable:
        raise
    except (ValueError, NinjaError) as error:
        message = f"ma_state must hold what was written, was changed: {str(error)[:120]}"
        raise StateUnreadable(message) from error


@sound()
def decode_state(strategy: Strategy, fields: Mapping[str, str]) -> tuple[StrategyState, Instrument]:
    """Read a state back, with every rule that it must keep checked.

    Raises:
        StateUnreadable: it is not what this version writes for these settings, or contradicts itself.
    """
    _require_form(strategy, fields)
    instrument = _instrument(strategy, fields)
    last = Candle(_time(strategy, fields["time"]), *_four(integers(fields["last"])))
    count = integer(fields["count"])
    closes = Window(strategy.closes_held, read_ring(fields, "c", strategy.closes_held, count))
    ranges = Window(strategy.atr_period, read_ring(fields, "r", strategy.atr_period, count - 1))
    smoothed, range_total = _average_range(strategy, fields["atr"], ranges)
    state = StrategyState(
        last=last,
        seen=count,
        closes=closes,
        ranges=ranges,
        range_total=range_total,
        fast=restored_average(strategy.fast_kind, strategy.fast_ma, integers(fields["fast"])),
        slow=restored_average(strategy.ma_type, strategy.slow_ma, integers(fields["slow"])),
        side=Side[fields["side"]] if fields["side"] else None,
        smoothed=smoothed,
        signal_at=_signal_at(strategy, fields, count),
        recent=_recent(strategy, fields, count),
    )
    _require_agreement(strategy, state)
    require_sum(fields, "closes", closes)
    return state, instrument


def _needs_sum(state: StrategyState) -> bool:
    return isinstance(state.fast, ZeroLagMovingAverage) or isinstance(state.slow, ZeroLagMovingAverage)


def require_sum(fields: Mapping[str, str], name: str, closes: Window) -> None:
    """Hold closes to their sum, where there is one: older versions wrote none."""
    require(name not in fields or integer(fields[name]) == sum(closes), f"{name} must be the sum of the closes held")


def _require_agreement(strategy: Strategy, state: StrategyState) -> None:
    newest = None if state.last is None else strategy.source.sum_of(state.last)
    require(state.seen >= 1 and state.closes.back(0) == newest, "the last close must be the newest of the ring")
    for name, average in (("fast", state.fast), ("slow", state.slow)):
        require(_agrees(average, state.closes), f"{name} must agree with the closes")


def _time(strategy: Strategy, text: str) -> Instant:
    time = parse_written_instant(text)
    if not strategy.granularity.is_border(time):
        message = f"time must lie on the grid of {strategy.granularity.name}, was {text[:20]}"
        raise StateUnreadable(message)
    return time


def _require_form(strategy: Strategy, fields: Mapping[str, str]) -> None:
    if fields["v"] != FORM:
        message = f"ma_state must be of form {FORM}, was {fields['v'][:10]!r}"
        raise StateUnreadable(message)
    if fields["cfg"] != strategy.settings_hash:
        message = "ma_state was written under other settings"
        raise StateUnreadable(message)


def _four(numbers: list[int]) -> list[int]:
    require(len(numbers) == len(Candle._fields) - 1, "last must hold four prices")
    return numbers


def _average_range(strategy: Strategy, text: str, ranges: Window) -> tuple[Stage | None, int]:
    """Read the average true range: a sum, or what Wilder's average needs."""
    if not strategy.is_smoothed:
        total = integer(text)
        require(total == sum(ranges), "atr must be the sum of the true ranges")
        return None, total
    filled, before, value = integers(text)
    stage = Stage(strategy.atr_period, 1, filled, before, value)
    newest = ranges.back(0) * FIXED_UNIT if len(ranges) else 0
    require(filled == len(ranges) and (not filled or stage.agrees_with(newest)), "atr must agree with the true ranges")
    return stage, value


def _recent(strategy: Strategy, fields: Mapping[str, str], count: int) -> tuple[Candle, ...]:
    size = strategy.looked_back
    rows = [integers(fields[f"k{number % size}"]) for number in range(count - min(count, size), count)]
    require(all(len(row) == len(Candle._fields) for row in rows), "a candle must be a time and four prices")
    return tuple(Candle(*row) for row in rows)


def _signal_at(strategy: Strategy, fields: Mapping[str, str], count: int) -> int | None:
    if not strategy.spacing or not fields["signal_at"]:
        return None
    number = integer(fields["signal_at"])
    require(0 < number <= count, "signal_at must be the number of a candle that was taken in")
    return number


def _agrees(average: MovingAverage, closes: Window) -> bool:
    return average.agrees_with(closes)


def require(holds: bool, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Refuse what breaks a rule."""
    if not holds:
        message = f"{rule}, they were not the same"
        raise StateUnreadable(message)


def _instrument(strategy: Strategy, fields: Mapping[str, str]) -> Instrument:
    decimals, pip = integer(fields["decimals"]), integer(fields["pip"])
    if not 0 <= decimals <= _MOST_DECIMALS or not -_MOST_DECIMALS <= pip <= _MOST_DECIMALS:
        message = f"decimals and pip must be of ordinary size, were {decimals} and {pip}"
        raise StateUnreadable(message)
    return Instrument(strategy.instrument, decimals, pip)


def read_ring(fields: Mapping[str, str], letter: str, size: int, pushed: int) -> list[int]:
    """Read the entries of a window, oldest first; ``pushed`` entries have ever been there."""
    held = min(pushed, size)
    return [integer(fields[f"{letter}{number % size}"]) for number in range(pushed - held, pushed)]


def integers(text: str) -> list[int]:
    """Read integers with blanks between them."""
    return [integer(part) for part in text.split(" ")]


def integer(text: str) -> int:
    """Read an integer of at most 40 digits."""
    if _INTEGER.fullmatch(text) is None:
        message = f"a number must be an integer, was {text[:20]!r}"
        raise StateUnreadable(message)
    return int(text)

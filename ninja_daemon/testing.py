"""Contract tests for authors of plug-ins. Call ``check_filter`` or ``check_average`` from a test of your own.

```python
from ninja_daemon.testing import check_filter
from my_package import RANGE


def test_the_contract_of_a_filter():
    check_filter(RANGE)
```

A check raises ``AssertionError`` that says what does not hold, over 3,000 candles that are the same every time.
"""

from __future__ import annotations

import builtins
import random
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import Any, Final
from unittest import mock

from ninja_daemon.adapters.stored.state.state_form import decode_state, encode_state
from ninja_daemon.core.averages.plug_in import AveragePlugIn, PlugInKind
from ninja_daemon.core.filters.plug_in import FilterPlugIn
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.history import evaluate
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.state import Cross, StrategyState
from ninja_daemon.core.signals.stepper import advance_all
from ninja_daemon.core.signals.strategy import Strategy

LONGEST_CALL: Final = 0.005
"""Seconds that a call may take, the median of all of them."""
_FEWEST: Final = 20
_JUMP: Final = 1_500
_EUR_USD: Final = Instrument("EUR_USD", 5, -4)
_FORBIDDEN: Final = (
    *((time, name) for name in ("time", "time_ns", "monotonic", "perf_counter", "sleep")),
    *((builtins, name) for name in ("open", "print", "input")),
    (socket, "socket"),
    (random, "random"),
)
"""What a pure function has no use for."""


def check_filter(plug_in: FilterPlugIn) -> None:
    """Prove that a filter keeps the contract: pure, fast, the same in steps, histories and after restarts.

    Raises:
        AssertionError: with what does not hold.
    """
    calls = _Timed(plug_in.compare)
    named = replace(plug_in, name=plug_in.name or "plug_in", compare=calls)
    _check(Strategy("checked", "EUR_USD", Granularity.M15, 3, 8, plug_ins=(named,)))
    calls.prove()


def check_average(plug_in: AveragePlugIn, periods: Sequence[int] = (1, 2, 5, 20)) -> None:
    """Prove the same of an average, for some periods.

    Raises:
        AssertionError: with what does not hold.
    """
    calls = _Timed(plug_in.value)
    kind = PlugInKind(replace(plug_in, name=plug_in.name or "plug_in", value=calls))
    for period in periods:
        _check(Strategy("checked", "EUR_USD", Granularity.M15, period, 2 * period + 1, ma_type=kind))
        _prove_scale(plug_in, period)
    calls.prove()


def _require(holds: bool, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise AssertionError(rule)


class _Timed:
    """Counts and times the calls of a function, and lets it neither look at a clock nor reach outside."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._times: list[float] = []

    def __call__(self, *arguments: Any) -> Any:  # noqa: ANN401 - whatever it takes and returns
        clock = time.perf_counter
        begun = clock()
        with _pure():
            first = self._function(*arguments)
            second = self._function(*arguments)
        self._times.append((clock() - begun) / 2)
        _require(first == second, f"the same arguments must give the same, gave {first!r} and {second!r}")
        return first

    def prove(self) -> None:
        _require(len(self._times) > 0, "it was never called: no candle came that far")
        typical = median(self._times)
        _require(typical <= LONGEST_CALL, f"a call must take at most {LONGEST_CALL} s, took {typical:.4f} s")


@contextmanager
def _pure() -> Iterator[None]:
    def refuse(*_: object, **__: object) -> None:
        message = "a plug-in must be a pure function: no clock, no chance, no file, no network"
        raise AssertionError(message)

    patches = [mock.patch.object(module, name, refuse) for module, name in _FORBIDDEN]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


def _check(strategy: Strategy) -> None:
    candles = _candles()
    rules = Rules(strategy, _EUR_USD)
    state, crosses = _stepped(rules, rules.empty_state(), candles)
    _require(len(crosses) >= _FEWEST, f"few crosses came of {len(candles)} candles: {len(crosses)}")
    history = evaluate(rules, CandleColumns.of(candles))
    _require(list(history.crosses) == crosses, "a history must give what single steps give")
    _require(history.state == state, "a history must end in the state in which single steps end")
    cuts = [0, 1, 40, 41, 700, 1_503, len(candles)]
    found: list[Cross] = []
    restarted = rules.empty_state()
    for start, stop in pairwise(cuts):
        restarted, some = advance_all(rules, restarted, candles[start:stop])
        found += some
        restarted, _ = decode_state(strategy, encode_state(rules, restarted, None))
    _require(found == crosses, "what is cut and restarted must give what is uncut")
    _require(restarted == state, "what is cut and restarted must end as what is uncut")
    late, _ = _stepped(rules, rules.empty_state(), candles[-strategy.warm_up - 1 :])
    _require(
        (late.fast, late.slow) == (state.fast, state.slow), "an average must depend on the candles that it declares"
    )


def _stepped(rules: Rules, state: StrategyState, candles: Sequence[Candle]) -> tuple[StrategyState, list[Cross]]:
    found = []
    for candle in candles:
        state, cross = rules.advance(state, candle)
        if cross is not None:
            found.append(cross)
    return state, found


def _prove_scale(plug_in: AveragePlugIn, period: int) -> None:
    prices = [candle.close for candle in _candles()[: plug_in.candles(period)]]
    plain, threefold = plug_in.value(prices, period), plug_in.value([3 * price for price in prices], period)
    _require(threefold == 3 * plain, "an average must be in the unit of its prices: of threefold prices, threefold")


def _candles() -> list[Candle]:
    """Return a walk with ties, gaps in time and a jump, the same at every call."""
    walk = random.Random(11)  # noqa: S311 - no secret is made of it
    opened, close, found = 1_700_006_400, 110_000, []
    for number in range(3_000):
        before, close = close, max(1_000, close + walk.choice((-40, -12, 0, 0, 12, 40)))
        close += 900 if number == _JUMP else 0
        high, low = max(before, close) + walk.randint(0, 9), min(before, close) - walk.randint(0, 9)
        found.append(Candle(opened, before, high, low, close))
        opened += 900 if number % 97 else 7_200
    return found

"""Outcomes, step by step and in columns, held to an oracle that shares no code with either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from ninja_daemon.adapters.stored.open_signals import decode_book, encode_book
from ninja_daemon.adapters.stored.outcome import decode_outcome, encode_outcome
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.outcomes.following import Book, follow
from ninja_daemon.core.outcomes.history import outcomes_over
from ninja_daemon.core.outcomes.open_signal import OpenSignal, opened, terms_of
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.replay import replay
from tests.core.series import EUR_USD, START, real_candles
from tests.outcome_oracle import Options, assert_same_outcomes, expected_outcomes

DECIMALS = EUR_USD.decimals


def strategy(options: Options) -> Strategy:
    cost = Decimal(options.cost_pips.numerator) / Decimal(options.cost_pips.denominator)
    return Strategy(
        "a_strategy",
        "EUR_USD",
        Granularity.M1,
        2,
        5,
        exit_on_reverse=options.exit_on_reverse,
        max_candles=options.max_candles,
        cost_pips=cost,
    )


def signal_at(candle: Candle, side: Side, stop: int, target: int) -> Signal:
    """A signal with levels that many points away from its close."""
    levels = candle.close - side * stop, candle.close + side * target
    close, stop_loss, take_profit = (Decimal(units).scaleb(-DECIMALS) for units in (candle.close, *levels))
    pips = Decimal(stop).scaleb(-1), Decimal(target).scaleb(-1)
    return Signal(
        id=f"{candle.time:032x}",
        strategy="a_strategy",
        instrument="EUR_USD",
        timeframe="M1",
        time=candle.time,
        close_time=candle.time + 60,
        side=side,
        close=close,
        fast_ma=close,
        slow_ma=close,
        atr=close,
        stop_loss=stop_loss,
        take_profit=take_profit,
        sl_pips=pips[0],
        tp_pips=pips[1],
        risk_reward_ratio=Decimal("1.5"),
        late=False,
        created_at=0.0,
    )


def restored(book: Book) -> Book:
    series = strategy(Options()).series
    again = decode_book(encode_book(book, series), series)
    assert again is not None
    return again


def begun(one: Strategy, signals: Sequence[Signal]) -> list[OpenSignal]:
    return [opened(signal, terms_of(one, EUR_USD, signal)) for signal in signals]


def plain(candles: Sequence[Candle]) -> list[dict[str, str]]:
    return [
        {
            "time": format_instant(one.time),
            **{name: f"{Decimal(getattr(one, name)).scaleb(-DECIMALS):f}" for name in ("open", "high", "low", "close")},
        }
        for one in candles
    ]


def plain_signal(signal: Signal) -> Mapping[str, Any]:
    fields = signal._asdict()
    fields["side"] = signal.side.name
    return {**fields, "time": format_instant(signal.time), "close_time": format_instant(signal.close_time)}


def stepped(one: Strategy, candles: Sequence[Candle], signals: Sequence[Signal], cuts: Sequence[int]) -> list[Outcome]:
    """Follow candles in pieces; between two pieces what is open is written down and read back."""
    book = Book()
    found: list[Outcome] = []
    for start, stop in zip([0, *cuts], [*cuts, len(candles)], strict=True):
        some = candles[start:stop]
        mine = [signal for signal in signals if some and some[0].time <= signal.time <= some[-1].time]
        after = follow(one, EUR_USD, book, some, begun(one, mine))
        book = restored(after.book)
        found += after.outcomes
    return found


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[Candle], list[Signal], Options, list[int]]:
    """Candles of few prices, so that levels are met exactly, gaps and both levels in one candle are common."""
    price = st.integers(95, 115)
    quadruples = draw(st.lists(st.tuples(price, price, price, price), min_size=1, max_size=40))
    candles = [
        Candle(START + index * 60, four[0], max(four), min(four), four[1]) for index, four in enumerate(quadruples)
    ]
    places = draw(st.lists(st.integers(0, len(candles) - 1), unique=True, max_size=12))
    signals = [
        signal_at(
            candles[place],
            draw(st.sampled_from(list(Side))),
            draw(st.integers(1, 9)),
            draw(st.integers(1, 9)),
        )
        for place in sorted(places)
    ]
    options = Options(
        draw(st.booleans()),
        draw(st.sampled_from([1, 2, 5, 1_000])),
        Fraction(draw(st.sampled_from(["0", "0.3", "1.25"]))),
    )
    cuts = sorted(draw(st.lists(st.integers(0, len(candles)), max_size=6)))
    return candles, signals, options, cuts


@given(markets())
@settings(max_examples=400, deadline=None)
def test_both_forms_equal_the_oracle_however_candles_are_cut(
    market: tuple[list[Candle], list[Signal], Options, list[int]],
) -> None:
    candles, signals, options, cuts = market
    must = expected_outcomes(plain(candles), [plain_signal(signal) for signal in signals], options)
    one = strategy(options)
    at_once = outcomes_over(one, EUR_USD, CandleColumns.of(candles), signals)
    for found in (stepped(one, candles, signals, cuts), at_once.outcomes):
        assert_same_outcomes([encode_outcome(each) for each in found], must)
        assert [decode_outcome(encode_outcome(each)) for each in found] == list(found)
    assert at_once.book == follow(one, EUR_USD, Book(), candles, begun(one, signals)).book


@pytest.mark.parametrize("reverse", [False, True])
def test_the_201st_open_signal_ends_the_oldest(reverse: bool) -> None:
    candles = [Candle(START + index * 60, 100, 101 + index % 3, 99 - index % 2, 100) for index in range(450)]
    sides = [Side.SELL if index == 300 else Side.BUY for index in range(430)]
    signals = [
        signal_at(candle, side, 9 if index % 50 else 1, 9)
        for index, (candle, side) in enumerate(zip(candles, sides, strict=False))
    ]
    options = Options(exit_on_reverse=reverse)
    must = expected_outcomes(plain(candles), [plain_signal(signal) for signal in signals], options)
    assert any(each["result"] == "expired" for each in must)
    one = strategy(options)
    for found in (
        stepped(one, candles, signals, [10, 201, 205, 333]),
        outcomes_over(one, EUR_USD, CandleColumns.of(candles), signals).outcomes,
    ):
        assert_same_outcomes([encode_outcome(each) for each in found], must)


@given(markets(), st.integers(0, 40))
@settings(max_examples=60, deadline=None)
def test_candles_that_were_taken_in_before_change_nothing(
    market: tuple[list[Candle], list[Signal], Options, list[int]], back: int
) -> None:
    candles, signals, options, _ = market
    one = strategy(options)
    once = follow(one, EUR_USD, Book(), candles, begun(one, signals))
    repeated = [each for each in begun(one, signals) if each.time >= START + back * 60]
    again = follow(one, EUR_USD, once.book, candles[back:], repeated)
    assert again == (once.book, ())
    more = [Candle(candles[-1].time + 60, 100, 120, 90, 100)]
    both = follow(one, EUR_USD, once.book, [*candles[back:], *more], repeated)
    assert both == follow(one, EUR_USD, once.book, more, [])


@given(markets())
@settings(max_examples=60, deadline=None)
def test_prices_with_more_digits_later_change_no_outcome(
    market: tuple[list[Candle], list[Signal], Options, list[int]],
) -> None:
    candles, signals, options, _ = market
    one, half = strategy(options), len(candles) // 2
    finer = Instrument("EUR_USD", DECIMALS + 1, EUR_USD.pip_location)
    listed = begun(one, signals)
    first = follow(one, EUR_USD, Book(), candles[:half], [each for each in listed if each.time < START + half * 60])
    later = [Candle(each.time, *(price * 10 for price in each[1:])) for each in candles[half:]]
    second = follow(one, finer, first.book, later, [each for each in listed if each.time >= START + half * 60])
    whole = follow(one, EUR_USD, Book(), candles, begun(one, signals))
    assert [*first.outcomes, *second.outcomes] == list(whole.outcomes)


REAL = {
    "EUR_USD_H4": (5, 40, 140, 147, {"target": 53, "stop": 94}, "-15.3572"),
    "GBP_JPY_H4": (3, None, None, 293, {"target": 140, "stop": 153}, "56.9478"),
}


def shipped(name: str, decimals: int) -> Rules:
    environment = {"NINJA_CONFIG": "config/ninja.toml", "HOME": "."}
    strategies = load_settings(environment, Path())[1].strategies
    (one,) = [each for each in strategies if each.name == name]
    return Rules(one, Instrument.from_decimals(one.instrument, decimals))


@pytest.mark.parametrize("name", REAL)
def test_ten_real_years_of_the_shipped_strategies_end_as_measured(candles_dir: Path, name: str) -> None:
    decimals, *_, count, results, total = REAL[name]
    rules = shipped(name, decimals)
    candles = real_candles(candles_dir / f"{name}.csv", decimals)
    columns = CandleColumns.of(candles)
    (report,) = replay([rules], [columns])
    found = outcomes_over(rules.strategy, rules.instrument, columns, report.signals)
    by_result = {result: sum(each.result == result for each in found.outcomes) for result in results}
    assert (len(report.signals), by_result) == (count, results)
    assert sum(each.r for each in found.outcomes) == Decimal(total)
    listed = [opened(each, terms_of(rules.strategy, rules.instrument, each)) for each in report.signals]
    step = follow(rules.strategy, rules.instrument, Book(), candles, listed)
    assert list(step.outcomes) == list(found.outcomes)
    assert step.book == found.book

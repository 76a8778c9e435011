"""The oracle is held against figures worked out by hand: it must not be wrong together with the product."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.oracle import Rules, Signal, assert_same_signals, close_time, expectation, expected_signals, parsed_signal

RULES = Rules("small", "EUR_USD", "H1", fast_ma=1, slow_ma=2, decimals=5, atr_period=1)


def candles(*closes: str, spread: str = "0.00010") -> list[dict[str, str]]:
    return [
        {
            "time": f"2026-01-05T{hour:02}:00:00Z",
            "high": str(Decimal(close) + Decimal(spread)),
            "low": str(Decimal(close) - Decimal(spread)),
            "close": close,
        }
        for hour, close in enumerate(closes)
    ]


def sides(*closes: str) -> list[tuple[str, str]]:
    return [(signal["time"][11:13], signal["side"]) for signal in expected_signals(candles(*closes), RULES)]


def listed(signals: Sequence[Signal]) -> list[str]:
    """What a producer would print for these signals."""
    texts = []
    for number, signal in enumerate(signals):
        fields = {key: float(value) if isinstance(value, Fraction) else value for key, value in signal.items()}
        fields |= {"id": f"{number:032x}", "created_at": "2026-01-05T05:00:00.5Z", "late": False}
        texts.append(json.dumps(fields))
    return texts


def test_a_sell_is_worked_out_as_by_hand() -> None:
    # Averages 1.10000 and 1.10050: below. True range: max(0.0002, |1.1001-1.1010|, |1.0999-1.1010|) = 0.0011.
    (signal,) = expected_signals(candles("1.09900", "1.10100", "1.10000"), RULES)
    assert signal == {
        "schema": 1,
        "strategy": "small",
        "instrument": "EUR_USD",
        "timeframe": "H1",
        "time": "2026-01-05T02:00:00Z",
        "close_time": "2026-01-05T03:00:00Z",
        "signal": -1,
        "side": "SELL",
        "close": Fraction("1.1"),
        "fast_ma": Fraction("1.1"),
        "slow_ma": Fraction("1.1005"),
        "atr": Fraction("0.0011"),
        "stop_loss": Fraction("1.1022"),
        "take_profit": Fraction("1.0967"),
        "sl_pips": 22,
        "tp_pips": 33,
        "risk_reward_ratio": Fraction("1.5"),
    }


def test_stop_and_target_are_rounded_half_to_even_from_the_exact_average_range() -> None:
    odd = replace(RULES, sl_atr_multiplier=Decimal("0.5"), tp_atr_multiplier=Decimal("1.5"))
    moves = candles("1.00000", "1.00010", "1.00000", spread="0.00001")
    (signal,) = expected_signals(moves, odd)  # a range of 11 points: 5.5 and 16.5 away from 1.00000
    assert (signal["stop_loss"], signal["take_profit"]) == (Fraction("1.00006"), Fraction("0.99984"))
    assert (signal["sl_pips"], signal["tp_pips"]) == (Fraction("0.6"), Fraction("1.6"))


def test_the_first_side_signals_nothing_and_a_tie_changes_nothing() -> None:
    assert sides("1.0", "1.1", "1.2") == []
    assert sides("1.0", "1.1", "1.1", "1.2") == []  # +, 0, +
    assert sides("1.0", "1.1", "1.1", "1.0") == [("03", "SELL")]  # +, 0, -
    assert sides("1.0", "1.0", "1.0", "1.1", "1.0") == [("04", "SELL")]  # 0, 0, + is the first side


def test_a_cross_before_the_average_range_is_full_moves_the_side_only() -> None:
    slow_range = replace(RULES, atr_period=3)
    found = expectation(candles("1.0", "1.1", "1.0", "1.1", "1.0"), slow_range)
    assert [signal["side"] for signal in found.signals] == ["BUY", "SELL"]
    assert found.rejected == {"atr_not_full": 1}


@pytest.mark.parametrize(("least", "passes"), [("0.0011", True), ("0.00110000001", False)])
def test_the_least_range_is_compared_exactly(least: str, passes: bool) -> None:
    found = expectation(candles("1.09900", "1.10100", "1.10000"), replace(RULES, min_atr_value=Decimal(least)))
    assert bool(found.signals) is passes
    assert found.rejected == ({} if passes else {"min_atr_value": 1})


@pytest.mark.parametrize(("target", "passes"), [("2.25", True), ("2.24999", False)])
def test_reward_over_risk_is_compared_exactly(target: str, passes: bool) -> None:
    rules = replace(RULES, sl_atr_multiplier=Decimal("1.5"), tp_atr_multiplier=Decimal(target))
    assert bool(expected_signals(candles("1.09900", "1.10100", "1.10000"), rules)) is passes


@pytest.mark.parametrize(
    ("opened", "timeframe", "closed"),
    [
        ("2026-03-06T18:00:00Z", "H4", "2026-03-06T22:00:00Z"),  # the last one before the clocks go forward
        ("2026-03-08T21:00:00Z", "H4", "2026-03-09T01:00:00Z"),
        ("2026-10-30T17:00:00Z", "H4", "2026-10-30T21:00:00Z"),  # the last one before they go back
        ("2026-11-01T22:00:00Z", "H4", "2026-11-02T02:00:00Z"),
        ("2026-03-05T22:00:00Z", "D", "2026-03-06T22:00:00Z"),
        ("2026-03-07T22:00:00Z", "D", "2026-03-08T21:00:00Z"),  # 23 hours
        ("2026-10-31T21:00:00Z", "D", "2026-11-01T22:00:00Z"),  # 25 hours
        ("2019-03-08T22:00:00Z", "W", "2019-03-15T21:00:00Z"),
        ("2026-01-05T10:55:00Z", "M5", "2026-01-05T11:00:00Z"),
        ("2026-01-05T10:59:55Z", "S5", "2026-01-05T11:00:00Z"),
        ("2026-01-05T22:00:00Z", "H3", "2026-01-06T01:00:00Z"),
    ],
)
def test_candles_close_on_new_yorks_grid(opened: str, timeframe: str, closed: str) -> None:
    assert close_time(opened, timeframe) == closed


def test_equal_lists_pass_and_each_difference_is_named() -> None:
    expected = expected_signals(candles("1.09900", "1.10100", "1.10000", "1.20000"), RULES)
    assert_same_signals(listed(expected), expected)
    for wrong, complaint in (
        (listed(expected)[:1], "missing: small 2026-01-05T03:00:00Z BUY"),
        (listed(expected)[::-1], "out of order: place 0"),
        ([*listed(expected), listed(expected)[0]], "id 00000000000000000000000000000000 twice"),
        ([text.replace("1.1005", "1.10051") for text in listed(expected)], "slow_ma was 1.10051"),
    ):
        with pytest.raises(AssertionError, match=complaint):
            assert_same_signals(wrong, expected)


def test_a_number_with_an_exponent_and_an_unknown_field_are_refused() -> None:
    (text, _) = listed(expected_signals(candles("1.09900", "1.10100", "1.10000", "1.20000"), RULES))
    with pytest.raises(AssertionError, match="full decimal"):
        parsed_signal(text.replace("0.0011", "1.1e-3"))
    with pytest.raises(AssertionError, match="surprise"):
        parsed_signal(text.replace("{", '{"surprise": 1, ', 1))

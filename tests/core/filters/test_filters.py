"""Every filter, and combinations of them: step engine, restarts, histories and replays agree with the oracle."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ninja_daemon.adapters.stored.state_form import decode_state, encode_state
from ninja_daemon.core.filters.kinds import FILTERS, KEYS, chosen
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.history import evaluate
from ninja_daemon.core.signals.stepper import advance_all
from ninja_daemon.core.signals.strategy import Cross, Rules, Strategy
from ninja_daemon.usecases.replay import Engine, replay
from tests.core.filters import oracle
from tests.core.filters.oracle import Settings
from tests.core.series import real_candles

EUR_USD = Instrument("EUR_USD", 5, -4)
SERIES = Path(__file__).resolve().parents[4] / "shared" / "data"
ALONE: list[dict[str, Any]] = [
    {"days": ("mon", "wed", "fri")},
]
OPTIONS: dict[str, list[Any]] = {
    "days": [(), ("tue",), ("sun", "mon", "tue", "thu")],
    "min_atr_value": ["0", "0.0022"],
    "fast_ma": [1, 3, 10],
    "slow_ma": [7, 20, 31],
    "atr_period": [1, 14],
    "timeframe": ["H4", "D"],
}


def rules_of(settings: Settings) -> Rules:
    raw = {name: getattr(settings, name) for name in KEYS if hasattr(settings, name)}
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in raw.items()}
    strategy = Strategy(
        "s",
        "EUR_USD",
        Granularity[settings.timeframe],
        settings.fast_ma,
        settings.slow_ma,
        atr_period=settings.atr_period,
        min_atr_value=Decimal(settings.min_atr_value),
        filters=chosen({name: KEYS[name].read(value) for name, value in given.items() if value}),
    )
    return Rules(strategy, EUR_USD)


def combinations(count: int, seed: int) -> Iterator[Settings]:
    drawn = random.Random(seed)
    for _ in range(count):
        yield Settings(**{name: drawn.choice(values) for name, values in OPTIONS.items()})


@cache
def candles_of(timeframe: str) -> Sequence[Candle]:
    return real_candles(SERIES / f"EUR_USD_{timeframe}.csv", 5)


def found(crosses: Sequence[Cross]) -> list[oracle.Judged]:
    return [
        (one.candle.time, one.side.value, None if one.rejected_by is None else one.rejected_by.name) for one in crosses
    ]


def cut_and_stored(rules: Rules, candles: Sequence[Candle], cuts: Sequence[int]) -> list[Cross]:
    """The step engine, its state written down and read back at each cut."""
    state, crosses = rules.empty_state(), list[Cross]()
    for start, stop in zip([0, *cuts], [*cuts, len(candles)], strict=True):
        state, some = advance_all(rules, state, candles[start:stop])
        crosses += some
        if state.last is not None:
            state, _ = decode_state(rules.strategy, encode_state(rules, state, None))
    return crosses


def assert_all_ways_agree(settings: Settings, candles: Sequence[Candle], seed: int) -> None:
    rules, columns = rules_of(settings), CandleColumns.of(candles)
    expected = oracle.judged(candles, settings)
    assert expected
    cuts = sorted(random.Random(seed).sample(range(len(candles)), 25))
    assert found(cut_and_stored(rules, candles, cuts)) == expected
    state, crosses = rules.empty_state(), list[Cross]()
    for start, stop in zip([0, *cuts], [*cuts, len(candles)], strict=True):
        result = evaluate(rules, columns.part(start, stop), state)
        state, crosses = result.state, [*crosses, *result.crosses]
    assert found(crosses) == expected
    counts = Counter(reason for _, _, reason in expected if reason is not None)
    parts = [columns.part(start, stop) for start, stop in zip([0, *cuts], [*cuts, len(candles)], strict=True)]
    for engine, history in ((Engine.STEP, parts), (Engine.BATCH, parts), (Engine.BATCH, [columns])):
        (report,) = replay([rules], history, engine=engine)
        assert {one.name: count for one, count in report.rejected.items()} == counts
        assert [(one.time, one.side.value, None) for one in report.signals] == [
            one for one in expected if one[2] is None
        ]


@pytest.mark.parametrize("changes", ALONE, ids=" ".join)
def test_a_filter_alone_does_what_the_contract_says(changes: dict[str, Any]) -> None:
    settings = replace(Settings(), fast_ma=3, slow_ma=12, **changes)
    assert_all_ways_agree(settings, candles_of("H4")[:3_000], seed=1)
    reasons = {reason for _, _, reason in oracle.judged(candles_of("H4")[:3_000], settings)}
    assert None in reasons
    assert reasons & changes.keys()


@pytest.mark.parametrize("settings", list(combinations(8, seed=17)), ids=str)
def test_filters_together_do_what_the_contract_says(settings: Settings) -> None:
    assert_all_ways_agree(settings, candles_of(settings.timeframe)[:1_500], seed=2)


def test_every_optional_filter_is_tried_alone() -> None:
    assert {one.name for one in FILTERS if one.key is not None} <= {name for changes in ALONE for name in changes}


# --- days ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opened", "timeframe", "day"),
    [
        ("2024-03-08T22:00:00", "D", "sat"),  # from Friday, 17:00, on
        ("2024-03-07T22:00:00", "D", "fri"),
        ("2024-03-10T21:00:00", "H1", "mon"),  # Sunday, 17:00, on the day on which the clocks went forward
        ("2024-03-08T18:00:00", "H4", "fri"),  # closes on Friday at 17:00
        ("2024-11-01T20:00:00", "H1", "fri"),
        ("2024-11-03T22:00:00", "M5", "mon"),
        ("2024-11-01T21:00:00", "W", "fri"),
    ],
)
def test_a_trading_day_has_the_name_of_the_day_on_which_it_ends(opened: str, timeframe: str, day: str) -> None:
    from ninja_daemon.core.filters.days import day_of  # noqa: PLC0415

    at = int(datetime.fromisoformat(opened).replace(tzinfo=UTC).timestamp())
    close = Granularity[timeframe].close_of(at)
    assert day_of(close) == day == oracle.trading_weekday(datetime.fromtimestamp(close, UTC))

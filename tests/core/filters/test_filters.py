"""Every filter, and combinations of them: step engine, restarts, histories and replays agree with the oracle."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from ninja_daemon.adapters.stored.state.state_form import decode_state, encode_state
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.averages.trend import NO_TREND
from ninja_daemon.core.filters.days import DAYS, day_of
from ninja_daemon.core.filters.kinds import FILTERS, KEYS, chosen
from ninja_daemon.core.market.candle import AtrType, Candle
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.market.news import IMPACTS, Calendar, Known, NewsEvent
from ninja_daemon.core.market.source import Source
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.history import evaluate
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.state import Cross
from ninja_daemon.core.signals.stepper import advance_all
from ninja_daemon.core.signals.strategy import Strategy, settings_of
from ninja_daemon.usecases.replay import Engine, replay
from ninja_daemon.usecases.standing import LastSignal
from tests.core.filters import oracle
from tests.core.filters.oracle import News, Settings
from tests.core.series import moment_of, real_candles

INSTRUMENTS = {"EUR_USD": Instrument("EUR_USD", 5, -4), "GBP_JPY": Instrument("GBP_JPY", 3, -2)}
SERIES = Path(__file__).resolve().parents[4] / "shared" / "data"
ALONE: list[dict[str, Any]] = [
    {"sessions": ("london", "new_york")},
    {"sessions": ("22:00-06:30 Asia/Tokyo",)},
    {"days": ("mon", "wed", "fri")},
    {"trend": ("D", "sma", 30)},
    {"trend": ("W", "ema", 9)},
    {"max_spread_pips": "2.3"},
    {"min_candles_between": 9},
    {"min_gap_pips": "3.5"},
    {"min_slope_pips": "6"},
    {"quiet_around": (("high",), 15, 600, ())},
    {"quiet_around": (("high", "low"), 240, 0, ("GBP",))},
]
OTHERS: list[dict[str, Any]] = [
    *({"source": source} for source in ("hl2", "hlc3", "ohlc4")),
    {"atr_type": "wilder", "min_atr_value": "0.0038"},
    {"fast_type": "ema", "slow_type": "wma"},
]
OPTIONS: dict[str, list[Any]] = {
    "sessions": [(), ("sydney", "tokyo"), ("17:00-03:00 America/New_York", "12:00-15:01 Europe/London")],
    "min_gap_pips": ["0", "1.25", "4"],
    "min_slope_pips": ["0", "5"],
    "min_candles_between": [0, 4, 17],
    "source": ["close", "hl2", "hlc3", "ohlc4"],
    "atr_type": ["sma", "wilder"],
    "fast_type": ["sma", "wma", "ema", "smma"],
    "slow_type": ["sma", "wma", "ema", "smma"],
    "days": [(), ("tue",), ("sun", "mon", "tue", "thu")],
    "trend": [None, ("D", "wma", 50), ("W", "sma", 10)],
    "max_spread_pips": ["0", "3.15"],
    "quiet_around": [None, (("high", "medium"), 120, 240, ()), (("low",), 0, 720, ("AUD", "JPY"))],
    "min_atr_value": ["0", "0.0022"],
    "fast_ma": [2, 3, 10],
    "slow_ma": [7, 20, 31],
    "atr_period": [1, 14],
    "timeframe": ["H4", "D"],
}


def rules_of(settings: Settings) -> Rules:
    raw = {name: getattr(settings, name) for name in KEYS if hasattr(settings, name)}
    given: dict[str, Any] = {name: list(value) if isinstance(value, tuple) else value for name, value in raw.items()}
    if settings.trend is not None:
        given["trend"] = dict(zip(("timeframe", "ma_type", "period"), settings.trend, strict=True))
    if settings.quiet_around is not None:
        impacts, before, after, currencies = settings.quiet_around
        spans = {"before": f"{before} min", "after": f"{after} min"}
        given["quiet_around"] = {"impact": list(impacts), **spans, "currencies": list(currencies) or "pair"}
    strategy = Strategy(
        "s",
        settings.instrument,
        Granularity[settings.timeframe],
        settings.fast_ma,
        settings.slow_ma,
        atr_period=settings.atr_period,
        min_atr_value=Decimal(settings.min_atr_value),
        ma_type=MovingAverageKind[settings.slow_type.upper()],
        fast_type=MovingAverageKind[settings.fast_type.upper()],
        source=Source[settings.source.upper()],
        atr_type=AtrType(settings.atr_type),
        filters=chosen({name: KEYS[name].read(value) for name, value in given.items() if value}),
    )
    rules, digits = Rules(strategy, INSTRUMENTS[settings.instrument]), settings.decimals
    trend = strategy.trend
    larger = NO_TREND if trend is None else trend.over(larger_of(settings), digits, digits)
    spreads = spreads_of(settings.timeframe, settings.instrument) if strategy.needs_spread else {}
    return rules.seeing(larger, spreads, calendar_of())


@cache
def spreads_of(timeframe: str, instrument: str) -> Mapping[int, int]:
    """Spreads from nothing to 4.6 pips; some are not known."""
    drawn = random.Random(5)
    spreads = {candle.time: drawn.choice((None, *range(47))) for candle in candles_of(timeframe, instrument)}
    return {opened: spread for opened, spread in spreads.items() if spread is not None}


@cache
def news() -> News:
    """Events all over the years, some just as near to a close as counts, some put off or called off in time or late."""
    drawn, found = random.Random(6), []
    candles = candles_of("H4", "EUR_USD")
    for candle in drawn.sample(candles, 3_000):
        time = candle.time + 60 * drawn.choice((0, 15, 240, -600, -240, drawn.randrange(-500, 500)))
        since = time - drawn.choice((90_000, 3_600, 0, -1_800))
        until = drawn.choice((None, None, time - 7_200, time, time + 600))
        currency, impact = drawn.choice(("USD", "EUR", "GBP", "JPY", "AUD", "ALL")), drawn.choice(IMPACTS)
        found.append((time, currency, impact, since, until if until is None or until > since else None))
    return candles[len(candles) // 4].time, sorted(found, key=lambda one: one[0])


@cache
def calendar_of() -> Calendar:
    begun, events = news()
    known = [
        Known(NewsEvent(time, currency, impact, "Figures"), since, until)
        for time, currency, impact, since, until in events
    ]
    return Calendar(begun, known)


def expected_of(candles: Sequence[Candle], settings: Settings) -> list[oracle.Judged]:
    spreads = spreads_of(settings.timeframe, settings.instrument)
    return oracle.judged(candles, settings, larger_of(settings), spreads, news())


def larger_of(settings: Settings) -> Sequence[Candle]:
    """The trend's candles: days as they were recorded, weeks of these."""
    if settings.trend is None or settings.trend[0] == "D":
        return candles_of("D", settings.instrument)
    all_days = candles_of("D", settings.instrument)
    weeks = [list(days) for _, days in groupby(all_days, key=lambda day: Granularity.W.open_at(day.time))]
    return [
        Candle(
            Granularity.W.open_at(days[0].time),
            days[0].open,
            max(day.high for day in days),
            min(day.low for day in days),
            days[-1].close,
        )
        for days in weeks
    ]


def combinations(count: int, seed: int, **same: Any) -> Iterator[Settings]:
    drawn = random.Random(seed)
    for _ in range(count):
        yield Settings(**same, **{name: drawn.choice(values) for name, values in OPTIONS.items()})


@cache
def candles_of(timeframe: str, instrument: str = "EUR_USD") -> Sequence[Candle]:
    return real_candles(SERIES / f"{instrument}_{timeframe}.csv", INSTRUMENTS[instrument].decimals)


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


def cut_and_rebuilt(rules: Rules, candles: Sequence[Candle], cuts: Sequence[int]) -> list[Cross]:
    """The step engine, its state lost at each cut and built anew of the candles before it, as the daemon does."""
    state, crosses = rules.empty_state(), list[Cross]()
    for start, stop in zip([0, *cuts], [*cuts, len(candles)], strict=True):
        known = candles[max(0, start - rules.strategy.warm_up - 2) : start]
        state, _ = advance_all(rules, rules.empty_state(), known)
        if state.side is None:  # behind ties, or in the warm-up of the history itself
            known = candles[:start]
            state, _ = advance_all(rules, rules.empty_state(), known)
        if rules.is_spaced:
            signals = [cross.candle.time for cross in crosses if cross.rejected_by is None]
            state = LastSignal(signals[-1] if signals else None).placed(state, known)
        _, some = advance_all(rules, state, candles[start:stop])
        crosses += some
    return crosses


def assert_all_ways_agree(settings: Settings, candles: Sequence[Candle], seed: int) -> int:
    """Hold six ways over the same candles to the oracle; return how many crosses there are."""
    rules, columns = rules_of(settings), CandleColumns.of(candles)
    expected = expected_of(candles, settings)
    assert expected
    figures = oracle.figures(candles, settings, [time for time, _, reason in expected if reason is None])
    cuts = sorted(random.Random(seed).sample(range(len(candles)), 25))
    assert found(cut_and_stored(rules, candles, cuts)) == expected
    assert found(cut_and_rebuilt(rules, candles, cuts)) == expected
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
        signals = [one for one in expected if one[2] is None]
        assert [(one.time, one.side.value, None) for one in report.signals] == signals
        assert [tuple(map(Fraction, (one.fast_ma, one.slow_ma, one.atr))) for one in report.signals] == figures
    return len(expected)


@pytest.mark.parametrize("changes", ALONE, ids=" ".join)
def test_a_filter_alone_does_what_the_contract_says(changes: dict[str, Any]) -> None:
    settings = replace(Settings(), fast_ma=3, slow_ma=12, **changes)
    assert_all_ways_agree(settings, candles_of("H4")[:2_000], seed=1)
    reasons = {reason for _, _, reason in expected_of(candles_of("H4")[:2_000], settings)}
    assert None in reasons
    assert reasons & changes.keys()


@pytest.mark.parametrize("changes", OTHERS, ids=str)
def test_a_source_a_range_and_two_kinds_do_what_the_contract_says(changes: dict[str, Any]) -> None:
    settings = replace(Settings(), fast_ma=3, slow_ma=12, **changes)
    candles = candles_of("H4")[:1_500]
    assert_all_ways_agree(settings, candles, seed=3)
    assert oracle.judged(candles, settings) != oracle.judged(candles, Settings(fast_ma=3, slow_ma=12))


@pytest.mark.parametrize("settings", list(combinations(5, seed=17)), ids=str)
def test_filters_together_do_what_the_contract_says(settings: Settings) -> None:
    assert_all_ways_agree(settings, candles_of(settings.timeframe)[:1_200], seed=2)


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
    at = int(datetime.fromisoformat(opened).replace(tzinfo=UTC).timestamp())
    close = Granularity[timeframe].close_of(at)
    assert day_of(close) == day == oracle.trading_weekday(datetime.fromtimestamp(close, UTC))


# --- sessions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("session", "closed", "is_in"),
    [
        ("london", "2024-03-29T08:00:00", True),  # winter: London is UTC
        ("london", "2024-03-29T17:00:00", False),
        ("london", "2024-04-02T07:00:00", True),  # summer
        ("london", "2024-04-02T16:00:00", False),
        ("new_york", "2024-03-15T12:00:00", True),  # New York has changed its clocks, London has not
        ("new_york", "2024-03-08T12:59:55", False),
        ("sydney", "2024-04-05T20:00:00", True),  # the southern summer ends on the seventh
        ("sydney", "2024-04-08T20:59:00", False),
        ("22:00-02:00 Europe/London", "2024-10-27T00:30:00", True),  # 01:30 for the first time
        ("22:00-02:00 Europe/London", "2024-10-27T01:30:00", True),  # and for the second
        ("22:00-02:00 Europe/London", "2024-10-27T02:00:00", False),
        ("17:00-00:00 UTC", "2024-10-27T23:59:55", True),
        ("17:00-00:00 UTC", "2024-10-28T00:00:00", False),
    ],
)
def test_a_session_is_that_of_its_own_clocks(session: str, closed: str, is_in: bool) -> None:
    at = datetime.fromisoformat(closed).replace(tzinfo=UTC)
    assert oracle.is_within(at, oracle.NAMED.get(session, session)) is is_in
    opened = int(at.timestamp()) - 5
    one, judge = rules_of(replace(Settings(), timeframe="S5", sessions=(session,))).judges[-1]
    assert one.name == "sessions"
    assert judge.passes is not None
    moment = moment_of(Side.BUY, Candle(opened, 1, 1, 1, 1), (1, 1), (1, 1), 1)
    assert judge.passes(moment) is is_in


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("sessions", "london", "^$"),
        ("sessions", ["paris"], "'paris' is neither a name nor a range"),
        ("sessions", ["8:00-17:00 Europe/London"], "neither a name nor a range"),
        ("sessions", ["08:00-24:00 Europe/London"], "neither a name nor a range"),
        ("sessions", ["08:00-08:00 Europe/London"], "has no length"),
        ("sessions", ["08:00-17:00 Europe/Lundon"], "there is no time zone 'Europe/Lundon'"),
        ("sessions", ["08:00-17:00 Europe"], "there is no time zone 'Europe'"),
        ("sessions", ["08:00-17:00 ../../etc"], "neither a name nor a range"),
        ("days", ["Monday"], "^$"),
        ("days", "mon", "^$"),
        ("min_gap_pips", -1, "^$"),
        ("min_gap_pips", "many", "^$"),
        ("min_gap_pips", True, "^$"),
        ("min_slope_pips", "NaN", "^$"),
        ("min_slope_pips", "1" * 16, "^$"),
        ("quiet_around", "high", "^$"),
        ("quiet_around", {"impact": ["huge"], "before": "1 h", "after": "1 h"}, "impact must be a list of high medium"),
        ("quiet_around", {"impact": ["high"], "before": "1 h"}, "after must be a length of time up to a day"),
        ("quiet_around", {"impact": ["high"], "before": "2 days", "after": "1 h"}, "before must be a length of time"),
        (
            "quiet_around",
            {"impact": ["low"], "before": "1 h", "after": "1 h", "currencies": ["usd"]},
            "currencies must",
        ),
        (
            "quiet_around",
            {"impacts": ["high"]},
            "impacts is not a key.* allowed are impact, before, after",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_cure(name: str, value: object, cure: str) -> None:
    with pytest.raises(ValueError, match=cure):
        KEYS[name].read(value)


@pytest.mark.parametrize(
    ("name", "value", "normal"),
    [
        ("sessions", ["new_york", "london", "london"], ["london", "new_york"]),
        ("days", ["fri", "mon"], ["mon", "fri"]),
        ("min_gap_pips", Decimal("1.50"), "1.5"),
        ("min_slope_pips", "2.0", "2"),
        (
            "quiet_around",
            {"impact": ["low", "high"], "before": "0.25 h", "after": "30 min", "currencies": ["USD", "EUR", "USD"]},
            {"impact": ["high", "low"], "before": "900 s", "after": "1800 s", "currencies": ["EUR", "USD"]},
        ),
    ],
)
def test_a_value_counts_in_normal_form_and_is_read_back_from_it(name: str, value: object, normal: object) -> None:
    key = KEYS[name]
    assert key.written(key.read(value)) == normal
    assert key.read(normal) == key.read(value)
    strategy = Strategy("s", "EUR_USD", Granularity.H4, 1, 2, filters=chosen({name: key.read(value)}))
    assert settings_of(strategy)[name] == normal
    assert strategy.settings_hash != replace(strategy, filters=()).settings_hash


@pytest.mark.parametrize(
    ("name", "value"),
    [("sessions", []), ("days", []), ("days", list(DAYS)), ("min_gap_pips", 0), ("min_gap_pips", "0")],
)
def test_a_value_that_lets_everything_pass_is_as_if_it_were_not_set(name: str, value: object) -> None:
    assert chosen({name: KEYS[name].read(value)}) == ()

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.adapters.candle_files.opening import open_candles
from ninja_daemon.core.errors import BrokerUnavailable, CandleRejected, HistoryGap
from ninja_daemon.core.filters.always import min_atr_value
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import Signal, signal_of
from ninja_daemon.core.signals.strategy import MAX_LOOK_BACK, Strategy
from ninja_daemon.usecases.candle_ports import Fetched, WantedHistory
from ninja_daemon.usecases.history.broker_history import RECENT, read_history
from ninja_daemon.usecases.replay import Engine, Replayed, Span, replay
from tests.core.series import EUR_USD, real_candles, rules_of, stepped, walked
from tests.fakes.broker import FakeBroker

BOTH_ENGINES = pytest.mark.parametrize("engine", list(Engine))
RULES = rules_of(fast_ma=3, slow_ma=9, atr_period=5, min_atr_value=Decimal("0.0004"))
CANDLES = walked(600, seed=21)
ALL = Span()


def parts_of(candles: Sequence[Candle], *cuts: int) -> list[CandleColumns]:
    return [CandleColumns.of(candles[start:end]) for start, end in pairwise((0, *cuts, len(candles)))]


def replayed(
    candles: Sequence[Candle], span: Span = ALL, engine: Engine = Engine.BATCH, *cuts: int, rules: Rules = RULES
) -> Replayed:
    (report,) = replay([rules], parts_of(candles, *cuts), span, engine)
    return report


def expected_signals(candles: Sequence[Candle], rules: Rules = RULES) -> list[Signal]:
    _, crosses = stepped(rules, candles)
    return [
        signal_of(rules, cross, rules.strategy.granularity.close_of(cross.candle.time))
        for cross in crosses
        if cross.rejected_by is None
    ]


# --- what is found ---------------------------------------------------------------------------------------------------


@BOTH_ENGINES
def test_a_replay_finds_the_daemons_own_signals_and_counts_the_rest(engine: Engine) -> None:
    report = replayed(CANDLES, Span(), engine)
    _, crosses = stepped(RULES, CANDLES)
    assert report.signals == expected_signals(CANDLES)
    assert report.crosses == len(crosses) == len(report.signals) + sum(report.rejected.values())
    assert report.rejected[min_atr_value.FILTER] > 0
    assert (report.candles, report.warm_up) == (600, 0)
    assert (report.first, report.last) == (CANDLES[0].time, CANDLES[-1].time)
    assert report.signals


@BOTH_ENGINES
def test_a_signal_counts_as_found_when_its_candle_closed(engine: Engine) -> None:
    for signal in replayed(CANDLES, Span(), engine).signals:
        assert signal.created_at == signal.close_time
        assert not signal.late


@BOTH_ENGINES
def test_the_first_candle_of_the_data_is_the_first_candle_of_all(engine: Engine) -> None:
    rules = rules_of(fast_ma=1, slow_ma=2, atr_period=2)
    closes = [10, 12, 9, 13]  # the side is set by the second candle, the first true range is its own
    candles = [Candle(index * 60, close, close, close, close) for index, close in enumerate(closes)]
    report = replayed(candles, Span(), engine, rules=rules)
    assert report.crosses == 2
    assert report.rejected == {}
    assert [signal.time for signal in report.signals] == [120, 180]
    assert report.signals[0].atr == Decimal("0.000025")  # (2 + 3) / 2 units


@given(st.lists(st.integers(0, 600), max_size=6), st.sampled_from(Engine))
def test_however_the_history_is_cut_into_parts_the_signals_are_the_same(cuts: list[int], engine: Engine) -> None:
    report = replayed(CANDLES, Span(), engine, *sorted(cuts))
    assert report == replayed(CANDLES)


@given(st.integers(-10, 610), st.integers(-10, 610), st.lists(st.integers(0, 600), max_size=3), st.sampled_from(Engine))
def test_a_span_reports_what_lies_in_it_and_takes_in_what_lies_before(
    since: int, until: int, cuts: list[int], engine: Engine
) -> None:
    start = CANDLES[0].time
    span = Span(start + since * 60, start + until * 60)
    report = replayed(CANDLES, span, engine, *sorted(cuts))
    inside = [candle for candle in CANDLES if start + since * 60 <= candle.time <= start + until * 60]
    assert report.signals == [
        signal for signal in expected_signals(CANDLES) if inside and inside[0].time <= signal.time <= inside[-1].time
    ]
    assert report.candles == len(inside)
    assert (report.first, report.last) == ((inside[0].time, inside[-1].time) if inside else (None, None))
    if inside:
        assert report.warm_up == CANDLES.index(inside[0])


def test_several_strategies_go_through_one_history_side_by_side() -> None:
    other = rules_of(name="other", fast_ma=2, slow_ma=20, atr_period=3)
    reports = replay([RULES, other], iter(parts_of(CANDLES, 100, 350)))
    assert [report.signals for report in reports] == [expected_signals(CANDLES), expected_signals(CANDLES, other)]


def test_a_history_is_not_read_beyond_the_end_of_the_span() -> None:
    parts = iter(parts_of(CANDLES, 100, 200, 300))
    replay([RULES], parts, Span(until=CANDLES[150].time))
    assert [len(part) for part in parts] == [100, 300]


def test_no_candles_are_no_signals() -> None:
    assert replayed([]) == Replayed(RULES)


@pytest.mark.parametrize(
    ("file", "granularity", "decimals"), [("EUR_USD_H4", Granularity.H4, 5), ("GBP_JPY_D", Granularity.D, 3)]
)
def test_a_real_file_gives_the_signals_of_the_daemons_steps(
    candles_dir: Path, file: str, granularity: Granularity, decimals: int
) -> None:
    instrument = Instrument.from_decimals(file[:7], decimals)
    rules = rules_of(instrument, name=file, granularity=granularity, fast_ma=10, slow_ma=70, atr_period=14)
    with open_candles([candles_dir / f"{file}.csv"]) as opened:
        candles = list(opened.columns(granularity))
    (report,) = replay([rules], candles)
    assert report.signals == expected_signals(real_candles(candles_dir / f"{file}.csv", decimals), rules)
    assert len(report.signals) > 20


# --- the broker's history --------------------------------------------------------------------------------------------

STRATEGY = Strategy("EUR_USD_M1", "EUR_USD", Granularity.M1, 3, 9, atr_period=5)
SERIES = STRATEGY.series


def broker_with(candles: Sequence[Candle]) -> FakeBroker:
    return FakeBroker({"EUR_USD": EUR_USD}, {SERIES: candles})


def read_times(broker: FakeBroker, span: Span, warm_up: int = 9) -> tuple[list[int], Span]:
    history = read_history(broker, SERIES, span, warm_up)
    return [candle.time for part in history.parts for candle in part], history.span


def test_without_a_beginning_the_newest_candles_are_replayed_behind_what_they_need() -> None:
    candles = walked(30_000, seed=1)
    times, span = read_times(broker_with(candles), Span())
    assert times == [candle.time for candle in candles[-len(times) :]]
    assert len(times) >= RECENT + MAX_LOOK_BACK + 9
    assert span == Span(candles[-RECENT].time, None)


def test_with_a_beginning_it_is_read_as_far_back_as_averages_and_ties_may_need() -> None:
    candles = walked(30_000, seed=2)
    wanted = Span(candles[15_000].time, candles[20_000].time)
    times, span = read_times(broker_with(candles), wanted)
    assert span == wanted
    assert times[-1] == candles[20_000].time
    assert times[0] <= candles[15_000 - MAX_LOOK_BACK - 9].time
    assert times == [candle.time for candle in candles[20_001 - len(times) : 20_001]]


@pytest.mark.parametrize("count", [1, 9, 4_999, 5_000, 5_001, 10_000])
def test_a_short_history_is_read_from_its_very_beginning(count: int) -> None:
    candles = walked(count, seed=3)
    times, span = read_times(broker_with(candles), Span())
    assert times == [candle.time for candle in candles]
    assert span.since == (candles[-RECENT].time if count > RECENT else None)


def test_pages_that_overlap_or_repeat_do_not_repeat_candles_and_come_to_an_end() -> None:
    candles = walked(12_000, seed=4)

    class Repeating(FakeBroker):
        def _history(self, request: WantedHistory) -> Fetched:
            until = request.until or candles[-1].time
            index = next((index for index, candle in enumerate(candles) if candle.time == until), 0)
            # Forty candles more than asked for, and the first page again and again.
            end = min(max(index + 40, 5_000), len(candles))
            return Fetched(EUR_USD, candles[max(0, end - 5_000) : end])

    times, _ = read_times(Repeating({"EUR_USD": EUR_USD}, {SERIES: candles}), Span(candles[0].time))
    assert times == [candle.time for candle in candles]


def test_pages_with_fewer_decimals_are_brought_to_the_most() -> None:
    old, new = walked(5_000, seed=5), walked(5_000, seed=6, start=walked(5_000, seed=5)[-1].time + 60)

    class Finer(FakeBroker):
        def _history(self, request: WantedHistory) -> Fetched:
            if request.until is None:
                return Fetched(EUR_USD, new)
            return Fetched(Instrument("EUR_USD", 4, -4), [candle for candle in old if candle.time <= request.until])

    history = read_history(Finer({}, {}), SERIES, Span(old[0].time), 9)
    assert history.instrument == EUR_USD
    closes = [candle.close for part in history.parts for candle in part]
    assert closes == [candle.close * 10 for candle in old] + [candle.close for candle in new]


def test_what_the_broker_cannot_answer_ends_the_replay() -> None:
    failing = broker_with(walked(10, seed=7))
    failing.failing[SERIES] = BrokerUnavailable("503")
    with pytest.raises(BrokerUnavailable, match="503"):
        read_history(failing, SERIES, Span(), 9)


def test_a_refused_candle_ends_the_replay() -> None:
    class Refusing(FakeBroker):
        def _history(self, request: WantedHistory) -> Fetched:
            return Fetched(EUR_USD, self.candles[request.series], rejected=CandleRejected("off the grid"))

    with pytest.raises(CandleRejected, match="off the grid"):
        read_history(Refusing({}, {SERIES: walked(10, seed=8)}), SERIES, Span(), 9)


def test_a_broker_without_a_candle_is_an_error_that_names_the_series() -> None:
    with pytest.raises(HistoryGap, match="no complete candle of EUR_USD M1"):
        read_history(broker_with([]), SERIES, Span(), 9)


def test_the_brokers_history_gives_the_signals_of_the_whole_history() -> None:
    candles = walked(20_000, seed=9)
    rules = Rules(STRATEGY, EUR_USD)
    history = read_history(broker_with(candles), SERIES, Span(candles[17_000].time), STRATEGY.warm_up)
    (report,) = replay([rules], history.parts, history.span)
    assert report.signals == [
        signal for signal in expected_signals(candles, rules) if signal.time >= candles[17_000].time
    ]
    assert report.signals

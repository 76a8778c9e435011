"""The picture of a replay, and the outline of its candles."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from itertools import combinations, pairwise, product

import pytest
from hypothesis import given, settings, strategies as st

from ninja_daemon.core.errors import PictureRefused
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.outcomes.history import outcomes_over
from ninja_daemon.core.outcomes.statistics import statistics_of
from ninja_daemon.core.pictures.outline import MOST, Outline
from ninja_daemon.core.pictures.results.history_picture import HistoryView, drawn, history_picture
from ninja_daemon.core.pictures.theme import LIGHT
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import signal_of
from tests.core.series import EUR_USD, rules_of, stepped, walked

CANDLES = walked(3_000, seed=5, step=3_600)


def view(count: int = 3_000, *, with_outcomes: bool = False) -> HistoryView:
    rules = rules_of(fast_ma=5, slow_ma=21)
    _, crosses = stepped(rules, CANDLES[:count])
    outline = Outline()
    outline.take(CandleColumns.of(CANDLES[:count]))
    signals = [signal_of(rules, cross, 0) for cross in crosses if cross.rejected_by is None]
    candles = CandleColumns.of(CANDLES[:count])
    followed = outcomes_over(rules.strategy, rules.instrument, candles, signals) if with_outcomes else None
    outcomes = () if followed is None else followed.outcomes
    return HistoryView("EUR/USD M1", "QUICK", EUR_USD.decimals, outline.blocks, signals, outcomes)


def test_every_signal_is_a_triangle_and_counted_by_side() -> None:
    shown = view()
    svg = history_picture(shown, LIGHT, UTC)
    buys = sum(signal.side is Side.BUY for signal in shown.signals)
    texts = [label.text for label in drawn(shown, LIGHT, UTC).labels]
    assert f"▲ {buys} BUY" in texts
    assert f"▼ {len(shown.signals) - buys} SELL" in texts
    assert svg.count("h-130z") == len(shown.signals) > 100


def test_labels_of_a_replay_do_not_overlap() -> None:
    for count, with_outcomes in product((2, 40, 700, 3_000), (False, True)):
        labels = drawn(view(count, with_outcomes=with_outcomes), LIGHT, UTC).labels
        assert not [pair for pair in combinations(labels, 2) if pair[0].box.meets(pair[1].box)]


def test_a_long_sum_of_r_is_written_smaller_beside_many_signals() -> None:
    shown = view(with_outcomes=True)
    many = replace(shown, signals=[*shown.signals] * 30, outcomes=[*shown.outcomes] * 9)
    labels = drawn(many, LIGHT, UTC).labels
    assert not [pair for pair in combinations(labels, 2) if pair[0].box.meets(pair[1].box)]


def test_the_curve_has_a_step_for_every_outcome_and_names_their_sum() -> None:
    shown = view(with_outcomes=True)
    canvas = drawn(shown, LIGHT, UTC)
    total = sum(outcome.r for outcome in shown.outcomes)
    assert len(shown.outcomes) > 50
    deepest = statistics_of(shown.outcomes, 0, []).drawdown_r
    words = f"{total:+.2f} R of {len(shown.outcomes)} closed, drawdown {deepest:.2f}"
    assert words in [label.text for label in canvas.labels]
    (curve,) = [shape for shape in canvas.svg().splitlines() if 'stroke-width="30"' in shape]
    assert curve.count("V") == len(shown.outcomes)


def test_fewer_than_two_candles_are_no_picture() -> None:
    with pytest.raises(PictureRefused, match="at least two candles, there were 1"):
        history_picture(view(1), LIGHT, UTC)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 9_000), min_size=1, max_size=6), st.integers(0, 99))
def test_an_outline_forgets_no_price_however_the_candles_come(cuts: list[int], seed: int) -> None:
    candles = CandleColumns.of(walked(sum(cuts), seed))
    outline, start = Outline(), 0
    for cut in cuts:
        outline.take(candles.part(start, start + cut))
        start += cut
    blocks = outline.blocks
    assert len(blocks) < MOST
    assert (blocks[0].first, blocks[-1].last) == (candles.time[0], candles.time[-1])
    assert min(block.low for block in blocks) == candles.low.min()
    assert max(block.high for block in blocks) == candles.high.max()
    assert all(earlier.last < later.first for earlier, later in pairwise(blocks))

"""The picture of a strategy: every cross in view, its sessions shaded, nothing over another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from ninja_daemon.core.errors import PictureRefused
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.pictures.signal_picture import drawn as drawn_signal
from ninja_daemon.core.pictures.strategy_picture import Marked, StrategyView, drawn, strategy_picture
from ninja_daemon.core.pictures.theme import DARK, PAGE
from ninja_daemon.core.signals.crossover import Side
from tests.core.pictures.test_signal_picture import overlapping
from tests.core.pictures.views import view_of


def strategy_view(seed: int = 7, granularity: Granularity = Granularity.M1, name: str = "QUICK") -> StrategyView:
    view = view_of(seed, granularity=granularity)
    crosses = [Marked(20, Side.BUY, is_listed=True), Marked(50, Side.SELL, is_listed=False)]
    closed = view.candles[-1].time + granularity.seconds
    return StrategyView("EUR/USD M1", name, 5, view.candles, closed, view.fast, view.slow, crosses)


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 10_000),
    granularity=st.sampled_from([Granularity.S5, Granularity.M15, Granularity.H1]),
    name=st.sampled_from(["QUICK", "A_STRATEGY_WITH_A_VERY_LONG_NAME_THAT_FITS_NOWHERE_AT_ALL"]),
)
def test_no_label_overlaps_another_or_leaves_the_sheet(seed: int, granularity: Granularity, name: str) -> None:
    view = replace(strategy_view(seed, granularity, name), shaded=[True] * 120)
    canvas = drawn(view, DARK, ZoneInfo("Asia/Kathmandu"))
    assert not overlapping(canvas)
    assert all(0 <= label.box.left < label.box.right <= canvas.width for label in canvas.labels)


def test_every_cross_has_its_triangle_and_those_without_a_signal_are_hollow() -> None:
    svg = strategy_picture(strategy_view(), DARK, UTC)
    assert svg.count(f'l120 210h-240z" fill="{DARK.up}"') == 1
    assert svg.count(f'l120 -210h-240z" fill="{DARK.paper}" stroke="{DARK.down}"') == 1
    assert "2 crosses" in svg


def test_sessions_are_shaded_where_they_are_asked_for() -> None:
    view = view_of()
    plain = drawn_signal(view, DARK, UTC)
    assert "shaded" not in plain.svg()
    shaded = drawn_signal(replace(view, shaded=[index % 40 < 10 for index in range(120)]), DARK, UTC)
    assert shaded.svg().count(f'fill="{DARK.grid}" fill-opacity="0.5"') == 3
    assert [label.text for label in shaded.labels if "shaded: sessions" in label.text]


def test_a_page_gives_its_own_colours_and_no_background() -> None:
    svg = strategy_picture(strategy_view(), PAGE, UTC)
    assert "#" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert 'fill="var(--sell)"' in svg


def test_one_candle_is_no_picture() -> None:
    view = strategy_view()
    with pytest.raises(PictureRefused, match="at least two candles, there were 1"):
        strategy_picture(replace(view, candles=view.candles[:1]), DARK, UTC)

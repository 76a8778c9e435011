"""The picture of a report, and the heat map of a sweep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from itertools import combinations

import pytest

from ninja_daemon.core.errors import PictureRefused
from ninja_daemon.core.outcomes.statistics import statistics_of
from ninja_daemon.core.pictures.canvas import Canvas
from ninja_daemon.core.pictures.results.curve_picture import CurveView, curve_picture, drawn as drawn_curve
from ninja_daemon.core.pictures.results.sweep_map import SweepView, drawn as drawn_map
from ninja_daemon.core.pictures.theme import DARK, LIGHT
from tests.core.pictures.test_history_picture import view

OUTCOMES = view(with_outcomes=True).outcomes


def texts(canvas: Canvas) -> list[str]:
    return [label.text for label in canvas.labels]


def assert_readable(canvas: Canvas) -> None:
    for label in canvas.labels:
        box = label.box
        assert min(box) >= 0, label
        assert (box.right <= canvas.width, box.bottom <= canvas.height) == (True, True), label
    assert not [pair for pair in combinations(canvas.labels, 2) if pair[0].box.meets(pair[1].box)]


@pytest.mark.parametrize("count", [1, 2, 30, len(OUTCOMES)])
def test_a_curve_says_sum_drawdown_and_verdict_and_labels_stand_apart(count: int) -> None:
    some = OUTCOMES[:count]
    canvas = drawn_curve(CurveView("A" * 90, some, "no proven edge: " + "w" * 200), LIGHT, UTC)
    assert_readable(canvas)
    deepest = statistics_of(some, 0, []).drawdown_r
    assert f"{sum(one.r for one in some):+.2f} R of {count} closed, drawdown {deepest:.2f}" in texts(canvas)
    assert any("no proven edge" in text for text in texts(canvas))
    line = next(shape for shape in canvas.svg().splitlines() if 'stroke-width="30"' in shape)
    assert line.count("V") == count


def test_falls_of_a_curve_are_shaded_from_peak_to_sum() -> None:
    losses = [one._replace(r=Decimal(-1)) for one in OUTCOMES[:3]]
    svg = curve_picture(CurveView("a", losses, ""), DARK, UTC)
    (shaded,) = [shape for shape in svg.splitlines() if "fill-opacity" in shape]
    heights = set(re.findall(r"V(\d+)", shaded))
    assert len(heights) == 4, "the peak stays, and the sum falls three times"


def test_a_report_without_an_end_is_no_picture() -> None:
    with pytest.raises(PictureRefused, match="at least one closed signal"):
        curve_picture(CurveView("a", (), ""), LIGHT, UTC)


def a_map(fasts: Sequence[int], slows: Sequence[int]) -> SweepView:
    sums = {(fast, slow): Decimal(fast - slow // 7) for fast in fasts for slow in slows if fast < slow}
    return SweepView("EUR/USD H4", "S" * 80, fasts, slows, sums, ("w" * 200, "luck " * 60))


@pytest.mark.parametrize(
    ("fasts", "slows"),
    [(range(1, 65), range(1_000, 1_640, 10)), (range(10, 101, 10), range(50, 301, 25)), ([40], [140]), ([3], [4, 5])],
)
def test_a_map_has_a_field_a_pair_and_its_labels_stand_apart(fasts: Sequence[int], slows: Sequence[int]) -> None:
    shown = a_map(fasts, slows)
    canvas = drawn_map(shown, DARK)
    assert_readable(canvas)
    assert canvas.svg().count("<rect ") == len(shown.sums) + 1
    assert {str(fasts[0]), str(slows[0])} <= set(texts(canvas))


def test_a_field_is_named_where_there_is_room_and_coloured_by_its_sign() -> None:
    shown = replace(a_map([5], [140, 150]), sums={(5, 140): Decimal("3.25"), (5, 150): Decimal("-6.5")})
    canvas = drawn_map(shown, LIGHT)
    assert {"+3.2", "-6.5"} <= set(texts(canvas))
    fields = [shape for shape in canvas.svg().splitlines() if "fill-opacity" in shape]
    assert [(LIGHT.up in shape, LIGHT.down in shape) for shape in fields] == [(True, False), (False, True)]
    assert 'fill-opacity="0.7"' in fields[1]


def test_a_sweep_without_a_sum_is_drawn_pale() -> None:
    shown = replace(a_map([5], [140]), sums={(5, 140): Decimal(0)})
    assert "+0.0" in texts(drawn_map(shown, LIGHT))

"""Axes: round prices, labels of time, and tags that make room for each other."""

from __future__ import annotations

from datetime import UTC
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st

from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.pictures.axes import Scale, nice_prices, spread, time_labels


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(2, 9))
def test_prices_are_few_round_evenly_apart_and_within(lowest: int, span: int, most: int) -> None:
    prices = nice_prices(lowest, lowest + span, most)
    assert len(prices) <= most
    assert all(lowest <= price <= lowest + span for price in prices)
    steps = {later - earlier for earlier, later in pairwise(prices)}
    assert len(steps) <= 1
    assert all(str(step).rstrip("0") in {"1", "2", "5"} for step in steps)


@given(st.lists(st.integers(-500, 1_500), min_size=1, max_size=6))
def test_tags_keep_their_order_apart_and_in_their_room(wanted: list[int]) -> None:
    placed = spread(wanted, 100, 0, 1_000)
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    middles = [placed[index] for index in order]
    assert all(later - earlier >= 100 for earlier, later in pairwise(middles))
    assert middles[0] >= 50
    assert middles[-1] <= 950


def test_tags_with_room_stay_where_they_belong() -> None:
    assert spread([700, 200, 450], 100, 0, 1_000) == [700, 200, 450]


@given(st.integers(0, 10**9), st.integers(1, 10**9), st.integers(1, 10**6))
def test_a_scale_hits_its_ends_and_never_turns(lowest: int, span: int, denominator: int) -> None:
    scale = Scale(lowest, lowest + span, 5_580, 1_340)
    assert (scale.at(lowest), scale.at(lowest + span)) == (5_580, 1_340)
    middle = (2 * lowest + span) * denominator // 2
    assert 1_340 <= scale.at(middle, denominator) <= 5_580


def test_labels_of_hours_are_hours_of_the_readers_clock() -> None:
    start = parse_instant("2026-03-28T20:00:00Z")
    times = list(range(start, start + 36_000, 300))  # through the change of the clocks in Berlin
    assert [words for _, words in time_labels(times, UTC, 5)] == ["22:00", "00:00", "02:00", "04:00"]
    # There is no 02:00 in that night.
    labels = [words for _, words in time_labels(times, ZoneInfo("Europe/Berlin"), 5)]
    assert labels == ["22:00", "00:00", "03:00", "04:00", "06:00"]


def test_labels_of_years_are_years() -> None:
    start = parse_instant("2013-01-02T00:00:00Z")
    times = list(range(start, start + 9 * 365 * 86_400, 86_400))
    assert [words for _, words in time_labels(times, UTC, 5)] == ["2014", "2016", "2018", "2020"]

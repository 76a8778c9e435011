"""The picture of a signal: nothing over another, nothing left out, and never that of another candle."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from itertools import combinations
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from ninja_daemon.core.errors import PictureRefused
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.outcomes.history import outcomes_over
from ninja_daemon.core.pictures.canvas import Canvas, Label
from ninja_daemon.core.pictures.signal_picture import drawn, signal_picture
from ninja_daemon.core.pictures.theme import DARK, LIGHT
from tests.core.pictures.views import view_of
from tests.core.series import rules_of, walked

SVG = "{http://www.w3.org/2000/svg}"
INSTRUMENTS = [Instrument("EUR_USD", 5, -4), Instrument("GBP_JPY", 3, -2), Instrument("NATGAS_USD", 1, 0)]


def overlapping(canvas: Canvas) -> list[tuple[Label, Label]]:
    return [(one, other) for one, other in combinations(canvas.labels, 2) if one.box.meets(other.box)]


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    instrument=st.sampled_from(INSTRUMENTS),
    granularity=st.sampled_from([Granularity.S5, Granularity.M1, Granularity.M15, Granularity.H1]),
    multiplier=st.sampled_from(["0.1", "0.5", "2.0", "9.0"]),
    name=st.sampled_from(["QUICK", "A_STRATEGY_WITH_A_VERY_LONG_NAME_THAT_FITS_NOWHERE_AT_ALL"]),
)
def test_no_label_overlaps_another_or_leaves_the_sheet(
    seed: int, instrument: Instrument, granularity: Granularity, multiplier: str, name: str
) -> None:
    view = view_of(seed, instrument, granularity, name=name, multiplier=multiplier)
    canvas = drawn(view, DARK, ZoneInfo("Asia/Kathmandu"))
    assert not overlapping(canvas)
    for label in canvas.labels:
        assert 0 <= label.box.left < label.box.right <= canvas.width
        assert 0 <= label.box.top < label.box.bottom <= canvas.height


def test_entry_stop_target_and_both_averages_are_named() -> None:
    view = view_of()
    texts = [label.text for label in drawn(view, DARK, UTC).labels]
    signal = view.signal
    for expected in (f"{signal.close:f}", f"{signal.stop_loss:f}", f"{signal.take_profit:f}", "SMA 5", "SMA 21"):
        assert texts.count(expected) == 1
    assert any(signal.side.name in text for text in texts)


def test_how_it_ended_is_said_once_it_is_known() -> None:
    view = view_of()
    rules = rules_of(fast_ma=5, slow_ma=21)
    candles = CandleColumns.of(walked(100, seed=3, start=view.signal.time + 60))
    (outcome, *_) = outcomes_over(rules.strategy, rules.instrument, candles, [view.signal]).outcomes
    texts = [label.text for label in drawn(replace(view, outcome=outcome), DARK, UTC).labels]
    assert f"{outcome.result.value} {outcome.r:+.2f} R" in texts
    assert not [text for text in texts if text.startswith("risk/reward")]


def test_the_svg_is_xml_with_every_candle_in_it() -> None:
    view = view_of()
    root = ET.fromstring(signal_picture(view, LIGHT, UTC))  # noqa: S314 - our own
    bodies = [path.get("d", "") for path in root.iter(f"{SVG}path") if path.get("d", "").endswith("z")]
    candles = sum(body.count("M") for body in bodies) - 1  # the marker
    assert candles == len(view.candles) == 120


def test_the_picture_is_a_function_of_its_arguments() -> None:
    view = view_of()
    assert signal_picture(view, DARK, UTC) == signal_picture(view_of(), DARK, UTC)
    assert signal_picture(view, DARK, UTC) != signal_picture(view, LIGHT, UTC)


def test_times_are_those_of_the_readers_zone() -> None:
    view = view_of()
    here = [label.text for label in drawn(view, DARK, ZoneInfo("Europe/Berlin")).labels]
    assert [text for text in here if text.startswith("closed ") and text.endswith((" CET", " CEST"))]


def test_no_number_of_the_drawing_is_a_binary_fraction() -> None:
    root = ET.fromstring(signal_picture(view_of(), DARK, UTC))  # noqa: S314 - our own
    drawn_numbers = [
        each.get(name, "") for each in root.iter() for name in ("d", "x", "y", "width", "height", "font-size")
    ]
    assert not [text for text in drawn_numbers if "." in text]


@pytest.mark.parametrize("change", ["later", "earlier", "none", "another close"])
def test_a_picture_whose_last_candle_is_not_the_signals_is_refused(change: str) -> None:
    view = view_of()
    last = view.candles[-1]
    candles = {
        "later": [*view.candles, last._replace(time=last.time + 60)],
        "earlier": view.candles[:-1],
        "none": [],
        "another close": [*view.candles[:-1], last._replace(close=last.close + 1, high=last.high + 1)],
    }[change]
    with pytest.raises(PictureRefused, match="must be the signal's, that of 20"):
        signal_picture(replace(view, candles=candles), DARK, UTC)


def test_names_are_escaped() -> None:
    view = view_of()
    hostile = view.signal._replace(strategy='<script>"&')
    root = ET.fromstring(signal_picture(replace(view, signal=hostile), DARK, UTC))  # noqa: S314 - our own
    assert '<script>"&' in [each.text for each in root.iter(f"{SVG}text")]

"""Templates: which fields there are, and that what worked before works to the byte."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.adapters.channels.wording.template import FIELDS, filled, template_complaint, values
from ninja_daemon.adapters.channels.wording.told import Told
from ninja_daemon.core.filters.sessions import sessions_at
from ninja_daemon.core.messages.send_policy import SendPolicy
from tests.fakes.messages import CLOSE_TIME, a_signal

POLICY = SendPolicy(time_zone="Europe/Berlin", symbol_suffix=".r")
TOLD = Told(a_signal(1), POLICY, CLOSE_TIME + 75.0, ("EMA 9", "EMA 21"))


def test_every_field_stands_for_something_and_there_are_no_others() -> None:
    assert set(values(TOLD)) == set(FIELDS)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{symbol} {reason}", "EURUSD.r EMA 9 crossed below EMA 21"),
        ("{age} / {zone} / {session}", "1 min / CET / new_york"),
        ("Entry: {close}! SL: {stop_loss}!", "Entry: 1.09259! SL: 1.10084!"),
        ("{{{pair}}}: {close_time} {local_time}", "{EUR/USD}: 2022-03-04 18:00 UTC 2022-03-04 19:00 CET"),
        ("{arrow} {side} {mark} {late}{atr}", "▼ SELL 99758a43 0.0041235714"),
    ],
)
def test_a_template_is_filled(template: str, text: str) -> None:
    assert not template_complaint(template)
    assert filled(template, TOLD) == text


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("{pirce}", "is none of"),
        ("{close:.2f}", "outside of them both are plain text"),
        ("{side!r}", "neither ! nor :"),
        ("plain", "at least one {field}"),
        ("{close", "a brace that is no field is written twice"),
        ('{"a": {close}}', "is none of"),
    ],
)
def test_what_cannot_be_filled_says_why(template: str, complaint: str) -> None:
    assert complaint in template_complaint(template)


@given(text=st.text(max_size=60))
def test_a_template_that_is_accepted_can_be_filled(text: str) -> None:
    for template in (text, f"{text}{{close}}", f"{{close}}{text}"):
        if not template_complaint(template):
            assert filled(template, TOLD)


@pytest.mark.parametrize(
    ("at", "open_then"),
    [
        (1_646_352_000, ["tokyo", "sydney"]),  # 2022-03-04 00:00 UTC
        (1_646_382_600, ["tokyo", "london"]),  # 08:30 UTC
        (1_646_406_000, ["london", "new_york"]),  # 15:00 UTC
        (1_646_416_800, ["new_york"]),  # 18:00 UTC
        (1_656_662_400, ["tokyo", "london"]),  # 2022-07-01 08:00 UTC, 09:00 in London
    ],
)
def test_sessions_follow_the_clocks_of_their_cities(at: int, open_then: list[str]) -> None:
    assert set(sessions_at(at)) == set(open_then)

"""How long a server asks us to wait, whatever it sends."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.adapters.network.retry_after import retry_after, seconds_of

NOW = 1_709_726_401.0
"""2024-03-06T12:00:01Z."""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("0.75", 0.75),
        ("1.5", 1.5),
        ("1e3", 1_000.0),
        (" 5 ", 5.0),
        ("1000000000", 1e9),
        ("9" * 40, None),
        ("1e999", None),
        ("nan", None),
        ("-1", None),
        ("", None),
        ("soon", None),
        (None, None),
        ("Wed, 06 Mar 2024 12:00:31 GMT", 30.0),
        ("Wed, 06 Mar 2024 12:00:31", 30.0),
        ("Wed, 06 Mar 2024 11:00:00 GMT", 0.0),
        ("Wed, 06 Mar 2024 12:00:31 +99999999999999999999", None),
        ("Wed, 06 Mar 99999999 12:00:31", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str | None, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds


@given(st.text())
def test_any_header_is_a_wait_or_nothing(text: str) -> None:
    wait = retry_after(text, NOW)
    assert wait is None or 0 <= wait < float("inf")


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_a_wait_in_an_answer_is_a_number_of_seconds_or_nothing(value: object) -> None:
    seconds = seconds_of(value)
    assert seconds is None or 0 <= seconds < float("inf")

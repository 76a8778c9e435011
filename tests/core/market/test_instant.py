from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.market.instant import format_instant, format_moment, parse_instant

instants = st.integers(0, 7_258_118_399)


@given(instants)
def test_an_instant_written_is_read_back(instant: int) -> None:
    assert parse_instant(format_instant(instant)) == instant
    assert parse_instant(format_instant(instant).replace("Z", ".000000000Z")) == instant
    assert parse_instant(f"{instant}.000000000") == instant


@given(instants)
def test_an_instant_is_written_as_python_writes_it_in_utc(instant: int) -> None:
    assert format_instant(instant) == datetime.fromtimestamp(instant, UTC).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025-08-10T14:30:00",
        "2025-08-10 14:30:00Z",
        "2025-08-10T14:30:00.5Z",
        "2025-08-10T14:30:00+00:00",
        "2025-13-10T14:30:00Z",
        "2025-02-29T14:30:00Z",
        "2025-08-10T24:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "9999-12-31T22:00:00Z",
        "999999999999",
        "٢٠٢٥-08-10T14:30:00Z",
        "-5",
        "1e9",
        "1700000000.5",
        "2025-08-10T14:30:00Z\n",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


@given(st.text(max_size=40))
def test_no_text_raises_anything_but_a_value_error(text: str) -> None:
    try:
        instant = parse_instant(text)
    except ValueError:
        return
    assert isinstance(instant, int)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (1_646_416_802.113, "2022-03-04T18:00:02.113Z"),
        (1_646_416_802.0, "2022-03-04T18:00:02.000Z"),
        (1_646_416_802.9999, "2022-03-04T18:00:02.999Z"),
    ],
)
def test_a_moment_has_milliseconds_and_is_never_rounded_up(moment: float, expected: str) -> None:
    assert format_moment(moment) == expected


@given(st.integers(0, 4 * 10**12))
def test_milliseconds_survive_being_a_binary_float_in_between(milliseconds: int) -> None:
    text = format_moment(milliseconds / 1000)
    assert parse_instant(text[:-5] + "Z") * 1000 + int(text[-4:-1]) == milliseconds

"""The one reader of values: lengths of time, what is shown of a wrong value, and keys that nobody knows."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.adapters.channels.registry import KINDS
from ninja_daemon.app.settings.destinations import destination_table
from ninja_daemon.app.settings.routing import routes
from ninja_daemon.app.settings.spans import parse_span
from ninja_daemon.app.settings.strategy_table import StrategyTable
from ninja_daemon.app.settings.tables import Table
from ninja_daemon.app.settings.values import shown
from ninja_daemon.core.spans import span
from ninja_daemon.core.words import not_a_key

SECONDS = {
    1: ("s", "sec", "secs", "second", "seconds"),
    60: ("m", "min", "mins", "minute", "minutes"),
    3_600: ("h", "hour", "hours"),
    86_400: ("d", "day", "days"),
    604_800: ("w", "week", "weeks"),
}
UNITS = [(unit, seconds) for seconds, units in SECONDS.items() for unit in units]


@pytest.mark.parametrize(("unit", "seconds"), UNITS)
def test_a_length_of_time_is_read_in_every_unit_and_spelling(unit: str, seconds: int) -> None:
    for number, space, name in product(("1", "90", "007", "1.5", "0.25"), ("", " ", "  ", "\t"), (unit, unit.upper())):
        assert span(f"{number}{space}{name}") == Decimal(number) * seconds
        assert span(f" {number}{space}{name} ") == Decimal(number) * seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10 mins", 600), ("4H", 14_400), ("2 weeks", 1_209_600), ("1.5 h", 5_400), ("30min", 1_800), ("0 s", 0)],
)
def test_what_either_side_took_before_is_taken_everywhere(text: str, seconds: int) -> None:
    assert parse_span(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "5", "s", "1 candle", "1 moon", "-5 s", "1e3 s", "1.2345 s", "1 000 s", "½ h", "٣ s", "1 s 1 s", "31 d"],
)
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    assert parse_span(text) is None


@given(st.one_of(st.text(), st.integers(), st.booleans(), st.none(), st.decimals(), st.dates(), st.lists(st.text())))
def test_whatever_is_shown_fits_on_a_line(value: object) -> None:
    assert len(shown(value)) <= 61
    assert not isinstance(value, str) or "\n" not in shown(value)


def test_a_number_of_thousands_of_digits_can_be_shown() -> None:
    assert shown(1 << 20_000) == "a number of thousands of digits"


def test_an_unknown_key_is_told_with_its_neighbour_and_all_there_are() -> None:
    assert not_a_key("tiem", ("time", "zone")) == "is not a key (did you mean time?); allowed are time, zone"
    assert not_a_key("colour", ("time", "zone")) == "is not a key; allowed are time, zone"


# --- what is written about it ---------------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[3]
TABLES = [
    StrategyTable,
    *(each for each in vars(routes).values() if isinstance(each, type) and issubclass(each, Table)),
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_every_key_of_every_table_is_read_by_a_value(table: type[Table]) -> None:
    assert all(field.metadata for field in table.model_fields.values())


@pytest.mark.parametrize("name", list(KINDS))
def test_every_key_of_a_destination_is_documented(name: str) -> None:
    text = (ROOT / "docs/notifier.md").read_text()
    assert not [key for key in destination_table(KINDS[name]).model_fields if f"`{key}`" not in text]

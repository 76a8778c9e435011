"""What holds for every filter of the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from ninja_daemon.core.filters.filter import Filter
from ninja_daemon.core.filters.kinds import FILTERS

OPTIONAL = [
    *("sessions", "days", "trend", "max_spread_pips", "min_candles_between", "min_gap_pips", "min_slope_pips"),
    "quiet_around",
]
DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_crosses_are_judged_in_the_contracts_order() -> None:
    assert [one.name for one in FILTERS] == ["atr", "min_atr_value", "min_rr_ratio", "no_room", *OPTIONAL]


@pytest.mark.parametrize("one", FILTERS, ids=lambda one: one.name)
def test_every_filter_stands_in_the_documentation_with_its_sentence(one: Filter) -> None:
    assert f"| `{one.name}` | {one.sentence} |" in (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert f"`{one.name}`" in (DOCS / "glossary.md").read_text(encoding="utf-8")

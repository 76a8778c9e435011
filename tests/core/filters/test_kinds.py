"""What holds for every filter of the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from ninja_daemon.core.filters.kinds import Filter

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_crosses_are_judged_in_the_contracts_order() -> None:
    assert [one.value for one in Filter] == ["atr", "min_atr_value", "min_rr_ratio", "no_room"]


@pytest.mark.parametrize("one", list(Filter), ids=lambda one: one.value)
def test_every_filter_stands_in_the_documentation_with_its_sentence(one: Filter) -> None:
    assert f"| `{one.value}` | {one.sentence} |" in (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert f"`{one.value}`" in (DOCS / "glossary.md").read_text(encoding="utf-8")

"""The table at the end of a fault run."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.tally import Row, Tally, added_up, from_properties, table, to_property

ROW = Row(
    fault="a reply lost",
    injected=3,
    expected=40,
    listed=40,
    list_missing=0,
    list_repeated=0,
    delivered=80,
    delivery_missing=0,
    delivery_repeated=2,
    marked=2,
    recovery=0.5,
)


def test_rows_of_the_same_fault_are_added_and_the_longest_recovery_stays() -> None:
    (both,) = added_up([ROW, replace(ROW, injected=1, expected=2, marked=0, delivery_repeated=0, recovery=1.5)])
    assert (both.injected, both.expected, both.delivery_repeated, both.marked, both.recovery) == (4, 42, 2, 2, 1.5)


def test_what_one_test_does_not_look_at_does_not_hide_what_another_saw() -> None:
    (both,) = added_up([Row("a cut", 1), Row("a cut", 1, expected=4, listed=4, recovery=2.0)])
    assert (both.expected, both.listed, both.delivered, both.recovery) == (4, 4, None, 2.0)


def test_the_table_is_aligned_and_ends_with_the_sum() -> None:
    lines = table([Row("a very long name of a fault", 12), ROW])
    assert [line[28:].split() for line in lines[1:3]] == [
        ["3", "40", "40", "0", "0", "80", "0", "2", "2", "0.5", "s"],
        ["12", *"–––––––––"],
    ]
    assert [line[:28].strip() for line in lines[:3]] == ["fault", "a reply lost", "a very long name of a fault"]
    assert len({len(line) for line in lines[:3]}) == 1
    assert lines[-1].startswith("15 faults: 0 missing, 0 repeated in the list; 2 repeated at a destination, 2 of them")


@pytest.mark.parametrize(
    "broken",
    [{"list_missing": 1}, {"list_repeated": 1}, {"delivery_missing": 1}, {"marked": 1}, {"injected": 0}],
    ids=str,
)
def test_a_row_that_breaks_the_promise_is_kept_and_fails_its_test(broken: dict[str, Any]) -> None:
    kept: list[Row] = []
    with pytest.raises(AssertionError):
        Tally(kept.append).record(replace(ROW, **broken))
    assert len(kept) == 1


def test_a_row_survives_the_way_from_a_worker_to_the_process_that_prints() -> None:
    name, value = to_property(ROW)
    assert from_properties([("other", 1), (name, json.loads(json.dumps(value)))]) == [ROW]

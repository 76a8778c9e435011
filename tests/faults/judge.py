"""What the list must hold and what must have arrived, counted for the table and compared in every detail."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.fakes.receiver import Post
from tests.oracle import Signal, assert_same_signals
from tests.outcome_oracle import assert_same_outcomes


@dataclass(frozen=True, slots=True)
class ListFigures:
    """The list against the oracle: see ``tally.Row``."""

    expected: int
    listed: int
    list_missing: int
    list_repeated: int


@dataclass(frozen=True, slots=True)
class DeliveryFigures:
    """What arrived, over all destinations: see ``tally.Row``."""

    delivered: int
    delivery_missing: int
    delivery_repeated: int
    marked: int


def count_list(listed: Iterable[str], expected: Mapping[str, Sequence[Signal]]) -> ListFigures:
    """Count what is on the list and what must be there, by strategy name."""
    must = {(name, one["time"], one["side"]) for name, signals in expected.items() for one in signals}
    signals = [json.loads(text) for text in listed]
    found = Counter((one["strategy"], one["time"], one["side"]) for one in signals)
    return ListFigures(len(must), len(found), len(must - found.keys()), found.total() - len(found))


def compare_list(listed: Iterable[str], expected: Mapping[str, Sequence[Signal]]) -> None:
    """Insist on every signal, its fields and its place, strategy by strategy."""
    by_name: dict[str, list[str]] = {name: [] for name in expected}
    for text in listed:
        by_name[json.loads(text)["strategy"]].append(text)
    for name, signals in expected.items():
        assert_same_signals(by_name[name], signals)


def compare_outcomes(listed: Iterable[str], expected: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Insist on every outcome, its fields and its place, strategy by strategy."""
    texts = list(listed)
    assert any(expected.values()), "a day in which something ends"
    for name, outcomes in expected.items():
        assert_same_outcomes([text for text in texts if json.loads(text)["strategy"] == name], outcomes)


def ids_of(listed: Iterable[str]) -> list[str]:
    """The ids of what is on the list."""
    return [str(json.loads(text)["id"]) for text in listed]


def count_deliveries(posts: Mapping[str, Sequence[Post]], expected: Sequence[str]) -> DeliveryFigures:
    """Count what each destination heard of these ids; anything that nobody expected counts as an unmarked repeat."""
    delivered = missing = repeated = marked = 0
    for those in posts.values():
        heard: set[str] = set()
        for post in those:
            identity = post.headers["webhook-id"]
            if identity in heard or identity not in set(expected):
                repeated += 1
                marked += identity in heard and post.headers.get("ninja-possible-repeat") == "true"
            heard.add(identity)
        delivered += len(heard)
        missing += len(set(expected) - heard)
    return DeliveryFigures(delivered, missing, repeated, marked)


def first_heard(posts: Iterable[Post]) -> list[str]:
    """The ids in the order in which they arrived for the first time."""
    return list(dict.fromkeys(post.headers["webhook-id"] for post in posts))

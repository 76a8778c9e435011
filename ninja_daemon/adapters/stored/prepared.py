"""A commit as it is handed to the script: every text of it, ready to be written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from ninja_daemon.core.errors import StateUnreadable
from ninja_daemon.core.market.instant import Instant

FORM: Final = 1
"""Form of a commit as kept text."""


class ListedSignal(NamedTuple):
    """A signal on its way to the list.

    Attributes:
        terms: under which it is followed, as JSON; empty when a version without outcomes found it.
    """

    id: str
    time: Instant
    text: str
    terms: str = ""


class ListedOutcome(NamedTuple):
    """An outcome on its way to the list; the id and the time are its signal's."""

    id: str
    time: Instant
    text: str


class PreparedCommit(NamedTuple):
    """Everything that the commit script needs of one strategy, but the keys and the fence.

    Attributes:
        strategy: its name.
        expected: what the cursor's key must hold, as the script is told it.
        target: what it shall hold.
        commit: name of the commit, by which the script knows it again after a lost reply.
        life_ms: how long the averages live.
        base: time of the stored averages that ``averages`` change; empty when these are all the fields there are.
        settings: settings hash of the averages.
        averages: fields of ``ma_state``.
        sides: fields of ``signal_state``.
        signals: oldest first.
        outcomes: in the contract's order.
        since: name of the commit after which everything is what it was but for these fields; empty when these are all.
    """

    strategy: str
    expected: str
    target: str
    commit: str
    life_ms: int
    base: str
    settings: str
    averages: Mapping[str, str]
    sides: Mapping[str, str]
    signals: Sequence[ListedSignal]
    outcomes: Sequence[ListedOutcome] = ()
    since: str = ""

    def followed_by(self, later: PreparedCommit) -> PreparedCommit:
        """Return the one commit that does what this one and then ``later`` do."""
        grows = bool(later.base)
        averages = {**self.averages, **later.averages} if grows else later.averages
        return later._replace(
            expected=self.expected,
            commit=name_of(self.commit, later.commit),
            base=self.base if grows else "",
            averages=averages,
            sides={**self.sides, **later.sides},
            signals=(*self.signals, *later.signals),
            outcomes=(*self.outcomes, *later.outcomes),
        )

    def encoded(self) -> str:
        """Return it as text that ``decode_commit`` reads."""
        return json.dumps(
            {
                "v": FORM,
                "strategy": self.strategy,
                "expected": self.expected,
                "target": self.target,
                "commit": self.commit,
                "life_ms": self.life_ms,
                "base": self.base,
                "settings": self.settings,
                "averages": dict(self.averages),
                "sides": dict(self.sides),
                "signals": [list(signal) for signal in self.signals],
                "outcomes": [list(outcome) for outcome in self.outcomes],
            },
            separators=(",", ":"),
        )


def decode_commit(text: str) -> PreparedCommit:
    """Read a kept commit back, with the types of everything checked.

    Raises:
        StateUnreadable: it is not what this version writes.
    """
    try:
        fields = json.loads(text)
        if fields.pop("v") != FORM:
            message = f"a kept commit must be of form {FORM}"
            raise StateUnreadable(message)
        signals = tuple(ListedSignal(str(one[0]), int(one[1]), *map(str, one[2:])) for one in fields.pop("signals"))
        # Commits that a version without outcomes kept have none.
        outcomes = tuple(ListedOutcome(str(one[0]), int(one[1]), str(one[2])) for one in fields.pop("outcomes", ()))
        averages, sides = (_one_line_each(fields.pop(name)) for name in ("averages", "sides"))
        life_ms = int(fields.pop("life_ms"))
        texts = _texts(fields)
        return PreparedCommit(
            **texts, life_ms=life_ms, averages=averages, sides=sides, signals=signals, outcomes=outcomes
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        message = f"a kept commit must hold what was written, was changed: {str(error)[:120]}"
        raise StateUnreadable(message) from error


def _texts(fields: Mapping[str, object]) -> dict[str, str]:
    for name, value in fields.items():
        if not isinstance(value, str):
            message = f"{name[:40]} must be text"
            raise StateUnreadable(message)
    return {name: str(value) for name, value in fields.items()}


def _one_line_each(fields: Mapping[str, object]) -> dict[str, str]:
    """Return fields of one line each; the script is told them line by line."""
    texts = _texts(fields)
    if any("\n" in part for field in texts.items() for part in field):
        message = "a field must be one line"
        raise StateUnreadable(message)
    return texts


def name_of(*parts: str) -> str:
    """Name a commit by what it is made of."""
    return hashlib.sha256("|".join(parts).encode(errors="surrogateescape")).hexdigest()[:16]

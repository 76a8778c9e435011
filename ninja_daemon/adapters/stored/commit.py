"""One strategy's commit as data: what the script gets, so that it can be kept while Redis is away and sent later.

Two commits that follow each other are one: the later fields win, the signals are those of both. So what waits for
Redis does not grow with the outage.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from ninja_daemon.adapters.stored.outcome import encode_book, encode_outcome, encode_terms
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.adapters.stored.state_form import encode_state, encode_tally
from ninja_daemon.adapters.stored.trend_form import encode_trend
from ninja_daemon.core.errors import StateUnreadable
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.outcomes.outcome import terms_of
from ninja_daemon.usecases.ports import Change

FORM: Final = 1
"""Form of a commit as kept text."""
_FOUR_DAYS_MS: Final = 4 * 86_400_000


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


@dataclass(frozen=True, slots=True)
class PreparedCommit:
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

    def followed_by(self, later: PreparedCommit) -> PreparedCommit:
        """Return the one commit that does what this one and then ``later`` do."""
        grows = bool(later.base)
        averages = {**self.averages, **later.averages} if grows else later.averages
        return replace(
            later,
            expected=self.expected,
            commit=_name(self.commit, later.commit),
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


def prepared(change: Change, ma_state_floor: int) -> PreparedCommit:
    """Write a change down for the commit script.

    Args:
        change: what some candles changed.
        ma_state_floor: seconds for which the averages live at least.
    """
    rules, state = change.rules, change.state
    assert state.last is not None  # noqa: S101 - only states with a candle are committed
    strategy = rules.strategy
    base = _base_of(change)
    averages = encode_state(rules, state, state.seen - change.taken_in if base is not None else None)
    averages |= encode_trend(change.trend, change.loaded.trend if base is not None else None)
    signals = _listed(change) if change.signals else ()
    outcomes = tuple(ListedOutcome(one.id, one.time, encode_outcome(one)) for one in change.outcomes)
    sides = encode_tally(state, change.tally)
    if change.book is not None:
        sides["open"] = encode_book(change.book, strategy.series)
    expected = change.loaded.cursor_token
    return PreparedCommit(
        strategy=strategy.name,
        expected=expected,
        target=format_instant(state.last.time),
        # The same work after a lost reply has the same name.
        commit=_name(expected, lines(averages), *[one.id for one in signals], *[one.id for one in outcomes]),
        life_ms=averages_life_ms(strategy.granularity, ma_state_floor),
        base="" if base is None else format_instant(base),
        settings=strategy.settings_hash,
        averages=averages,
        sides=sides,
        signals=signals,
        outcomes=outcomes,
    )


def _listed(change: Change) -> tuple[ListedSignal, ...]:
    """Write the signals with their terms, by which open signals that were lost are found again."""
    strategy, instrument = change.rules.strategy, change.rules.instrument
    followed = (encode_terms(one.id, strategy.series, terms_of(strategy, instrument, one)) for one in change.signals)
    return tuple(
        ListedSignal(one.id, one.time, encode_signal(one), terms)
        for one, terms in zip(change.signals, followed, strict=True)
    )


def lines(fields: Mapping[str, str]) -> str:
    """Write fields as the script reads them: in one argument, since fifty cost more than what they say."""
    return "".join([f"{name}\n{value}\n" for name, value in fields.items()])


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


def averages_life_ms(granularity: Granularity, floor: int) -> int:
    """Return how long averages live, in ms: four candles and four days, or the floor in seconds when that is longer.

    Contract 4.6: no setting may make the daemon forget between two candles.
    """
    return max(floor * 1000, 4 * granularity.seconds * 1000 + _FOUR_DAYS_MS)


def _base_of(change: Change) -> Instant | None:
    """Return the time of the stored averages that the change builds on; None when all fields must be written."""
    before = change.loaded.state
    if before is None or before.last is None or change.taken_in >= change.state.closes.size:
        return None
    grew_from_it = before.seen + change.taken_in == change.state.seen
    same_prices = change.loaded.instrument == change.rules.instrument
    return before.last.time if grew_from_it and same_prices else None


def _name(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode(errors="surrogateescape")).hexdigest()[:16]

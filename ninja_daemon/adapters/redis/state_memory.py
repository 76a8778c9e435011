"""What a process remembers of the states it has read or written, with the proof that Redis still holds them.

A wake that finds what it left behind moves a digest instead of all closes, however long the averages are. The proof
covers the cursor, all of ``signal_state``, the commit's name among it, every named field of ``ma_state``, and how many
fields both have; anything else than an exact match is read in full (decision 51).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from sys import intern
from typing import Final, NamedTuple

from ninja_daemon.adapters.stored.prepared import PreparedCommit
from ninja_daemon.adapters.stored.state.counts import COUNTED
from ninja_daemon.adapters.stored.state.state_form import ring_fields
from ninja_daemon.adapters.stored.state.trend_form import TREND, trend_fields
from ninja_daemon.core.averages.trend import TrendState
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Change, CommitResult, Committed, Loaded

_STANDING_AVERAGES: Final = ("v", "cfg", "decimals", "pip", "side", "signal_at")
_MOVING_AVERAGES: Final = ("time", "count", "last", "fast", "slow", "atr", TREND)
_MOVING_SIDES: Final = ("commit", "time", "evaluated", "shown_before", "open")
_MISSING: Final = "\0"
_ALL_MISSING: Final = (_MISSING,) * len(_MOVING_AVERAGES)


class Proof(NamedTuple):
    """What load.lua compares with what is there.

    Attributes:
        digest: of the cursor and the proven fields.
        fields: number of fields of ``ma_state``.
        side_fields: number of fields of ``signal_state``.
        names: of the fields of ``ma_state`` under the digest, parted by blanks, in the digest's order.
        side_names: the same of ``signal_state``.
    """

    digest: str
    fields: int
    side_fields: int
    names: str
    side_names: str


NO_PROOF: Final = Proof("", 0, 0, "", "")


class _Standing(NamedTuple):
    """The fields that seldom change, as text.

    Attributes:
        averages: values of ``ma_state``.
        sides: values of ``signal_state``.
        moving: the fields of ``ma_state`` under the digest that move.
        names: of all fields of ``ma_state`` under the digest, and of ``signal_state``.
        more: number of fields of ``signal_state`` beside the moving ones.
    """

    averages: str
    sides: str
    moving: Sequence[str]
    names: tuple[str, str]
    more: int

    @classmethod
    def of(cls, averages: Mapping[str, str], sides: Mapping[str, str]) -> _Standing:
        """Take them out of all fields that are stored."""
        names = [name for name in sides if name not in _MOVING_SIDES]
        standing = [name for name in _STANDING_AVERAGES if name in averages]
        moving = _MOVING_AVERAGES if TREND in averages else _MOVING_AVERAGES[:-1]
        return cls(
            "\n".join(map(averages.__getitem__, standing)),
            "\n".join(map(sides.__getitem__, names)),
            moving,
            (intern(" ".join([*standing, *moving])), intern(" ".join([*names, *_MOVING_SIDES]))),
            len(names),
        )

    def proof(
        self, cursor: str, averages: Mapping[str, str], sides: Mapping[str, str], commit: str, fields: int
    ) -> Proof:
        """Make the proof of what was read or written."""
        moving_averages = "\n".join(map(averages.get, self.moving, _ALL_MISSING))
        moving_sides = "\n".join(map(sides.get, _MOVING_SIDES[1:], _ALL_MISSING))
        text = f"{cursor}\n{self.averages}\n{moving_averages}\n{self.sides}\n{commit}\n{moving_sides}"
        digest = hashlib.sha1(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
        others = sum(map(sides.__contains__, _MOVING_SIDES[1:])) + (commit != _MISSING)
        return Proof(digest, fields, self.more + others, *self.names)


class _Remembered(NamedTuple):
    """One strategy's newest known state.

    Attributes:
        standing: the text of its fields that seldom change.
        commit: name of the commit that left them; empty when they are not as this version writes them.
        unknown: number of fields of ``ma_state`` that this version does not write; they stay there as long as it grows.
    """

    strategy: Strategy
    loaded: Loaded
    proof: Proof
    standing: _Standing
    commit: str
    unknown: int


_NAMED_FIELDS: Final = len(_MOVING_AVERAGES) + len(_STANDING_AVERAGES) - 2
"""Fields of ``ma_state`` that are no ring's, without ``signal_at`` and ``trend``."""


class StateMemory:
    """The newest known state of each strategy. Two threads never work on one strategy at the same time."""

    def __init__(self) -> None:
        """Know nothing."""
        self._by_name: dict[str, _Remembered] = {}
        self._supposed: set[str] = set()

    def suppose(self, strategies: Sequence[Strategy]) -> dict[str, Loaded]:
        """Return what is known under these very settings, by name; commits have to prove it from now on."""
        known = {one.name: loaded for one in strategies if (loaded := self.recall(one)[1]) is not None}
        self._supposed.update(known)
        return known

    def asked(self, names: Iterable[str]) -> None:
        """Note that Redis tells by itself what it holds of these: commits need not prove it."""
        self._supposed.difference_update(names)

    def recall(self, strategy: Strategy) -> tuple[Proof, Loaded | None]:
        """Return what is known under these very settings, and what has to be true in Redis for it to hold."""
        known = self._by_name.get(strategy.name)
        if known is None or (known.strategy is not strategy and known.strategy != strategy):
            return NO_PROOF, None
        return known.proof, known.loaded

    def keep_read(
        self,
        strategy: Strategy,
        loaded: Loaded,
        averages: Mapping[str, str] | None,
        sides: Mapping[str, str] | None,
    ) -> None:
        """Remember what was read, when all of it was there and sound."""
        if loaded.notes or loaded.state is None or not averages or not sides or not loaded.cursor_token:
            self.forget(strategy.name)
            return
        standing, commit = _Standing.of(averages, sides), sides.get("commit", _MISSING)
        proof = standing.proof(loaded.cursor_token[1:], averages, sides, commit, len(averages))
        is_ours = commit != _MISSING and all(name in sides for name in COUNTED)
        written = _fields_of(loaded.state, loaded.trend, is_spaced=strategy.spacing > 0)
        unknown = max(0, len(averages) - written)  # older versions wrote fewer
        known = _Remembered(strategy, loaded, proof, standing, commit if is_ours else "", unknown)
        self._by_name[strategy.name] = known

    def base(self, strategy: str, loaded: Loaded) -> tuple[str, Proof]:
        """Return the name of the commit that has left what a change is built on, and the proof of that.

        The name is empty when everything must be written; the proof is, where Redis was asked.
        """
        known = self._by_name.get(strategy)
        if known is None or known.loaded is not loaded:
            return "", NO_PROOF
        return known.commit, known.proof if strategy in self._supposed else NO_PROOF

    def keep_written(self, change: Change, commit: PreparedCommit, result: object) -> None:
        """Remember what a commit has made of the state; whatever else became of it is read again."""
        last = change.state.last
        done = isinstance(result, Committed) and result.result in {CommitResult.OK, CommitResult.ALREADY}
        if not done or last is None:
            self.forget(commit.strategy)
            return
        rules, _, state, counts, _, _, book, _, trend = change
        known, name = self._by_name.get(commit.strategy), commit.commit
        standing = known.standing if commit.since and known is not None else _Standing.of(commit.averages, commit.sides)
        loaded = Loaded(last.time, f"={commit.target}", state, rules.instrument, last.time, counts, (), book, trend)
        unknown = known.unknown if commit.base and known is not None else 0
        fields = _fields_of(state, trend, is_spaced=rules.is_spaced) + unknown
        proof = standing.proof(commit.target, commit.averages, commit.sides, name, fields)
        self._by_name[commit.strategy] = _Remembered(rules.strategy, loaded, proof, standing, name, unknown)

    def forget(self, name: str) -> None:
        """Read the strategy in full the next time."""
        self._by_name.pop(name, None)


def _fields_of(state: StrategyState, trend: TrendState | None, *, is_spaced: bool) -> int:
    """Return how many fields this version writes to ``ma_state``."""
    return _NAMED_FIELDS + is_spaced + ring_fields(state) + trend_fields(trend)

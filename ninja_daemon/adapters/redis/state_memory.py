"""What a process remembers of the states it has read or written, with the proof that Redis still holds them.

A wake that finds what it left behind moves a digest instead of all closes, however long the averages are. The proof
covers the cursor, all of ``signal_state`` that we write, the commit's name, every named field of ``ma_state`` and the
number of its fields; anything else than an exact match is read in full (decision 51).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from ninja_daemon.adapters.stored.prepared import PreparedCommit
from ninja_daemon.adapters.stored.state.state_form import ring_fields
from ninja_daemon.adapters.stored.state.trend_form import TREND, trend_fields
from ninja_daemon.core.filters.kinds import FILTERS
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Change, CommitResult, Committed, Loaded

PROVEN_AVERAGES: Final = (
    *("v", "cfg", "time", "decimals", "pip", "count", "last", "side", "fast", "slow", "atr"),
    *("signal_at", TREND),
)
"""Fields of ``ma_state`` under the digest."""
PROVEN_SIDES: Final = (
    *("commit", "side", "time", "evaluated", "crosses", "signals", "revisions", "gaps", "shown_before"),
    *("last_signal_id", "last_signal_time", "open"),
    *(f"rejected:{one.name}" for one in FILTERS),
)
"""Fields of ``signal_state`` under the digest."""
PROVEN_FIELDS: Final = (" ".join(PROVEN_AVERAGES), " ".join(PROVEN_SIDES))
"""Both, as load.lua takes them: it digests the values in this order."""
_MISSING: Final = "\0"
_ALL_MISSING: Final = (_MISSING,) * max(len(PROVEN_AVERAGES), len(PROVEN_SIDES))


class Proof(NamedTuple):
    """What load.lua compares with what is there.

    Attributes:
        digest: of the cursor and the proven fields.
        fields: number of fields of ``ma_state``.
    """

    digest: str
    fields: int

    @classmethod
    def of(cls, cursor: str, averages: Mapping[str, str], sides: Mapping[str, str], fields: int) -> Proof:
        """Make the proof of what was read or written."""
        parts = (cursor, *map(averages.get, PROVEN_AVERAGES, _ALL_MISSING), *map(sides.get, PROVEN_SIDES, _ALL_MISSING))
        text = "\n".join(parts).encode("utf-8", "surrogateescape")
        return cls(hashlib.sha1(text, usedforsecurity=False).hexdigest(), fields)


NO_PROOF: Final = Proof("", 0)


@dataclass(frozen=True, slots=True)
class _Remembered:
    strategy: Strategy
    loaded: Loaded
    proof: Proof


class StateMemory:
    """The newest known state of each strategy. Two threads never work on one strategy at the same time."""

    def __init__(self) -> None:
        """Know nothing."""
        self._by_name: dict[str, _Remembered] = {}

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
        proof = Proof.of(loaded.cursor_token[1:], averages, sides, len(averages))
        self._by_name[strategy.name] = _Remembered(strategy, loaded, proof)

    def keep_written(self, change: Change, commit: PreparedCommit, result: object) -> None:
        """Remember what a commit has made of the state; whatever else became of it is read again."""
        last = change.state.last
        done = isinstance(result, Committed) and result.result in {CommitResult.OK, CommitResult.ALREADY}
        if not done or last is None:
            self.forget(commit.strategy)
            return
        token, instrument = f"={commit.target}", change.rules.instrument
        loaded = Loaded(
            last.time, token, change.state, instrument, last.time, change.tally, book=change.book, trend=change.trend
        )
        named = sum(name in commit.averages for name in PROVEN_AVERAGES if name != TREND)
        fields = named + ring_fields(change.state) + trend_fields(change.trend)
        sides = {**commit.sides, "commit": commit.commit}
        proof = Proof.of(commit.target, commit.averages, sides, fields)
        self._by_name[commit.strategy] = _Remembered(change.rules.strategy, loaded, proof)

    def forget(self, name: str) -> None:
        """Read the strategy in full the next time."""
        self._by_name.pop(name, None)

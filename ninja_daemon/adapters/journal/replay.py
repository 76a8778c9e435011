"""When Redis is back: the commits that waited for it are made by the same script, in their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ninja_daemon.adapters.journal.kept_commits import KeptCommits, WaitingCommit
from ninja_daemon.adapters.stored.prepared import PreparedCommit
from ninja_daemon.core.errors import NinjaError, StoreUnavailable
from ninja_daemon.core.market.instant import Instant, parse_instant
from ninja_daemon.usecases.ports import CommitResult, Committed

_AT_ONCE: Final = 50
"""Kept commits that are sent in one round trip."""


class Replay:
    """Makes the commits that waited, and keeps account of the answers.

    Attributes:
        done: how many rows need not be made any more.
        signals: how many signals were listed.
        lost: strategies whose rows do not fit what Redis holds.
        stuck: strategies whose rows wait, with the answer that holds them up.
        not_made: rows that Redis has refused as a whole.
        trouble: why Redis takes nothing at the moment.
    """

    def __init__(
        self, kept: KeptCommits, send: Callable[[Sequence[PreparedCommit]], Sequence[Committed | NinjaError]]
    ) -> None:
        """Begin with none made.

        Args:
            kept: the commits that wait.
            send: makes commits in Redis; raises StoreUnavailable when nothing is known of any of them.
        """
        self._kept = kept
        self._send = send
        self.done = 0
        self.signals = 0
        self.lost: set[str] = set()
        self.stuck: dict[str, Committed] = {}
        self.not_made: list[int] = []
        self.trouble: StoreUnavailable | None = None
        self._refused: set[str] = set()

    def run(self) -> None:
        """Make the commits in their order; those that can never be made are derived again from the broker.

        Raises:
            StoreUnavailable: Redis went away again; everything that was not made is still there.
            JournalUnavailable: the rest stays where it is, and is made again without harm.
        """
        waiting = self._kept.begin()
        self.lost.update(one.strategy for one in waiting if one.commit is None)
        for first in range(0, len(waiting), _AT_ONCE):
            self._make(waiting[first : first + _AT_ONCE])
        lost = [one.sequence for one in waiting if one.strategy in self.lost]
        self._kept.settle(lost, {})
        self._kept.reopen([one for one in self.not_made if one not in lost])

    def _make(self, waiting: Sequence[WaitingCommit]) -> None:
        ready = [(one.sequence, one.commit) for one in waiting if one.commit is not None and self._may_go(one.strategy)]
        if not ready:
            return
        try:
            results = self._send([commit for _, commit in ready])
        except StoreUnavailable:
            self._kept.doubt([sequence for sequence, _ in ready])
            raise
        made: list[int] = []
        marks: dict[str, Instant] = {}
        for (sequence, commit), result in zip(ready, results, strict=True):
            if self._hear(sequence, commit, result):
                made.append(sequence)
                if isinstance(result, Committed) and result.result != CommitResult.STALE:
                    marks[commit.strategy] = parse_instant(commit.target)
        self._kept.settle(made, marks)

    def _may_go(self, strategy: str) -> bool:
        """Tell whether nothing stands in the way of a strategy's next row."""
        return not (strategy in self.lost or strategy in self.stuck or strategy in self._refused)

    def _hear(self, sequence: int, commit: PreparedCommit, result: Committed | NinjaError) -> bool:
        """Take one answer in; return whether the row is done with."""
        name = commit.strategy
        if not self._may_go(name):
            return False
        if not isinstance(result, Committed):
            self._refused.add(name)
            self.not_made.append(sequence)
            self.trouble = result if isinstance(result, StoreUnavailable) else self.trouble
            return False
        match result.result:
            case CommitResult.OK | CommitResult.ALREADY:
                self.signals += result.listed
            case CommitResult.STALE if _has_come_as_far(result.detail, commit.target):
                pass
            case CommitResult.STALE:
                self.lost.add(name)
                return False
            case answer:
                # A newer leader, a full list, a key in the way: it waits, and what follows it waits behind it.
                self.stuck[name] = result
                # The script checks the fence first, so FENCED says nothing about the row.
                if answer != CommitResult.FENCED:
                    self.not_made.append(sequence)
                return False
        self.done += 1
        return True


def _has_come_as_far(held: str, target: str) -> bool:
    try:
        return parse_instant(held.removeprefix("=")) >= parse_instant(target)
    except ValueError:
        return False

"""The lanes and what people order about them, over any store: look, decide by ``core.lanes``, write, or look again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.lanes import lane_change, transitions
from ninja_daemon.core.lanes.healing import gathered, told
from ninja_daemon.core.lanes.lane_change import LaneChange, Lost
from ninja_daemon.core.lanes.record import LaneQuery, LaneRecord, LaneView, LeasedLane, NotNow, Settlement, milliseconds
from ninja_daemon.core.messages.message import Entry
from ninja_daemon.usecases.delivery.delivery_ports import LaneStore

TRIES: Final = 20
"""How often a lane is looked at again because somebody changed it meanwhile."""
_BUSY_POLL: Final = 0.05
"""Seconds until a worker looks again at a lane that changed too often."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a settlement.

    Attributes:
        is_ours: it was written; False when the lease was lost to somebody else.
        view: the lane as it stands, when there is more to do in it.
    """

    is_ours: bool
    view: LaneView | None = None


class StoredLanes:
    """The lanes, one a destination: in order, one in flight."""

    def __init__(self, store: LaneStore) -> None:
        """Choose the store."""
        self._store = store

    def take(self, query: LaneQuery, lease: float, seen: LaneView | None = None) -> LeasedLane | NotNow:
        """Take a lane that is due, for ``lease`` seconds.

        Args:
            query: which lane, how many messages, and what stops it.
            lease: seconds.
            seen: how the lane stood a moment ago, which saves a look.

        Raises:
            StoreUnavailable: it is not known whether it was taken.
        """
        for _ in range(TRIES):
            decision = transitions.take(seen or self._store.look(query), query, lease)
            is_old, seen = seen is not None, None
            if is_old and isinstance(decision.answer, NotNow):
                continue  # Only a write proves that nothing has changed since.
            if decision.change is None or self._store.write(query, decision.change).is_done:
                return decision.answer
        return NotNow("leased", _BUSY_POLL)

    def heads(self, lane: str, most: int) -> tuple[Entry, ...]:
        """Return the first messages of a lane.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        return self._store.look(LaneQuery(lane, most)).entries

    def settle(self, query: LaneQuery, taken: LeasedLane, settlement: Settlement, elapsed: float = 0.0) -> Settled:
        """Write down what was done and give the lane back.

        Repeating it after a lost reply changes nothing (and may then say that the lease was lost).

        Args:
            query: the one that it was taken with.
            taken: the lease.
            settlement: what was done.
            elapsed: seconds since it was taken.

        Raises:
            StoreUnavailable: it is not known whether it was written.
        """
        now = milliseconds(taken.now + elapsed)
        change: LaneChange | Lost = transitions.settle(query.lane, taken.record, now, taken, settlement)
        is_ours = True
        for _ in range(TRIES):
            if isinstance(change, Lost):
                is_ours = False
                if change.change is None:
                    return Settled(is_ours)
                change = change.change
            written = self._store.write(query, change, and_look=is_ours)
            if written.is_done:
                return Settled(is_ours, written.view if written.view and written.view.entries else None)
            is_ours = True
            change = transitions.settle_again(query.lane, self._store.look(query), taken, settlement)
        message = f"the lane {query.lane} changes all the time"
        raise StoreUnavailable(message)

    def gather_dead(self, lane: str, count: int, reason: str) -> None:
        """Note dead letters that an alert must tell of, for a lane that no settlement notes them for.

        Raises:
            StoreUnavailable: it is not known whether they were noted.
        """
        edited(self._store, lane, lambda record, now: lane_change.change(record, gathered(record, now, count, reason)))

    def tell_dead(self, lane: str, *, at_once: bool = False) -> bool:
        """Write the alert of a lane's dead letters when that is due; return whether it was.

        Raises:
            StoreUnavailable: it is not known whether it was written.
        """

        def decide(record: LaneRecord, now: int) -> LaneChange | None:
            news = told(lane, record, now, at_once=at_once)
            return None if news is None else replace(lane_change.change(record, news[0]), alert=news[1])

        return edited(self._store, lane, decide)


def edited(store: LaneStore, lane: str, decide: Callable[[LaneRecord, int], LaneChange | None]) -> bool:
    """Change a lane as ``decide`` says of its record and the time in epoch ms; False when it says None.

    Raises:
        StoreUnavailable: it is not known whether it was changed, or others change it all the time.
    """
    query = LaneQuery(lane)
    for _ in range(TRIES):
        view = store.look(query)
        change = decide(view.record, view.now)
        if change is None:
            return False
        if store.write(query, change).is_done:
            return True
    message = f"the lane {lane} changes all the time; try again"
    raise StoreUnavailable(message)

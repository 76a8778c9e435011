"""The lanes and what people order about them, over any store: look, decide by ``core.lanes``, write, or look again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.lanes import transitions
from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.lanes.depths import QueueDepths, depths
from ninja_daemon.core.lanes.record import LaneQuery, LaneRecord, LaneView, LeasedLane, NotNow, Settlement, milliseconds
from ninja_daemon.core.lanes.transitions import LaneChange, Lost
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.usecases.delivery.delivery_ports import LaneStore
from ninja_daemon.usecases.delivery.queue_ports import QueueStore

_TRIES: Final = 20
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
        for _ in range(_TRIES):
            decision = transitions.take(seen or self._store.look(query), query, lease)
            is_old, seen = seen is not None, None
            if is_old and isinstance(decision.answer, NotNow):
                continue  # Only a write proves that nothing has changed since.
            if decision.change is None or self._store.write(query, decision.change).is_done:
                return decision.answer
        return NotNow("leased", _BUSY_POLL)

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
        for _ in range(_TRIES):
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


class StoredQueue:
    """The port ``QueueAdmin`` on a store."""

    def __init__(self, store: QueueStore) -> None:
        """Choose the store."""
        self._store = store
        self.push_alert = store.push_alert
        self.beat = store.beat
        self.kept_figures = store.kept_figures
        self.keep_figures = store.keep_figures
        self.unsilence = store.drop_silence
        self.forget = store.bury

    def depths(self, destinations: Sequence[str] = ()) -> QueueDepths:
        """Return what waits where, for the given destinations and every lane there ever was."""
        return depths(self._store.survey(destinations))

    def dead_letters(self, destination: str | None = None) -> list[DeadLetter]:
        """Return the dead letters, oldest first; of one destination when it is given."""
        return [one for one in self._store.letters() if destination is None or one.destination == destination]

    def retry(self, letter: DeadLetter) -> bool:
        """Bring a dead letter back to the end of its lane (or to its inbox); False when it is gone or was cut."""
        return not letter.cut and self._store.revive(letter)

    def purge_lane(self, destination: str) -> int:
        """Throw away what waits in a lane; return how many messages that were."""
        waiting = self._store.survey((destination,)).lanes[destination].waiting
        self.edit(destination, lambda record, _: transitions.purge(record))
        return waiting

    def pause(self, destination: str, seconds: float | None) -> None:
        """Hold a lane back, for so many seconds or until it is resumed."""
        self.edit(destination, lambda record, now: transitions.pause(record, now, seconds))

    def paused(self, destination: str) -> tuple[int, float]:
        """Return until when a lane is paused, as its record has it, and how many seconds that is from now."""
        view = self._store.look(LaneQuery(destination))
        return view.record.paused, (view.record.paused - view.now) / 1000

    def resume(self, destination: str) -> bool:
        """End pause and suspension; False when there was none."""
        return self.edit(destination, transitions.resume)

    def hurry(self, destination: str) -> bool:
        """Let a lane try again at once; False when it was not waiting."""
        return self.edit(destination, transitions.hurry)

    def silences(self) -> Sequence[Silence]:
        """Return the silences that were set while running and have not ended."""
        return _in_force(self._store)

    def silence(self, silence: Silence) -> None:
        """Keep a silence; those that have ended are forgotten."""
        known, now = self._store.silences()
        self._store.put_silence(silence, [name for name, one in known.items() if one is None or one.until <= now])

    def edit(self, lane: str, decide: Callable[[LaneRecord, int], LaneChange | None]) -> bool:
        """Change a lane as ``decide`` says of its record and the time in epoch ms; False when it says None.

        Raises:
            StoreUnavailable: it is not known whether it was changed, or others change it all the time.
        """
        query = LaneQuery(lane)
        for _ in range(_TRIES):
            view = self._store.look(query)
            change = decide(view.record, view.now)
            if change is None:
                return False
            if self._store.write(query, change).is_done:
                return True
        message = f"the lane {lane} changes all the time; try again"
        raise StoreUnavailable(message)


def _in_force(store: QueueStore) -> list[Silence]:
    known, now = store.silences()
    return [silence for silence in known.values() if silence is not None and silence.until > now]

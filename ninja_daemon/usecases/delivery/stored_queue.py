"""What people order about the queue, over any store: look, decide by ``core.lanes``, write, or look again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.lanes import lane_orders
from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.lanes.depths import QueueDepths, depths
from ninja_daemon.core.lanes.lane_change import LaneChange
from ninja_daemon.core.lanes.moving import MOVE_MOST, move_out
from ninja_daemon.core.lanes.record import LaneQuery, LaneRecord, NotNow
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.usecases.delivery.lanes import TRIES, edited
from ninja_daemon.usecases.delivery.queue_ports import Moved, QueueStore


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
        self.edit(destination, lambda record, _: lane_orders.purge(record))
        return waiting

    def move(self, old: str, new: str) -> Moved:
        """Send to ``new`` what is left of ``old``, in order; repeating it moves what is still there.

        Raises:
            StoreUnavailable: not all of it was moved, or somebody sends to ``old`` at this moment.
        """
        count = 0
        while (step := self._move_step(old, new)) > 0:
            count += step
        letters = [letter for letter in self._store.letters() if letter.destination == old]
        return Moved(count, sum(self._store.redirect(letter, new) for letter in letters))

    def _move_step(self, old: str, new: str) -> int:
        for _ in range(TRIES):
            change = move_out(self._store.look(LaneQuery(old, most=MOVE_MOST)))
            if isinstance(change, NotNow):
                if change.state == "empty":
                    return 0
                message = f"{old} is being sent to at this moment; ninja-daemon queue pause {old}, then move it again"
                raise StoreUnavailable(message)
            if self._store.move(old, change, new):
                return len(change.removals)
        message = f"the lane {old} changes all the time; try again"
        raise StoreUnavailable(message)

    def pause(self, destination: str, seconds: float | None) -> None:
        """Hold a lane back, for ``seconds``, or until it is resumed."""
        self.edit(destination, lambda record, now: lane_orders.pause(record, now, seconds))

    def paused(self, destination: str) -> tuple[int, float]:
        """Return until when a lane is paused, as its record has it, and how many seconds that is from now."""
        view = self._store.look(LaneQuery(destination))
        return view.record.paused, (view.record.paused - view.now) / 1000

    def resume(self, destination: str) -> bool:
        """End pause and suspension; False when there was none."""
        return self.edit(destination, lane_orders.resume)

    def hurry(self, destination: str) -> bool:
        """Let a lane try again at once; False when it was not waiting."""
        return self.edit(destination, lane_orders.hurry)

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
        return edited(self._store, lane, decide)


def _in_force(store: QueueStore) -> list[Silence]:
    known, now = store.silences()
    return [silence for silence in known.values() if silence is not None and silence.until > now]

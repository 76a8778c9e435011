"""The queue as people and the notifier's process use it, and what a store has to offer for that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.lanes.depths import QueueDepths, Survey
from ninja_daemon.core.lanes.lane_change import LaneChange
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.usecases.delivery.delivery_ports import LaneStore


class Moved(NamedTuple):
    """How many messages and dead letters went to another destination."""

    messages: int = 0
    letters: int = 0


class QueueStore(LaneStore, Protocol):
    """What people and the process need of a store besides. Each method raises StoreUnavailable."""

    def survey(self, destinations: Sequence[str]) -> Survey:
        """Return everything, with the given lanes and all that ever had a message."""

    def letters(self) -> Sequence[DeadLetter]:
        """Return the dead letters, oldest first."""

    def bury(self, letter: DeadLetter) -> bool:
        """Throw a dead letter away; False when it was not there."""

    def revive(self, letter: DeadLetter) -> bool:
        """Move a dead letter to the end of its lane, or to its inbox when it never had one; False when it is gone.

        Repeating it after a lost reply changes nothing (and then says False).
        """

    def move(self, old: str, change: LaneChange, new: str) -> bool:
        """Write a change of the lane ``old`` whose removed messages enter the end of ``new``; False as ``write``.

        They get new numbers and are accepted now. What waits in ``new`` already does not enter it again.
        """

    def redirect(self, letter: DeadLetter, destination: str) -> bool:
        """Make a dead letter that of another destination; False when it is gone."""

    def silences(self) -> tuple[Mapping[str, Silence | None], float]:
        """Return the silences that were set while running (None: unreadable), and the time in epoch seconds."""

    def put_silence(self, silence: Silence, ended: Sequence[str] = ()) -> None:
        """Keep a silence, and forget those that are named in ``ended``."""

    def drop_silence(self, name: str) -> bool:
        """Forget a silence; False when there was none of that name."""

    def push_alert(self, text: str) -> None:
        """Append to the alerts; a repeat of the same id is dropped by the drain."""

    def beat(self, text: str, seconds: int) -> None:
        """Leave a heartbeat that vanishes after ``seconds``."""

    def kept_figures(self) -> str:
        """Return what the last daily report left for the next one; empty when there is nothing."""

    def keep_figures(self, text: str) -> None:
        """Leave something for the next daily report."""


class PausesByLane(Protocol):
    """Tells until when lanes are paused."""

    def __call__(self, destinations: Sequence[str], /) -> Mapping[str, int]:
        """Return epoch ms by destination; -1 without end, 0 for one that is not paused.

        Raises:
            StoreUnavailable: it cannot be read.
        """


class QueueAdmin(Protocol):
    """What people and the notifier's process do with the queue. Each method raises StoreUnavailable."""

    def depths(self, destinations: Sequence[str] = ()) -> QueueDepths:
        """Return what waits where, for the given destinations and every lane there ever was."""

    def dead_letters(self, destination: str | None = None) -> list[DeadLetter]:
        """Return the dead letters, oldest first; of one destination when it is given."""

    def retry(self, letter: DeadLetter) -> bool:
        """Bring a dead letter back to the end of its lane (or to its inbox); False when it is gone or was cut."""

    def forget(self, letter: DeadLetter) -> bool:
        """Throw a dead letter away; False when it was not there."""

    def purge_lane(self, destination: str) -> int:
        """Throw away what waits in a lane; return how many messages that were."""

    def move(self, old: str, new: str) -> Moved:
        """Send to ``new`` what is left of ``old``, in order; repeating it moves what is still there."""

    def pause(self, destination: str, seconds: float | None) -> None:
        """Hold a lane back, for ``seconds``, or until it is resumed."""

    def resume(self, destination: str) -> bool:
        """End pause and suspension; False when there was none."""

    def hurry(self, destination: str) -> bool:
        """Let a lane try again at once; False when it was not waiting."""

    def silences(self) -> Sequence[Silence]:
        """Return the silences that were set while running and have not ended."""

    def silence(self, silence: Silence) -> None:
        """Keep a silence; those that have ended are forgotten."""

    def unsilence(self, name: str) -> bool:
        """End a silence; False when there is none of that name."""

    def push_alert(self, text: str) -> None:
        """Append to the alerts; a repeat of the same id is dropped by the drain."""

    def beat(self, text: str, seconds: int) -> None:
        """Leave a heartbeat that vanishes after ``seconds``."""

    def kept_figures(self) -> str:
        """Return what the last daily report left for the next one; empty when there is nothing."""

    def keep_figures(self, text: str) -> None:
        """Leave something for the next daily report."""

"""The queue as people see it where signals may wait in two places: in Redis, and in this machine's journal.

The journal's lanes hold what crossed while Redis was away. They are emptied first, so a destination's state is that of
its journal lane while that holds anything. A journal that cannot be read hides nothing of what Redis holds. What people
order is done in both; while Redis is away in the journal alone, which they are told, and Redis is told later
(pauses_and_silences.py). What Redis refuses to somebody without the right is not done in the journal either.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from ninja_daemon.adapters.journal.queue.unsynced import Unsynced
from ninja_daemon.app.queues.pauses_and_silences import JournalCopy
from ninja_daemon.core.errors import StoreDenied, StoreUnavailable
from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.lanes.depths import LaneDepth, QueueDepths
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.usecases.delivery.queue_ports import Moved, QueueAdmin

_T = TypeVar("_T")


class JointQueue:
    """The port ``QueueAdmin`` on Redis, with the journal's lanes and dead letters beside it."""

    def __init__(self, redis: QueueAdmin, copy: JournalCopy) -> None:
        """Put the two together."""
        self._redis = redis
        self._copy = copy
        self.push_alert = redis.push_alert
        self.beat = redis.beat
        self.kept_figures = redis.kept_figures
        self.keep_figures = redis.keep_figures

    def depths(self, destinations: Sequence[str] = ()) -> QueueDepths:
        """Return what waits where, for the given destinations and every lane there ever was.

        Raises:
            StoreUnavailable: Redis cannot be read.
        """
        depths = self._redis.depths(destinations)
        aside = self._from_journal(lambda queue: queue.depths(destinations))
        if aside is None:
            return depths
        lanes = {lane.destination: lane for lane in depths.lanes}
        for lane in aside.lanes:
            lanes[lane.destination] = _joined(lanes.get(lane.destination), lane)
        return replace(
            depths,
            unrouted=depths.unrouted + aside.unrouted,
            lanes=tuple(lanes[one] for one in sorted(lanes)),
            counters=Counter(depths.counters) + Counter(aside.counters),
        )

    def dead_letters(self, destination: str | None = None) -> list[DeadLetter]:
        """Return the dead letters, oldest first; of one destination when it is given.

        Raises:
            StoreUnavailable: Redis cannot be read.
        """
        letters = self._redis.dead_letters(destination)
        letters += self._from_journal(lambda queue: queue.dead_letters(destination)) or []
        return sorted(letters, key=lambda letter: letter.last)

    def retry(self, letter: DeadLetter) -> bool:
        """Bring a dead letter back to the end of its lane (or to its inbox); False when it is gone or was cut.

        Raises:
            StoreUnavailable: it was not brought back.
        """
        return bool(self._from_journal(lambda queue: queue.retry(letter))) or self._redis.retry(letter)

    def forget(self, letter: DeadLetter) -> bool:
        """Throw a dead letter away; False when it was not there.

        Raises:
            StoreUnavailable: it is not in the journal, and Redis is away.
        """
        return bool(self._from_journal(lambda queue: queue.forget(letter))) or self._redis.forget(letter)

    def purge_lane(self, destination: str) -> int:
        """Throw away what waits in a lane; return how many messages that were.

        Raises:
            StoreUnavailable: Redis is away; it is done in the journal.
        """
        aside = self._from_journal(lambda queue: queue.purge_lane(destination)) or 0
        return aside + self._redis.purge_lane(destination)

    def move(self, old: str, new: str) -> Moved:
        """Send to ``new`` what is left of ``old``, each in its place and in order.

        Raises:
            StoreUnavailable: Redis is away; it is done in the journal.
        """
        aside = self._from_journal(lambda queue: queue.move(old, new)) or Moved()
        there = self._redis.move(old, new)
        return Moved(aside.messages + there.messages, aside.letters + there.letters)

    def pause(self, destination: str, seconds: float | None) -> None:
        """Hold a lane back, for that many seconds or until it is resumed.

        Raises:
            StoreUnavailable: Redis is away; it is done in the journal. The same holds for the orders below.
            StoreDenied: Redis refuses; nothing is done.
        """
        self._in_both(Unsynced("lane", destination), lambda queue: queue.pause(destination, seconds))

    def resume(self, destination: str) -> bool:
        """End pause and suspension; False when there was none."""
        return self._in_both(Unsynced("lane", destination), lambda queue: queue.resume(destination))

    def hurry(self, destination: str) -> bool:
        """Let a lane try again at once; False when it was not waiting."""
        hurried = bool(self._from_journal(lambda queue: queue.hurry(destination)))
        return self._redis.hurry(destination) or hurried

    def silences(self) -> Sequence[Silence]:
        """Return the silences that hold: those of Redis, but for what was ordered here and it has not been told."""
        found = {silence.id: silence for silence in self._redis.silences()}
        aside = {silence.id: silence for silence in self._from_journal(lambda queue: queue.silences()) or ()}
        for kind, name in self._copy.unsynced():
            if kind == "silence":
                found.pop(name, None)
                found |= {name: aside[name]} if name in aside else {}
        return list(found.values())

    def silence(self, silence: Silence) -> None:
        """Keep a silence; those that have ended are forgotten."""
        self._in_both(Unsynced("silence", silence.id), lambda queue: queue.silence(silence))

    def unsilence(self, name: str) -> bool:
        """End a silence; False when there is none of that name."""
        return self._in_both(Unsynced("silence", name), lambda queue: queue.unsilence(name))

    def _in_both(self, note: Unsynced, order: Callable[[QueueAdmin], bool | None]) -> bool:
        """Carry an order out in both places; return whether it changed anything in either."""
        try:
            changed = order(self._redis)
        except StoreDenied:
            raise
        except StoreUnavailable as error:
            try:
                self._copy.notes.add(note)
                order(self._copy.queue)
            except StoreUnavailable:
                raise error from None
            what = f"silence {note.name}" if note.kind == "silence" else note.name
            message = (
                f"{error}; what was ordered ({what}) holds in this machine's journal, and Redis is told when it is back"
            )
            raise StoreUnavailable(message) from error
        return bool(self._from_journal(order)) or bool(changed)

    def _from_journal(self, ask: Callable[[QueueAdmin], _T]) -> _T | None:
        with contextlib.suppress(StoreUnavailable):
            return ask(self._copy.queue)
        return None


def _joined(lane: LaneDepth | None, aside: LaneDepth) -> LaneDepth:
    """Add a journal's lane to the one in Redis; the one that is emptied first says how things stand."""
    if lane is None:
        return aside
    first = aside if aside.waiting else lane
    ages = [age for age in (lane.oldest_age, aside.oldest_age) if age is not None]
    return replace(
        first,
        waiting=lane.waiting + aside.waiting,
        dead=lane.dead + aside.dead,
        oldest_age=max(ages, default=None),
        delivered=lane.delivered + aside.delivered,
        repeats=lane.repeats + aside.repeats,
        failures=lane.failures + aside.failures,
        outcomes_shown=lane.outcomes_shown + aside.outcomes_shown,
        outcomes_dropped=lane.outcomes_dropped + aside.outcomes_dropped,
    )

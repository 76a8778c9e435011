"""The queue as people see it where signals may wait in two places: in Redis, and in this machine's journal.

The journal's lanes hold what crossed while Redis was away. They are emptied first, so a destination is what its
journal lane is while that holds anything. A journal that cannot be read hides nothing of what Redis holds. What people
order is done in both; while Redis is away in the journal alone, which they are told, and which tells Redis later
(orders.py). What Redis refuses somebody, for want of a right, is not done in the journal either.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from ninja_daemon.adapters.journal.lanes import LocalQueue, Order
from ninja_daemon.adapters.redis.lanes import LaneDepth, QueueDepths, RedisQueue
from ninja_daemon.adapters.stored.queue import DeadLetter
from ninja_daemon.core.errors import StoreDenied, StoreUnavailable
from ninja_daemon.core.messages.routing import Silence

_T = TypeVar("_T")


class BothQueues:
    """The doors of ``RedisQueue``, with the journal's lanes and dead letters behind them, too."""

    def __init__(self, in_redis: RedisQueue, journal: LocalQueue) -> None:
        """Put the two together."""
        self._redis = in_redis
        self._journal = journal

    def depths(self, destinations: Sequence[str] = ()) -> QueueDepths:
        """Return what waits where, for the given destinations and every lane there ever was.

        Raises:
            StoreUnavailable: Redis cannot be read.
        """
        depths = self._redis.depths(destinations)
        aside = self._from_journal(lambda journal: journal.depths(destinations))
        if aside is None:
            return depths
        lanes = {lane.destination: lane for lane in depths.lanes}
        for lane in aside.lanes:
            lanes[lane.destination] = _joined(lanes.get(lane.destination), lane)
        return replace(
            depths, unrouted=depths.unrouted + aside.unrouted, lanes=tuple(lanes[one] for one in sorted(lanes))
        )

    def dead_letters(self, destination: str | None = None) -> list[DeadLetter]:
        """Return the dead letters, oldest first; of one destination when it is given.

        Raises:
            StoreUnavailable: Redis cannot be read.
        """
        letters = self._redis.dead_letters(destination)
        letters += self._from_journal(lambda journal: journal.dead_letters(destination)) or []
        return sorted(letters, key=lambda letter: letter.last)

    def retry(self, letter: DeadLetter) -> bool:
        """Bring a dead letter back to the end of its lane (or to its inbox); False when it is gone or was cut.

        Raises:
            StoreUnavailable: it was not brought back.
        """
        return bool(self._from_journal(lambda journal: journal.retry(letter))) or self._redis.retry(letter)

    def forget(self, letter: DeadLetter) -> bool:
        """Throw a dead letter away.

        Raises:
            StoreUnavailable: it is not in the journal, and Redis is away.
        """
        return bool(self._from_journal(lambda journal: journal.forget(letter))) or self._redis.forget(letter)

    def purge_lane(self, destination: str) -> int:
        """Throw away what waits in a lane; return how many messages that were.

        Raises:
            StoreUnavailable: Redis is away; it is done in the journal.
        """
        aside = self._from_journal(lambda journal: journal.purge_lane(destination)) or 0
        return aside + self._redis.purge_lane(destination)

    def pause(self, destination: str, seconds: float | None) -> None:
        """Hold a lane back, for so long or until it is resumed.

        Raises:
            StoreUnavailable: Redis is away; it is done in the journal. So with the orders below.
            StoreDenied: Redis refuses; nothing is done.
        """
        self._order(
            Order("lane", destination),
            lambda: self._redis.pause(destination, seconds),
            lambda journal: journal.pause(destination, seconds),
        )

    def resume(self, destination: str) -> bool:
        """End pause and suspension; False when there was none."""
        return self._order(
            Order("lane", destination),
            lambda: self._redis.resume(destination),
            lambda journal: journal.resume(destination),
        )

    def hurry(self, destination: str) -> bool:
        """Let a lane try again at once; False when it was not waiting."""
        hurried = bool(self._from_journal(lambda journal: journal.hurry(destination)))
        return self._redis.hurry(destination) or hurried

    def silence(self, silence: Silence) -> None:
        """Keep a silence; those that have ended are forgotten."""
        self._order(
            Order("silence", silence.id),
            lambda: self._redis.silence(silence),
            lambda journal: journal.silence(silence),
        )

    def unsilence(self, name: str) -> bool:
        """End a silence; False when there is none of that name."""
        return self._order(
            Order("silence", name), lambda: self._redis.unsilence(name), lambda journal: journal.unsilence(name)
        )

    def push_alert(self, text: str) -> None:
        """Append to the alerts; a repeat of the same id is dropped by the drain."""
        self._redis.push_alert(text)

    def beat(self, text: str, seconds: int) -> None:
        """Leave a heartbeat that vanishes after so many seconds."""
        self._redis.beat(text, seconds)

    def kept_figures(self) -> str:
        """Return what the last daily report left for the next one; empty when there is nothing."""
        return self._redis.kept_figures()

    def keep_figures(self, text: str) -> None:
        """Leave something for the next daily report."""
        self._redis.keep_figures(text)

    def _order(
        self, order: Order, in_redis: Callable[[], bool | None], in_journal: Callable[[LocalQueue], bool | None]
    ) -> bool:
        """Carry an order out in both places; return whether it changed anything in either."""
        try:
            changed = in_redis()
        except StoreDenied:
            raise
        except StoreUnavailable as error:
            try:
                self._journal.note(order)
                in_journal(self._journal)
            except StoreUnavailable:
                raise error from None
            what = f"silence {order.name}" if order.kind == "silence" else order.name
            message = (
                f"{error}; what was ordered ({what}) holds in this machine's journal, and Redis is told when it is back"
            )
            raise StoreUnavailable(message) from error
        return bool(self._from_journal(in_journal)) or bool(changed)

    def _from_journal(self, ask: Callable[[LocalQueue], _T]) -> _T | None:
        with contextlib.suppress(StoreUnavailable):
            return ask(self._journal)
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
    )

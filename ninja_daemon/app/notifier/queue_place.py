"""A place where messages wait for delivery."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ninja_daemon.app.pictures.packing import PicturePacks
from ninja_daemon.core.lanes.dead_letters import UNROUTED
from ninja_daemon.core.lanes.intake import InboxView
from ninja_daemon.core.lanes.record import LaneQuery
from ninja_daemon.core.messages.destination import Delivery
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.usecases.delivery.delivery_ports import Inbox
from ninja_daemon.usecases.delivery.drain import DrainResult, drain
from ninja_daemon.usecases.delivery.lanes import StoredLanes
from ninja_daemon.usecases.delivery.queue_ports import QueueAdmin

LONGEST_RING: Final = 1.0
"""Seconds for which the drain waits for a signal at most, before it looks for alerts and outcomes again."""


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Where messages wait: Redis, or the journal.

    Attributes:
        inboxes: where messages come from, drained in this order.
        outcomes: the inbox that is drained after them.
        lanes: where they wait for their destinations.
        rings: waits for some seconds at most until there is something in an inbox, and returns what is in the first;
            None when nothing came; raises StoreUnavailable.
        queue: depths, silences, heartbeat.
        packs: candles of pictures.
        closers: close connections and files.
    """

    inboxes: tuple[Inbox, ...]
    outcomes: Inbox
    lanes: StoredLanes
    rings: Callable[[float], InboxView | None]
    queue: QueueAdmin
    packs: PicturePacks
    closers: tuple[Callable[[], None], ...]

    def drained(
        self,
        inbox: Inbox,
        delivery: Delivery,
        silences: Sequence[Silence],
        now: float,
        *,
        queries: Mapping[str, LaneQuery] | None = None,
        view: InboxView | None = None,
    ) -> DrainResult:
        """Drain one of the inboxes; what never gets a destination is noted for an alert. See ``drain``."""
        result = drain(inbox, delivery, silences, now, queries=queries, view=view)
        if result.dead:
            self.lanes.gather_dead(UNROUTED, len(result.dead), result.dead[-1])
        return result

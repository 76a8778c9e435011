"""A place where messages wait for delivery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ninja_daemon.usecases.delivery.delivery_ports import Inbox
from ninja_daemon.usecases.delivery.lanes import StoredLanes
from ninja_daemon.usecases.delivery.queue_ports import QueueAdmin


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Where messages wait: Redis, or the journal.

    Attributes:
        inboxes: where messages come from, drained in this order.
        lanes: where they wait for their destinations.
        rings: waits until there may be something in an inbox; raises StoreUnavailable.
        queue: depths, silences, heartbeat.
        closers: close connections and files.
    """

    inboxes: tuple[Inbox, ...]
    lanes: StoredLanes
    rings: Callable[[], bool]
    queue: QueueAdmin
    closers: tuple[Callable[[], None], ...]

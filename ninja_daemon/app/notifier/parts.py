"""What the notifier is made of: its composition root, where ports meet adapters."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from ninja_daemon.adapters.channels.registry import open_channel
from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.queue.inbox import LocalDoorbell, LocalInbox
from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore
from ninja_daemon.adapters.journal.queue.picture_packs import LocalPicturePacks
from ninja_daemon.adapters.journal.queue.queue_file import LocalQueueFile
from ninja_daemon.adapters.journal.sent_ledger import SqliteSentLedger, ledger_path
from ninja_daemon.adapters.journal.state_store import LocalStateStore
from ninja_daemon.app.audits.results import read_noted
from ninja_daemon.app.notifier.daily_report import DailyReporter, Load
from ninja_daemon.app.notifier.near_digest import NearReporter
from ninja_daemon.app.notifier.queue_place import QueuePlace
from ninja_daemon.app.notifier.timed_reports import timed_reporters
from ninja_daemon.app.pictures.drawing import Drawer
from ninja_daemon.app.pictures.drawn_pictures import InlineChannel, illustrated
from ninja_daemon.app.pictures.illustrating import Illustrator
from ninja_daemon.app.queues.opening import journal_file, local_queue_file, store_label
from ninja_daemon.app.queues.pauses_and_silences import JournalCopy, agree
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.status.closes_today import NearestByName
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.messages.destination import Delivery, Destination
from ninja_daemon.core.messages.lateness import Lateness
from ninja_daemon.core.messages.message import Kind
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.core.messages.send_policy import OutcomePolicy, SendPolicy
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.delivery.delivery_ports import DEADLINE, Channel, IllustratedChannel
from ninja_daemon.usecases.delivery.drain import DRAIN_MOST
from ninja_daemon.usecases.delivery.following_channel import FollowingChannel
from ninja_daemon.usecases.delivery.lane_worker import LaneWorker
from ninja_daemon.usecases.delivery.lanes import StoredLanes
from ninja_daemon.usecases.delivery.stored_queue import StoredQueue
from ninja_daemon.usecases.delivery.two_lanes import TwoLanes
from ninja_daemon.usecases.lifetimes import LANE_LEASE
from ninja_daemon.usecases.ports import Clock

_LOOK_ASIDE: Final = 0.25
"""Seconds between two looks into the journal, which is empty while Redis is there: a notifier must idle at no cost."""


class Reporting(Protocol):
    """Sends a report when it is due."""

    def tick(self, now: float) -> bool:
        """Send it if it is due and was not sent; return whether it was. Raises NinjaError."""


@dataclass(frozen=True, slots=True)
class NotifierParts:
    """Everything that the notifier is made of.

    Attributes:
        workers: one a destination.
        main: where the queue is.
        journal: where signals wait while Redis is away; None where the queue needs no Redis.
        agreed_silences: the silences that hold, after Redis was told of those that it did not know.
        resumed: destinations that people let go on while Redis is away.
        store: where the queue is, for the log.
        reporters: send the timed reports that somebody asked for.
        illustrator: gives messages their pictures.
        closers: close connections and files.
    """

    clock: Clock
    delivery: Delivery
    workers: tuple[TwoLanes, ...]
    main: QueuePlace
    journal: QueuePlace | None
    agreed_silences: Callable[[], Sequence[Silence]]
    resumed: Callable[[], frozenset[str]]
    store: str
    reporters: tuple[Reporting, ...]
    illustrator: Illustrator
    closers: tuple[Callable[[], None], ...]

    def close(self) -> None:
        """Close connections and files."""
        for closer in self.closers:
            closer()


def notifier_parts(
    environment: Environment, delivery: Delivery, strategies: Sequence[Strategy] = (), *, lease: float = LANE_LEASE
) -> NotifierParts:
    """Make the notifier's ports real; plain constructor calls, top to bottom.

    Args:
        environment: where Redis and the state directory are.
        delivery: destinations and routes.
        strategies: whom the daily report is about, and whose signals may become how old.
        lease: seconds for which a lane is kept.
    """
    clock, names = SystemClock(), [destination.name for destination in delivery.destinations]
    file, marks = local_queue_file(environment), SqliteJournal(journal_file(environment))
    local, copy = _local_place(file), JournalCopy(file)
    ledger = SqliteSentLedger(ledger_path(environment.state_dir, store_label(environment), environment.namespace))
    load: Load = LocalStateStore(marks).load
    main, agreed, resumed = local, local.queue.silences, copy.resumed
    if environment.cache_enabled:
        from ninja_daemon.app.notifier.redis_place import redis_place  # noqa: PLC0415 - not without Redis

        main, load, pauses = redis_place(environment, len(names))
        agreed = partial(agree, main.queue, pauses, copy, names)
    journal = local if environment.cache_enabled else None
    lateness = Lateness({one.name: one.max_signal_age for one in strategies if one.max_signal_age is not None})
    packs = (main.packs,) if journal is None else (main.packs, journal.packs)
    stop = threading.Event()
    drawer = Drawer(packs, clock, stop)
    illustrator = Illustrator(illustrated(delivery, strategies), drawer, ledger, clock, stop)
    make = partial(LaneWorker, ledger=ledger, clock=clock, lateness=lateness)
    workers = tuple(
        _worker(
            one,
            _channel(open_channel(one, strategies), one.policy, ledger, clock, (drawer, illustrator)),
            partial(make, lease=_lease(one, lease)),
            main,
            journal,
        )
        for one in delivery.destinations
    )
    return NotifierParts(
        clock=clock,
        delivery=delivery,
        workers=workers,
        main=main,
        journal=journal,
        agreed_silences=agreed,
        resumed=resumed,
        store="Redis" if environment.cache_enabled else "the journal",
        reporters=(
            *_daily(environment, delivery, strategies, load, main),
            *_near(delivery, strategies, load, main),
            *timed_reporters(environment, delivery, main.queue),
        ),
        illustrator=illustrator,
        closers=(
            illustrator.close,
            *(worker.close for worker in workers),
            ledger.close,
            *main.closers,
            marks.close,
            file.close,
        ),
    )


def _daily(
    environment: Environment, delivery: Delivery, strategies: Sequence[Strategy], load: Load, place: QueuePlace
) -> list[DailyReporter]:
    if delivery.daily is None:
        return []

    def noted(since: Instant) -> NearestByName:
        return read_noted(environment, (), since).nearest

    counted = environment.cache_enabled
    return [DailyReporter(delivery.daily, strategies, load, place.queue, counted=counted, noted=noted)]


def _near(delivery: Delivery, strategies: Sequence[Strategy], load: Load, place: QueuePlace) -> list[NearReporter]:
    return [] if delivery.near is None else [NearReporter(delivery.near, strategies, load, place.queue)]


def _local_place(file: LocalQueueFile) -> QueuePlace:
    store, signals, bell = LocalQueueStore(file), LocalInbox(file), LocalDoorbell(file, _LOOK_ASIDE)
    return QueuePlace(
        inboxes=(signals, LocalInbox(file, Kind.ALERT)),
        outcomes=LocalInbox(file, Kind.OUTCOME),
        lanes=StoredLanes(store),
        rings=lambda block: signals.peek(DRAIN_MOST) if bell.rang(block) else None,
        queue=StoredQueue(store),
        packs=LocalPicturePacks(file),
        closers=(),
    )


def _channel(
    channel: Channel,
    policy: SendPolicy,
    ledger: SqliteSentLedger,
    clock: Clock,
    pictures: tuple[Drawer, Illustrator],
) -> Channel:
    drawer, illustrator = pictures
    if not isinstance(channel, IllustratedChannel):
        return InlineChannel(channel, drawer.soon, policy.time_zone) if policy.picture else channel
    edits = policy.outcomes is OutcomePolicy.EDIT
    if not edits and not policy.picture:
        return channel
    hook = illustrator.posted if policy.picture else None
    return FollowingChannel(channel, ledger, clock, edits=edits, on_posted=hook)


def _lease(destination: Destination, least: float) -> float:
    # Two posts may be made under one lease, see ``Sender.asked_again``.
    return least + 2 * max(0.0, destination.policy.timeout - DEADLINE)


def _worker(
    destination: Destination,
    channel: Channel,
    make: Callable[..., LaneWorker],
    main: QueuePlace,
    journal: QueuePlace | None,
) -> TwoLanes:
    def on(place: QueuePlace) -> LaneWorker:
        return make(destination, channel=channel, lanes=place.lanes)

    return TwoLanes(on(main), None if journal is None else on(journal))

"""A queue, what lies in it and what time does to it: one bench for each of the two that there are."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import redis

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.journal.queue.inbox import LocalInbox
from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore
from ninja_daemon.adapters.journal.queue.queue_file import LocalQueueFile
from ninja_daemon.adapters.redis.queue.inbox import RedisInbox
from ninja_daemon.adapters.redis.queue.lanes import RedisQueueStore
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.adapters.stored.outcome import encode_outcome
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.core.messages.destination import Delivery, Destination
from ninja_daemon.core.messages.message import Kind
from ninja_daemon.core.messages.retry import RetryPolicy
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.usecases.delivery.delivery_event import DeliveryEvent
from ninja_daemon.usecases.delivery.delivery_ports import Inbox
from ninja_daemon.usecases.delivery.drain import DrainResult, drain
from ninja_daemon.usecases.delivery.lane_worker import LaneStep, LaneWorker
from ninja_daemon.usecases.delivery.lanes import StoredLanes
from ninja_daemon.usecases.delivery.queue_ports import QueueStore
from ninja_daemon.usecases.delivery.stored_queue import StoredQueue
from tests.fakes.channel import FakeChannel, FakeLedger
from tests.fakes.clock import FakeClock

AT_ONCE = RetryPolicy(base=0.0)
DESK = Destination("desk", "fake", policy=SendPolicy(retry=AT_ONCE, max_age=1e9))


class Ground(Protocol):
    """What a queue lies in, and the doors that only a test needs."""

    @property
    def store(self) -> QueueStore: ...
    @property
    def lanes(self) -> StoredLanes: ...
    @property
    def queue(self) -> StoredQueue: ...
    def inbox(self, kind: Kind = Kind.SIGNAL) -> Inbox: ...
    def put(self, text: bytes, kind: Kind = Kind.SIGNAL) -> None: ...
    def listed(self) -> list[str]: ...
    def waiting(self, lane: str) -> int: ...
    def grow_old(self, lane: str, seconds: int) -> None: ...
    def set_lane(self, lane: str, name: str, value: int) -> None: ...
    def spoil_head(self, lane: str) -> None: ...
    def put_junk_first(self, lane: str) -> None: ...
    def dead(self) -> list[str]: ...


class RedisGround:
    """Redis."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.keys = QueueKeys("t")
        self.store = RedisQueueStore(client, self.keys)
        self.lanes, self.queue = StoredLanes(self.store), StoredQueue(self.store)

    def inbox(self, kind: Kind = Kind.SIGNAL) -> RedisInbox:
        return RedisInbox(self.client, self.keys, kind)

    def put(self, text: bytes, kind: Kind = Kind.SIGNAL) -> None:
        self.client.rpush(self.keys.inbox(kind), text)

    def listed(self) -> list[str]:
        return [str(text) for text in self.client.lrange(self.keys.signals, 0, -1)]

    def waiting(self, lane: str) -> int:
        return int(self.client.llen(self.keys.lane(lane)))

    def grow_old(self, lane: str, seconds: int) -> None:
        key = self.keys.lane(lane)
        for index, text in enumerate(map(str, self.client.lrange(key, 0, -1))):
            header, _, body = text.partition("\n")
            kind, identity, number, accepted = header.split()
            self.client.lset(key, index, f"{kind} {identity} {number} {int(accepted) - seconds * 1000}\n{body}")

    def set_lane(self, lane: str, name: str, value: int) -> None:
        self.client.hset(self.keys.lane_state(lane), name, value)
        self.client.hincrby(self.keys.lane_state(lane), "version", 1)

    def spoil_head(self, lane: str) -> None:
        self.client.lset(self.keys.lane(lane), 0, "signal abc 1 1700000000000\n{}")

    def put_junk_first(self, lane: str) -> None:
        self.client.lpush(self.keys.lane(lane), "junk of somebody")

    def dead(self) -> list[str]:
        return [str(text) for text in self.client.lrange(self.keys.dead, 0, -1)]


class LocalGround:
    """A journal's file."""

    def __init__(self, path: Path) -> None:
        self.file = LocalQueueFile(path, SystemClock())
        self.store = LocalQueueStore(self.file)
        self.lanes, self.queue = StoredLanes(self.store), StoredQueue(self.store)
        self._names = itertools.count()

    def inbox(self, kind: Kind = Kind.SIGNAL) -> LocalInbox:
        return LocalInbox(self.file, kind)

    def _write(self, query: str, *values: object) -> None:
        with self.file.changing() as connection:
            connection.execute(query, values)

    def put(self, text: bytes, kind: Kind = Kind.SIGNAL) -> None:
        name = f"row {next(self._names)}"
        if kind is Kind.ALERT:
            self._write("INSERT INTO queue_alerts (alert) VALUES (CAST(? AS TEXT))", text)
        elif kind is Kind.OUTCOME:
            self._write("INSERT INTO outcomes (id, outcome) VALUES (?, CAST(? AS TEXT))", name, text)
        else:
            self._write("INSERT INTO outbox (id, signal) VALUES (?, CAST(? AS TEXT))", name, text)

    def listed(self) -> list[str]:
        return [text for _, text in self.file.waiting(1_000)]

    def waiting(self, lane: str) -> int:
        with self.file.reading() as connection:
            query = "SELECT count(*) FROM queue_messages WHERE lane = ?"
            return int(connection.execute(query, (lane,)).fetchone()[0])

    def grow_old(self, lane: str, seconds: int) -> None:
        self._write("UPDATE queue_messages SET accepted = accepted - ? WHERE lane = ?", seconds * 1000, lane)

    def set_lane(self, lane: str, name: str, value: int) -> None:
        query = f"UPDATE queue_lanes SET {name} = ?, version = version + 1 WHERE name = ?"  # noqa: S608 - a column's name
        self._write(query, value, lane)

    def spoil_head(self, lane: str) -> None:
        self._write("UPDATE queue_messages SET text = '{}' WHERE lane = ? AND number = 1", lane)

    def put_junk_first(self, lane: str) -> None:
        self._write("INSERT INTO queue_messages VALUES (?, 0, 'junk', 'of somebody', 0, '')", lane)

    def dead(self) -> list[str]:
        with self.file.reading() as connection:
            return [row[0] for row in connection.execute("SELECT letter FROM queue_dead ORDER BY sequence")]


@dataclass
class Bench:
    """A queue, and the destinations behind it."""

    ground: Ground
    ledger: FakeLedger = field(default_factory=FakeLedger)
    events: list[DeliveryEvent] = field(default_factory=list)
    draw: float = 0.0

    def lists(self, *signals: Signal | str) -> None:
        for one in signals:
            text = one if isinstance(one, str) else encode_signal(one)
            self.ground.put(text.encode("utf-8", "surrogateescape"))

    def alarms(self, *alerts: str) -> None:
        for one in alerts:
            self.ground.put(one.encode(), Kind.ALERT)

    def ends(self, *outcomes: Outcome | str) -> None:
        for one in outcomes:
            text = one if isinstance(one, str) else encode_outcome(one)
            self.ground.put(text.encode("utf-8", "surrogateescape"), Kind.OUTCOME)

    def drains(self, delivery: Delivery, *silences: Silence, kind: Kind = Kind.SIGNAL) -> DrainResult:
        result = drain(self.ground.inbox(kind), delivery, silences, 1_700_000_000.0)
        self.events += result.events
        return result

    def worker(
        self,
        channel: FakeChannel,
        destination: Destination = DESK,
        lease: float = 20.0,
        lanes: StoredLanes | None = None,
    ) -> LaneWorker:
        return LaneWorker(
            destination,
            channel=channel,
            lanes=lanes or self.ground.lanes,
            ledger=self.ledger,
            clock=FakeClock(),
            draw=lambda: self.draw,
            lease=lease,
        )

    def works(self, worker: LaneWorker) -> LaneStep:
        """Let the worker go on until it has nothing to do; return why."""
        while True:
            step = worker.step()
            self.events += step.events
            if not step.worked:
                return step

    def grow_old(self, lane: str = "desk", seconds: int = 3_600) -> None:
        """Make every message of a lane older than it is."""
        self.ground.grow_old(lane, seconds)

    def has_accepted(self, lane: str = "desk") -> None:
        """Let the destination of a lane have accepted something before."""
        self.ground.set_lane(lane, "accepted", 1)

    def end_pause(self, lane: str) -> None:
        self.ground.set_lane(lane, "paused", round(time.time() * 1000))

    @property
    def queue(self) -> StoredQueue:
        return self.ground.queue

    def names(self) -> list[str]:
        return [event.name for event in self.events]

    def counters(self) -> dict[str, int]:
        return dict(self.queue.depths().counters)

    def waiting(self, lane: str = "desk") -> int:
        return self.ground.waiting(lane)

    def listed(self) -> Sequence[str]:
        return self.ground.listed()

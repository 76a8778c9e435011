"""A lane in memory, a clock that a test moves, and a destination that answers by a rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ninja_daemon.core.lanes.record import LaneRecord
from ninja_daemon.core.messages.destination import Destination, PostResult, Sent
from ninja_daemon.core.messages.lateness import Lateness
from ninja_daemon.core.messages.message import Notice
from ninja_daemon.core.messages.retry import RetryPolicy
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.usecases.delivery.delivery_event import DeliveryEvent
from ninja_daemon.usecases.delivery.lane_worker import LaneStep, LaneWorker
from ninja_daemon.usecases.delivery.lanes import StoredLanes
from tests.fakes.channel import FakeChannel, FakeLedger
from tests.fakes.clock import FakeClock
from tests.fakes.lane_store import MemoryLaneStore
from tests.fakes.messages import an_entry

DESK = Destination("desk", "fake", policy=SendPolicy(retry=RetryPolicy(base=0.0)))


@dataclass
class Scene:
    """A lane in memory, a clock that a test moves, a destination that answers by a rule."""

    answer: Callable[[], PostResult] = Sent
    destination: Destination = DESK
    lateness: Lateness = field(default_factory=Lateness)
    clock: FakeClock = field(default_factory=FakeClock)
    events: list[DeliveryEvent] = field(default_factory=list)
    posts: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = MemoryLaneStore(self.clock)
        self.began = self.clock.now()
        self.channels: list[FakeChannel] = []
        self.worker = self.another(self.destination)
        self.number = 0

    def another(self, destination: Destination) -> LaneWorker:
        channel = FakeChannel(provider="fake")
        self.channels.append(channel)
        send = channel.send

        def answered(bundle: object) -> PostResult:
            send(bundle)  # type: ignore[arg-type]
            self.posts.append((self.clock.now() - self.began, channel.bundles[-1].id))
            return self.answer()

        channel.send = answered  # type: ignore[method-assign]
        return LaneWorker(
            destination,
            channel=channel,
            lanes=StoredLanes(self.store),
            ledger=FakeLedger(),
            clock=self.clock,
            draw=lambda: 0.5,
            lateness=self.lateness,
        )

    def put(self, count: int = 1, lane: str = "desk", **changes: Any) -> None:
        for _ in range(count):
            self.number += 1
            self.store.messages[lane].append(an_entry(self.number, accepted=self.clock.now(), **changes))

    def work(self, worker: LaneWorker | None = None) -> LaneStep:
        while True:
            step = (worker or self.worker).step()
            self.events += step.events
            if not step.worked:
                return step

    def pass_time(self, seconds: float, step: float = 1.0) -> None:
        """Let a while pass; the worker looks up all the time."""
        until = self.clock.now() + seconds
        while self.clock.now() < until:
            self.clock.time += step
            self.work()

    @property
    def record(self) -> LaneRecord:
        return self.store.records["desk"]

    @property
    def alerts(self) -> list[Notice]:
        return self.store.alerts

    def topics(self) -> list[str]:
        return [alert.topic for alert in self.alerts]

    def times(self) -> list[float]:
        return [round(at) for at, _ in self.posts]

    def waiting(self) -> int:
        return len(self.store.messages["desk"])


def in_turn(*answers: PostResult) -> Callable[[], PostResult]:
    left = list(answers)
    return lambda: left.pop(0) if left else Sent()

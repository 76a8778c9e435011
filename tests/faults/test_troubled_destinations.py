"""Signals to eight destinations of all kinds, each of which gets into every trouble that destinations get into.

500 of them in the long version, 100 otherwise. One destination is renamed on the way.
The receivers are real servers; the queue lies in a file; the clock is the test's, so that hours of probes take seconds.
A slow receiver takes ten real seconds in the long version, a fifth of a second otherwise.
"""

from __future__ import annotations

import io
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from ninja_daemon.adapters.channels.console import ConsoleChannel
from ninja_daemon.adapters.channels.registry import KINDS, open_channel
from ninja_daemon.adapters.journal.queue.inbox import LocalInbox
from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore
from ninja_daemon.adapters.journal.queue.queue_file import LocalQueueFile
from ninja_daemon.adapters.journal.sent_ledger import SqliteSentLedger
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.core.messages.destination import Delivery, Destination
from ninja_daemon.core.messages.message import Kind, Notice
from ninja_daemon.core.messages.routing import MATCH_ALL, Route
from ninja_daemon.usecases.delivery.delivery_ports import Channel
from ninja_daemon.usecases.delivery.drain import drain
from ninja_daemon.usecases.delivery.lane_worker import LaneWorker
from ninja_daemon.usecases.delivery.lanes import StoredLanes
from ninja_daemon.usecases.delivery.queue_ports import Moved
from ninja_daemon.usecases.delivery.stored_queue import StoredQueue
from tests.adapters.channels.options import ROWS
from tests.fakes.clock import FakeClock
from tests.fakes.messages import CLOSE_TIME, a_signal
from tests.fakes.receiver import OK, Answer, Post, receiver
from tests.servers import free_port

# apprise loads every plugin it has, and one of them an old module of the standard library.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SIGNALS = 500
WRONG = (0.3, 0.7)
"""Where two signals stand that are themselves wrong: every service that can say so refuses them for what is in them."""
TEN_MINUTES, SLOW, SLOW_LONG = 600.0, 0.2, 10.0
RENAMED = ("club", "hall")
"""A destination gets another name while messages wait in its lane."""
KIND_OF = {
    "screen": "console",
    "desk": "webhook",
    "ops": "webhook",
    "club": "discord",
    "bell": "ntfy",
    "chat": "telegram",
    "mail": "email",
    "any": "apprise",
}
BEGINS = {"forum": 0.12, "rights": 0.26, "gone": 0.4, "throttled": 0.54, "slow": 0.8}
"""After which part of the signals each trouble begins."""
THROTTLED = 5
FORUM = {
    "discord": Answer.of(400, {"code": 220001, "message": "Webhooks posted to forum channels must have a thread_name"}),
    "telegram": Answer.of(400, {"ok": False, "description": "Bad Request: message thread not found"}),
}
RIGHTS = {
    "discord": Answer.of(403, {"code": 50013, "message": "Missing Permissions"}),
    "telegram": Answer.of(
        400, {"ok": False, "description": "Bad Request: need administrator rights in the channel chat"}
    ),
}
REFUSED = {
    "discord": Answer.of(400, {"code": 50035, "message": "Invalid Form Body", "errors": {"embeds": {}}}),
    "telegram": Answer.of(400, {"ok": False, "description": "Bad Request: can't parse entities"}),
    "webhook": Answer.of(422, {"error": "no such price"}),
    "ntfy": Answer.of(413, {"code": 41301, "http": 413, "error": "message or attachment too large"}),
}
NUMBERS = {a_signal(number).id[:8]: number for number in range(SIGNALS)}


def wrong(signals: int) -> list[int]:
    return [round(place * signals) for place in WRONG]


def number_in(text: str) -> int | None:
    """Return which signal a message is about; None for an alert."""
    found = (NUMBERS.get(word) for word in re.findall(r"\b[0-9a-f]{8}", text))
    return next((number for number in found if number is not None), None)


@dataclass
class Place:
    """One destination's side: what it has accepted, and how it answers at this moment."""

    kind: str
    clock: FakeClock
    signals: int
    slow: float
    accepted: list[int] = field(default_factory=list)
    left: list[str] = field(default_factory=lambda: list(BEGINS))
    trouble: str = ""
    ends: float = 0.0
    answers: int = 0

    def judge(self, text: str) -> str:
        """Take a message in, unless there is trouble; return how it is answered."""
        if self.left and len(self.accepted) >= BEGINS[self.left[0]] * self.signals:
            self.trouble, self.ends, self.answers = self.left.pop(0), self.clock.now() + TEN_MINUTES, 0
        self.answers += 1
        if self.trouble in {"forum", "rights", "gone"} and self.clock.now() < self.ends:
            return self.trouble
        if self.trouble == "throttled" and self.answers <= THROTTLED:
            return self.trouble
        number = number_in(text)
        if number in wrong(self.signals) and self.kind in {*REFUSED, "email"}:
            return "wrong"
        if number is not None:
            self.accepted.append(number)
        return "slow" if self.trouble == "slow" and self.answers <= 1 else ""

    def http(self, post: Post) -> Answer:
        """Answer as the kind of service does."""
        text = post.text + str(post.headers.get("webhook-id", ""))
        said = self.judge(text)
        if said == "slow":
            time.sleep(self.slow)
        answers = {
            "forum": FORUM.get(self.kind, Answer(403)),
            "rights": RIGHTS.get(self.kind, Answer(403)),
            "gone": Answer(404, b"<html>not found</html>"),
            "throttled": Answer(429, b"error code: 1015"),
            "wrong": REFUSED.get(self.kind, Answer(500)),
        }
        return answers.get(said, OK)


class MailPlace:
    """The mail server's way to say the same."""

    def __init__(self, place: Place) -> None:
        self.place = place

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        del server, session
        mail = message_from_bytes(envelope.content, policy=policy.default)
        said = self.place.judge(str(mail.get("X-Ninja-Signal", "")))
        return {
            "forum": "550 5.1.1 no such user",
            "rights": "550 5.7.60 not permitted to send as this sender",
            "gone": "550 5.3.2 system not accepting messages",
            "throttled": "421 4.7.0 too many messages",
            "wrong": "554 5.6.0 content is not valid",
        }.get(said, "250 OK")


class Screen(io.StringIO):
    """A terminal that goes away."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place

    def write(self, text: str) -> int:
        if self.place.judge(text) not in {"", "slow"}:
            raise BrokenPipeError
        return len(text)


@dataclass
class World:
    """The queue, its workers, and what the operator heard."""

    clock: FakeClock
    file: LocalQueueFile
    delivery: Delivery
    channels: dict[str, Channel]
    ledger: SqliteSentLedger
    places: dict[str, Place]
    signals: int
    alerts: list[Notice] = field(default_factory=list)

    def __post_init__(self) -> None:
        store = LocalQueueStore(self.file)
        self.lanes, self.queue = StoredLanes(store), StoredQueue(store)
        self.workers = [self.works(destination) for destination in self.delivery.destinations]
        self.inboxes = [LocalInbox(self.file), LocalInbox(self.file, kind=Kind.ALERT)]

    def works(self, destination: Destination) -> LaneWorker:
        channel = self.channels[destination.name]
        return LaneWorker(
            destination, channel=channel, lanes=self.lanes, ledger=self.ledger, clock=self.clock, draw=lambda: 0.5
        )

    def lists(self, first: int, count: int) -> None:
        with self.file.changing() as connection:
            for number in range(first, first + count):
                signal = a_signal(number, created_at=self.clock.now())
                connection.execute("INSERT INTO outbox (id, signal) VALUES (?, ?)", (signal.id, encode_signal(signal)))

    def turn(self) -> None:
        """Drain, and let every worker go on until it has nothing to do."""
        for inbox in self.inboxes:
            while drain(inbox, self.delivery, (), self.clock.now()).moved:
                pass
        self.renames()
        for worker in self.workers:
            while worker.step().worked:
                pass

    def renames(self) -> None:
        """Give a destination another name, once, when messages wait for it and it is not in trouble."""
        old, new = RENAMED
        lane = next((lane for lane in self.queue.depths().lanes if lane.destination == old), None)
        if new in self.places or lane is None or lane.state != "ready" or lane.delivered < 0.6 * self.signals:
            return
        destinations = [replace(one, name=new) if one.name == old else one for one in self.delivery.destinations]
        names = tuple(destination.name for destination in destinations)
        self.delivery = replace(self.delivery, destinations=tuple(destinations), routes=(Route(MATCH_ALL, names),))
        self.places[new], self.channels[new] = self.places.pop(old), self.channels.pop(old)
        self.workers = [self.works(destination) for destination in destinations]
        assert self.queue.move(old, new) == Moved(lane.waiting, 1)

    def name_now(self, name: str) -> str:
        old, new = RENAMED
        return new if name == old and new in self.places else name

    def drains_alerts(self) -> None:
        view = self.inboxes[1].peek(1_000)
        self.alerts += [arrival.notice for arrival in view.arrivals if arrival.notice is not None]

    def waits(self) -> float | None:
        """Return how long until a lane goes on; None when all are empty."""
        lanes = [lane for lane in self.queue.depths().lanes if lane.waiting]
        return min((lane.due_in or 0.0 for lane in lanes), default=None)


@pytest.fixture
def world(tmp_path: Path, long: bool) -> Iterator[World]:
    signals = SIGNALS if long else SIGNALS // 5
    clock = FakeClock(CLOSE_TIME + 2.0)
    file = LocalQueueFile(tmp_path / "journal.sqlite3", clock)
    ledger = SqliteSentLedger(tmp_path / "sent.sqlite3")
    slow = SLOW_LONG if long else SLOW
    with ExitStack() as stack:
        places = {name: Place(kind, clock, signals, slow) for name, kind in KIND_OF.items()}
        destinations: list[Destination] = []
        channels: dict[str, Channel] = {}
        for name, kind in KIND_OF.items():
            destination = Destination(name, kind, options_at(stack, places[name]), KINDS[kind].policy)
            # The signals of a few minutes meet three outages of ten minutes: more than the hour that is the default.
            policy = replace(destination.policy, timeout=5 * slow, max_age=7_200.0)
            destinations.append(replace(destination, policy=policy))
            is_console = kind == "console"
            channels[name] = (
                ConsoleChannel(destinations[-1], Screen(places[name])) if is_console else open_channel(destinations[-1])
            )
            stack.callback(channels[name].close)
        delivery = Delivery(tuple(destinations), (Route(MATCH_ALL, tuple(KIND_OF)),), ("ops", "screen"))
        yield World(clock, file, delivery, channels, ledger, places, signals)
        ledger.close()
        file.close()


def options_at(stack: ExitStack, place: Place) -> Any:
    if place.kind == "email":
        controller = Controller(MailPlace(place), hostname="127.0.0.1", port=free_port())
        controller.start()
        stack.callback(controller.stop)
        return ROWS["email"](f"http://127.0.0.1:{controller.port}")
    server = stack.enter_context(receiver())
    server.script = place.http
    return ROWS[place.kind](server.url)


def run(world: World) -> None:
    listed = 0
    for _ in range(20_000):
        if listed < world.signals:
            world.lists(listed, 10)
            listed += 10
        world.drains_alerts()
        world.turn()
        wait = world.waits()
        if wait is None and listed == world.signals and not world.inboxes[1].peek(1).arrivals:
            return
        world.clock.time += max(1.0, 20.0 if wait is None else min(wait, 20.0))
    pytest.fail(json.dumps([(lane.destination, lane.waiting, lane.state) for lane in world.queue.depths().lanes]))


@pytest.mark.timeout(600)
def test_every_destination_gets_over_every_trouble_that_is_told_once(world: World) -> None:
    run(world)
    # An hour later all that is to be told has been told.
    for _ in range(70):
        world.clock.time += 60.0
        world.drains_alerts()
        world.turn()
    everything, bad = range(world.signals), wrong(world.signals)
    for name, place in world.places.items():
        can_refuse = place.kind in {*REFUSED, "email"}
        expected = [number for number in everything if not (can_refuse and number in bad)]
        assert place.accepted == expected, name
        assert not place.left, name
    dead = Counter((letter.destination, letter.id) for letter in world.queue.dead_letters())
    refusing = [name for name, place in world.places.items() if place.kind in {*REFUSED, "email"}]
    assert dead == Counter({(name, a_signal(number).id): 1 for name in refusing for number in bad})
    told = Counter((notice.topic, world.name_now(notice.about)) for notice in world.alerts)
    for name in refusing:
        is_http = world.places[name].kind != "email"
        assert told["lane_suspended", name] == 3, name
        assert told["lane_throttled", name] == is_http, name
        assert told["lane_healed", name] == 3 + is_http, name
        about = [one for one in world.alerts if (one.topic, world.name_now(one.about)) == ("dead_letters", name)]
        assert sum(int(one.text.split()[0]) for one in about) == 2, name
    assert RENAMED[1] in world.places
    assert len({notice.id for notice in world.alerts}) == len(world.alerts)

"""A message that is in Redis and in the journal at once, because the reply to its commit was lost: it is sent once.

Each way has a lane of its own, and a notifier of its own may be at work in each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field

import pytest

from ninja_daemon.adapters.stored.signal import encode_signal
from tests.fakes.messages import a_signal
from tests.fakes.receiver import OK, Answer, Post
from tests.faults.judge import count_deliveries
from tests.faults.scene import Scene
from tests.faults.tally import Row, Tally

SIGNAL = a_signal(1)
NEXT = a_signal(2)


@pytest.fixture
def scene(open_scene: Callable[..., Scene]) -> Scene:
    return open_scene()


@dataclass(frozen=True)
class Held:
    """The first post: it ``came`` when it was read whole (a connection is no post yet); ``let_go`` answers it."""

    came: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def held(scene: Scene) -> Iterator[Held]:
    first = Held()

    def answer(_: Post) -> Answer:
        if not first.came.is_set():
            first.came.set()
            first.let_go.wait(20)
        return OK

    scene.world.receiver.script = answer
    yield first
    first.let_go.set()


def lists(scene: Scene) -> None:
    scene.client.rpush(scene.key("signals"), encode_signal(SIGNAL))


def crosses_aside(scene: Scene) -> None:
    scene.crosses_aside({SIGNAL.id: encode_signal(SIGNAL)})


@pytest.mark.parametrize(("first_way", "second_way"), [(lists, crosses_aside), (crosses_aside, lists)])
def test_what_one_notifier_is_sending_another_does_not_send_as_well(
    scene: Scene,
    held: Held,
    tally: Tally,
    first_way: Callable[[Scene], None],
    second_way: Callable[[Scene], None],
) -> None:
    children = [scene.notifier(), scene.notifier()]
    received = scene.world.receiver
    first_way(scene)
    assert children[0].until(held.came.is_set, "the first post")
    second_way(scene)
    assert not children[0].until_or_not(lambda: received.connections > 1, 1.0), "the message is on its way already"
    held.let_go.set()
    scene.client.rpush(scene.key("signals"), encode_signal(NEXT))
    assert children[0].until(lambda: scene.heard([SIGNAL.id, NEXT.id]), "both deliveries")
    figures = count_deliveries(scene.posts(), [SIGNAL.id, NEXT.id])
    tally.record(Row("a message on two ways, two notifiers", 1, expected=2, **asdict(figures)))
    assert figures.delivery_repeated == 0


@pytest.mark.parametrize(("first_way", "second_way"), [(lists, crosses_aside), (crosses_aside, lists)])
def test_what_a_killed_notifier_was_sending_is_marked_on_the_other_way(
    scene: Scene,
    held: Held,
    tally: Tally,
    first_way: Callable[[Scene], None],
    second_way: Callable[[Scene], None],
) -> None:
    first_way(scene)
    child = scene.notifier()
    assert child.until(held.came.is_set, "the first post")
    second_way(scene)
    child.kill()
    held.let_go.set()
    scene.notifier("--drain").exited(0)
    figures = count_deliveries(scene.posts(), [SIGNAL.id])
    tally.record(Row("a message on two ways, kill -9", 1, expected=1, **asdict(figures)))
    assert (figures.delivery_repeated, figures.marked) == (1, 1)

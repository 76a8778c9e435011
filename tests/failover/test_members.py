"""Members that work on thousands of strategies, killed, asleep, cut off: the list is the oracle's, all limits hold."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from ninja_daemon.adapters.oanda.limits import CONNECTIONS_A_SECOND, REQUESTS_A_SECOND
from ninja_daemon.usecases.lifetimes import LEASE
from tests.failover.lab import Lab, lab
from tests.failover.many import SHARDS, Members, Size, sharing
from tests.fakes.receiver import Receiver, receiver
from tests.faults.judge import compare_list, count_deliveries, count_list, ids_of
from tests.faults.nursery import Child
from tests.faults.tally import Row, Tally
from tests.servers import RedisServer

TICK = 5.0
TAKEN_OVER = LEASE + 3 * TICK
"""Seconds after which a member that says nothing more must have lost its shards: three ticks after its lease."""
LOOK = TICK
"""Seconds after which one whose process is gone must have: nobody waits for its lease."""
WHOLE = Size(340, 56)


@contextmanager
def killed(member: Child, _: Members, __: Lab) -> Iterator[None]:
    """Kill -9."""
    member.kill()
    yield


@contextmanager
def asleep(member: Child, _: Members, __: Lab) -> Iterator[None]:
    """SIGSTOP; it still believes in its shards when it wakes."""
    os.kill(member.pid, signal.SIGSTOP)
    yield
    os.kill(member.pid, signal.SIGCONT)


@contextmanager
def cut_off(_: Child, members: Members, network: Lab) -> Iterator[None]:
    """No packet between its machine and Redis, while the broker answers it: it goes on alone."""
    redis, its = members.server.place, network.places[1]
    network.cut([redis], [its])
    yield
    network.heal()


HOW: dict[str, tuple[Callable[[Child, Members, Lab], AbstractContextManager[None]], float]] = {
    "killed": (killed, LOOK),
    "asleep": (asleep, TAKEN_OVER),
    "cut off": (cut_off, TAKEN_OVER),
}


@pytest.mark.timeout(1_800)
def test_members_of_thousands_of_strategies_stand_in_for_each_other(tmp_path: Path, tally: Tally, long: bool) -> None:
    if not long:
        pytest.skip("members wait here as they do outside, a lease long; make faults waits for them")
    network = lab(2)
    with network as machines, receiver() as posts:
        redis, beyond = machines.places
        toml = f'[destinations.a]\nchannel = "webhook"\ninsecure = true\nmax_age = "30 d"\nurl = "{posts.url}"\n'
        server = RedisServer(tmp_path / "redis", tcp=True, place=redis, appendonly=True)
        with server, sharing(tmp_path, WHOLE, toml, server, beyond) as members:
            begin_together(members, beyond)
            for how in HOW:
                stands_in(members, machines, how, tally)
            members.shows()
            members.takes_in()
            listed, counts = members.listed(), members.broker.ask()
            ids = ids_of(listed)
            members.until(lambda: set(ids) <= heard(posts), "the delivery of everything")
            expected = members.expected()
            figures = asdict(count_list(listed, expected)) | asdict(count_deliveries({"a": posts.posts}, ids))
            compare_list(listed, expected)
            tally.record(Row(f"members of {len(members.rules)} strategies, each thing once", len(HOW), **figures))
            print(counts)  # noqa: T201 - shown with -s
            assert counts["most_requests"] <= REQUESTS_A_SECOND
            assert counts["most_connections"] <= CONNECTIONS_A_SECOND


def heard(posts: Receiver) -> set[str]:
    """The ids that have arrived."""
    return {post.headers["webhook-id"] for post in list(posts.posts)}


def begin_together(members: Members, beyond: object) -> None:
    """Start a notifier and four members, one of them on a machine of its own, and let the first candles close."""
    members.joins(command="notify")
    first = members.joins()
    members.until(lambda: members.leads(first) == SHARDS, "one that is alone to lead all")
    for place in ({}, {}, {"place": beyond}):
        members.joins(**place)  # type: ignore[arg-type]
    members.takes_in(limit=400.0)
    daemons = members.living[1:]
    members.calms_down()
    members.until(lambda: all(map(members.leads, daemons)), "each to lead some")
    for _ in range(2):
        members.shows()
        members.takes_in()


def stands_in(members: Members, machines: Lab, how: str, tally: Tally) -> None:
    """Have a member go in the middle of a wake; the others do its work, and it changes nothing when it is back."""
    befalls, limit = HOW[how]
    members.calms_down()
    members.until(lambda: all(map(members.leads, members.living[1:])), "each to lead some")
    # The last one is on a machine of its own: whoever sleeps in the middle of a write holds the journal of its machine.
    member = members.living[1 if how == "killed" else -1]
    members.shows()
    with befalls(member, members, machines):
        members.living.remove(member)
        seconds = members.until(lambda: members.is_taken_over(member), f"the takeover of one that is {how}")
        members.takes_in()
        members.shows()
        members.takes_in()
    if how == "killed":
        members.living.insert(1, members.joins())
        members.living.pop()
    else:
        members.living.append(member)
    members.shows()
    members.takes_in()
    tally.record(Row(f"members of {len(members.rules)} strategies, {how}: taken over", 1, recovery=seconds))
    assert seconds < limit

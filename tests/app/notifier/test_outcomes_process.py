"""Outcomes in the notify process as its users run it, with Redis, without it, and while it is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.kept_commits import KeptCommits
from ninja_daemon.adapters.stored.outcome import encode_outcome
from ninja_daemon.adapters.stored.prepared import ListedOutcome, ListedSignal, PreparedCommit
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.app.queues.opening import journal_file
from ninja_daemon.app.settings.environment import read_environment
from tests.fakes.messages import a_signal, an_outcome
from tests.fakes.receiver import Answer, Post, Receiver, receiver
from tests.processes import Workplace, workplace
from tests.servers import RedisServer

__all__ = ["workplace"]


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as made:
        made.script = lambda _: Answer.of(200, {"id": "77"})
        yield made


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    made = redis.Redis.from_url(redis_url, decode_responses=True)
    yield made
    made.close()


def club(server: Receiver, more: str = 'outcomes = "edit"') -> str:
    url = f"{server.url}/api/webhooks/1/club"
    return f'[destinations.club]\nchannel = "discord"\nurl = "{url}"\ninsecure = true\nrate = "none"\n{more}\n'


def methods(posts: list[Post]) -> list[str]:
    return [post.method for post in posts]


def keeps(place: Workplace, *numbers: int, outcomes: tuple[int, ...] = ()) -> None:
    """Keep a commit in the journal, as a daemon does whose Redis is away."""
    signals = [a_signal(number) for number in numbers]
    ended = [an_outcome(number) for number in outcomes]
    commit = PreparedCommit(
        strategy="EUR_USD_H4",
        expected="",
        target="2026-01-05T00:00:00Z",
        commit="c",
        base="",
        life_ms=60_000,
        settings="x",
        averages={},
        sides={},
        signals=[ListedSignal(one.id, one.time, encode_signal(one)) for one in signals],
        outcomes=[ListedOutcome(one.id, one.time, encode_outcome(one)) for one in ended],
    )
    path = journal_file(read_environment(place.environment, place.directory))
    with closing(SqliteJournal(path)) as journal:
        KeptCommits(journal).keep([commit], unsure=False)


def test_a_drain_posts_a_signal_and_then_shows_how_it_ended(
    workplace: Workplace, redis_url: str, client: redis.Redis, server: Receiver
) -> None:
    workplace.environment["REDIS_URL"] = redis_url
    client.rpush("{ninja}:outcomes", encode_outcome(an_outcome(1)))
    client.rpush("{ninja}:signals", encode_signal(a_signal(1)))
    workplace.configure(club(server)).run("notify", "--drain").exited(0)
    assert methods(server.posts) == ["POST", "PATCH"]
    assert "club: 1 outcomes shown, 0 left out" in workplace.run("queue").exited(0).out


def test_a_list_of_outcomes_of_the_wrong_type_keeps_no_signal_waiting(
    workplace: Workplace, redis_url: str, client: redis.Redis, server: Receiver
) -> None:
    workplace.environment["REDIS_URL"] = redis_url
    client.set("{ninja}:outcomes", "no list")
    running = workplace.configure(club(server)).start("notify")
    for number in (1, 2):
        client.rpush("{ninja}:signals", encode_signal(a_signal(number)))
        server.wait_for_posts(number)
    running.says("outcomes cannot be taken off their list")
    client.delete("{ninja}:outcomes")
    client.rpush("{ninja}:outcomes", encode_outcome(an_outcome(1)))
    server.wait_for_posts(3)
    running.terminate().exited(0)
    assert methods(server.posts) == ["POST", "POST", "PATCH"]


def test_outcomes_of_an_outage_are_shown_at_once_and_once(
    workplace: Workplace, tmp_path: Path, server: Receiver
) -> None:
    with RedisServer(tmp_path / "redis", appendonly=True) as store:
        workplace.environment["REDIS_URL"] = store.url
        running = workplace.configure(club(server)).start("notify")
        with closing(store.client()) as client:
            client.rpush("{ninja}:signals", encode_signal(a_signal(1)))
        server.wait_for_posts(1)
        store.kill()
        keeps(workplace, 2, outcomes=(1, 2))
        server.wait_for_posts(4)
        store.start()
        with closing(store.client()) as client:
            client.rpush("{ninja}:signals", encode_signal(a_signal(2)), encode_signal(a_signal(3)))
            client.rpush("{ninja}:outcomes", *(encode_outcome(an_outcome(number)) for number in (1, 2, 3)))
        server.wait_for_posts(6, limit=30.0)
        running.terminate().exited(0)
    assert sorted(methods(server.posts)) == ["PATCH"] * 3 + ["POST"] * 3


def test_without_redis_outcomes_are_shown_too(workplace: Workplace, server: Receiver) -> None:
    workplace.environment["CACHE_ENABLED"] = "false"
    workplace.configure(club(server))
    keeps(workplace, 1, outcomes=(1,))
    workplace.run("notify", "--drain").exited(0)
    assert methods(server.posts) == ["POST", "PATCH"]

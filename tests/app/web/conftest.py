"""A web server of the test's own, over what a daemon really left in Redis."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis

from ninja_daemon.adapters.stored.queue import encode_dead
from ninja_daemon.app.daemon.notes.evaluation_notes import EvaluationNotes
from ninja_daemon.app.pictures.keeping import CandleKeeper
from ninja_daemon.app.queues.opening import candles_file, evaluations_file
from ninja_daemon.app.settings.environment import Environment, read_environment
from ninja_daemon.app.web.look import Histories, Insides
from ninja_daemon.app.web.owner.site import OwnersSite
from ninja_daemon.app.web.record.delayed_record import DelayedRecord
from ninja_daemon.app.web.server import WebServer
from ninja_daemon.app.web.site import PublicSite
from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.usecases.wake_result import WakeResult
from tests.app.stored import CONFIGURATION, START, closes_with_crosses, work
from tests.fakes.clock import FakeClock

SECRET = "hunter2-webhook"
DESTINATIONS = f"""
[destinations.the_desk]
channel = "webhook"
url = "https://hooks.example.org/{SECRET}"
"""
CLOSES = closes_with_crosses(60)
END = START + 60 * 900
"""Close of the newest candle."""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str


class Site(NamedTuple):
    """A running server."""

    server: WebServer
    port: int

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())


Start = Callable[..., Site]


@pytest.fixture
def environment(tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Environment:
    (tmp_path / "ninja.toml").write_text(CONFIGURATION + DESTINATIONS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NINJA_CONFIG", "ninja.toml")
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("NINJA_STATE_DIR", str(tmp_path / "state"))
    return read_environment()


class WebClock(FakeClock):
    """Says the time that a test sets; lengths of time are real, as the threads of a server need them."""

    def __init__(self) -> None:
        super().__init__(END + 60.0)

    def monotonic(self) -> float:
        return self.time + time.monotonic()

    def advance(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> WebClock:
    return WebClock()


@pytest.fixture
def start(environment: Environment, clock: WebClock) -> Iterator[Start]:
    """Starts the owner's site, or the public one when a delay is given."""
    servers: list[WebServer] = []
    usual = environment

    def run(delay: float | None = None, hosts: tuple[str, ...] = (), environment: Environment = usual) -> Site:
        histories, insides = Histories(environment, clock), Insides(environment, clock)
        site: OwnersSite | PublicSite = OwnersSite(histories, insides, clock)
        if delay is not None:
            site = PublicSite(histories, DelayedRecord(environment), clock, delay)
        server = WebServer(("127.0.0.1", 0), site, hosts, print)
        server.start()
        servers.append(server)
        return Site(server, server.port)

    yield run
    for server in servers:
        server.stop()
        server.site.close()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def listed(redis_url: str, tmp_path: Path, client: redis.Redis, environment: Environment) -> list[dict[str, Any]]:
    """The signals that a daemon has listed, oldest first; candles and evaluations are kept as it keeps them."""
    keeper, notes = CandleKeeper(candles_file(environment)), EvaluationNotes(evaluations_file(environment), WebClock())

    def keep(wake: WakeResult) -> None:
        keeper.after(wake)
        notes.after(wake)

    work(redis_url, tmp_path, CLOSES, keep=keep)
    keeper.close()
    notes.close()
    texts: Any = client.lrange("{ninja}:history", 0, -1)
    return [json.loads(text) for text in texts]


@pytest.fixture
def dead(client: redis.Redis, listed: list[dict[str, Any]]) -> DeadLetter:
    """A dead letter of the newest signal, whose reason is what no page may take for markup."""
    letter = DeadLetter(
        destination="the_desk",
        kind="signal",
        id=listed[-1]["id"],
        cause="refused",
        status=400,
        reason="<script>alert(1)</script> said no",
        attempts=3,
        first=END + 1.0,
        last=END + 9.0,
        text=json.dumps(listed[-1]),
    )
    client.rpush("{ninja}:dead", encode_dead(letter))
    return letter

"""The lying wire itself: each toxic does what its name says, once for each strike that it counts."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected, InvalidResponse, RedisError, TimeoutError as TooLate
from redis.retry import Retry

from tests.faults.proxy import (
    BlackHole,
    Delay,
    Garbage,
    LoseReply,
    LoseRequest,
    Proxy,
    Toxic,
    Trickle,
    Truncate,
    Way,
    commands_in,
)
from tests.servers import RedisServer

Clients = Callable[..., redis.Redis]


@pytest.fixture
def proxy(redis_server: RedisServer, redis_url: str) -> Iterator[Proxy]:
    assert redis_url == redis_server.url
    with Proxy(redis_server) as made:
        yield made


@pytest.fixture
def clients(proxy: Proxy) -> Iterator[Clients]:
    """Clients through the proxy that repeat nothing unless told otherwise."""
    made: list[redis.Redis] = []

    def make(retries: int = 0, timeout: float = 0.3) -> redis.Redis:
        retry = Retry(NoBackoff(), retries)
        made.append(redis.Redis.from_url(proxy.url, socket_timeout=timeout, retry=retry, decode_responses=True))
        return made[-1]

    yield make
    for client in made:
        client.close()


def pushes(client: redis.Redis, *elements: str) -> None:
    pipeline = client.pipeline(transaction=False)
    for element in elements:
        pipeline.rpush("l", element)
    pipeline.execute()


def test_without_a_toxic_everything_comes_through_unchanged(proxy: Proxy, clients: Clients) -> None:
    client = clients(timeout=5.0)
    large = "x" * 1_000_000
    client.set("large", large)
    assert client.get("large") == large
    assert [client.incr("n") for _ in range(50)] == list(range(1, 51))
    assert proxy.connections == 1


def test_a_lost_request_never_arrives(proxy: Proxy, clients: Clients) -> None:
    client = clients()
    client.ping()
    with proxy.suffering(LoseRequest(needle="INCR", times=1)) as lost:
        with pytest.raises(Disconnected):
            client.incr("n")
        assert client.incr("n") == 1
    assert lost.struck == 1


def test_a_lost_reply_leaves_what_the_command_did(proxy: Proxy, clients: Clients) -> None:
    client = clients()
    client.ping()
    with proxy.suffering(LoseReply(needle="INCR", times=2)) as lost:
        for _ in range(2):
            with pytest.raises(Disconnected):
                client.incr("n")
        assert client.incr("n") == 3
    assert lost.struck == 2


def test_a_client_that_repeats_by_itself_does_it_twice_after_a_lost_reply(proxy: Proxy, clients: Clients) -> None:
    client = clients(retries=1)
    client.ping()
    with proxy.suffering(LoseReply(needle="RPUSH", times=1)):
        client.rpush("l", "once")
    assert client.lrange("l", 0, -1) == ["once", "once"]


def test_only_one_command_of_a_pipeline_is_lost_and_what_was_before_it_is_done(proxy: Proxy, clients: Clients) -> None:
    client = clients()
    client.ping()
    with proxy.suffering(LoseRequest(needle="second")) as lost, pytest.raises(Disconnected):
        pushes(client, "first", "second", "third")
    assert (client.lrange("l", 0, -1), lost.struck) == (["first"], 1)


def test_a_whole_pipeline_is_carried_out_when_its_reply_is_lost(proxy: Proxy, clients: Clients) -> None:
    client = clients()
    client.ping()
    with proxy.suffering(LoseReply(needle="second")), pytest.raises(Disconnected):
        pushes(client, "first", "second", "third")
    assert client.lrange("l", 0, -1) == ["first", "second", "third"]


@pytest.mark.parametrize(("way", "done"), [(Way.THERE, False), (Way.BACK, True), (Way.BOTH, False)])
def test_in_a_black_hole_the_connection_stays_and_nothing_comes(
    proxy: Proxy, clients: Clients, way: Way, done: bool
) -> None:
    client = clients()
    client.ping()
    with proxy.suffering(BlackHole(needle="SET", times=1, way=way)), pytest.raises(TooLate):
        client.set("key", "value")
    assert client.exists("key") == done


def test_a_cut_resets_every_connection(proxy: Proxy, clients: Clients) -> None:
    first, second = clients(retries=1), clients(retries=1)
    first.ping()
    second.ping()
    assert proxy.cut() == 2
    assert proxy.cut() == 0
    assert first.ping()
    assert second.ping()
    assert proxy.connections == 4


def test_a_cut_in_the_middle_of_a_command_is_an_error(proxy: Proxy, clients: Clients) -> None:
    client = clients(timeout=5.0)
    client.ping()
    cutter = threading.Timer(0.1, proxy.cut)
    cutter.start()
    with pytest.raises(Disconnected):
        client.blpop(["nothing"], 3)
    cutter.join()


@pytest.mark.parametrize(
    ("kind", "seconds", "least"),
    [(Delay, 0.15, 0.15), (Trickle, 0.01, 0.08)],
)
def test_a_slow_reply_is_whole_in_the_end(
    proxy: Proxy, clients: Clients, kind: type[Delay | Trickle], seconds: float, least: float
) -> None:
    client = clients()
    client.set("key", "value")
    with proxy.suffering(kind(needle="GET", seconds=seconds)) as toxic:
        began = time.monotonic()
        assert client.get("key") == "value"
        assert time.monotonic() - began >= least
    assert toxic.struck == 1


@pytest.mark.parametrize(
    ("kind", "settings", "error"),
    [(Trickle, {"seconds": 1.0}, TooLate), (Garbage, {}, InvalidResponse), (Truncate, {"keep": 3}, Disconnected)],
)
def test_a_spoilt_reply_is_an_error_and_the_next_connection_is_good(
    proxy: Proxy, clients: Clients, kind: type[Toxic], settings: dict[str, Any], error: type[RedisError]
) -> None:
    client = clients()
    client.set("key", "value")
    with proxy.suffering(kind(needle="GET", **settings)), pytest.raises(error):
        client.get("key")
    assert client.get("key") == "value"


def test_chance_is_drawn_from_the_seed(proxy: Proxy, clients: Clients) -> None:
    def losses() -> list[int]:
        client, lost = clients(), []
        client.ping()
        with proxy.suffering(LoseReply(needle="INCR", chance=0.3, draw=random.Random(5))):
            for number in range(40):
                try:
                    client.incr("n")
                except Disconnected:
                    lost.append(number)
        return lost

    first = losses()
    assert 4 < len(first) < 20
    assert losses() == first


@pytest.mark.parametrize("tcp", [False, True])
def test_a_server_that_is_gone_looks_gone_and_comes_back(start_redis: Callable[..., RedisServer], tcp: bool) -> None:
    server = start_redis(tcp=tcp)
    with Proxy(server) as proxy, redis.Redis.from_url(proxy.url, retry=Retry(NoBackoff(), 0)) as client:
        client.ping()
        server.kill()
        for _ in range(2):
            with pytest.raises(Disconnected):
                client.ping()
        server.start()
        assert client.ping()


def test_commands_are_told_apart_wherever_the_bytes_are_cut() -> None:
    whole = b"*1\r\n$4\r\nPING\r\n" + b"*2\r\n$3\r\nGET\r\n$6\r\na\r\nb*1\r\n"
    for cut in range(len(whole)):
        early, rest = commands_in(whole[:cut])
        late, nothing = commands_in(rest + whole[cut:])
        assert early + late == [whole[:14], whole[14:]]
        assert nothing == b""

"""The doorbell of the signals list: it waits and looks in one round trip."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.queue.inbox import Doorbell, RedisInbox
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.core.errors import StoreSpoilt, StoreUnavailable
from tests.fakes.messages import a_signal

KEYS = QueueKeys("ninja")


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with connect(redis_url, name="test") as made:
        yield made


def doorbell(client: redis.Redis, most: int = 100) -> Doorbell:
    return Doorbell(client, RedisInbox(client, KEYS), most)


def lists(client: redis.Redis, *numbers: int) -> list[str]:
    texts = [encode_signal(a_signal(number)) for number in numbers]
    client.rpush(KEYS.signals, *texts)
    return texts


def test_a_ring_shows_what_a_look_would_show_and_takes_nothing(client: redis.Redis) -> None:
    texts = lists(client, 1, 2, 3)
    view = doorbell(client, most=2).rang(1.0)
    assert view is not None
    assert [one.text for one in view.arrivals] == texts[:2]
    assert view.arrivals == RedisInbox(client, KEYS).peek(2).arrivals
    assert client.lrange(KEYS.signals, 0, -1) == texts


def test_without_a_signal_it_does_not_ring(client: redis.Redis) -> None:
    assert doorbell(client).rang(0.01) is None


def test_a_ring_and_its_look_are_one_wait_and_one_script(client: redis.Redis) -> None:
    lists(client, 1)
    bell = doorbell(client)
    bell.rang(1.0)
    client.config_resetstat()
    bell.rang(1.0)
    counts = client.info("commandstats")
    assert (counts["cmdstat_blmove"]["calls"], counts["cmdstat_evalsha"]["calls"]) == (1, 1)


def test_a_server_that_has_forgotten_the_script_is_given_it_again(client: redis.Redis) -> None:
    (text,) = lists(client, 1)
    client.script_flush()
    view = doorbell(client).rang(1.0)
    assert view is not None
    assert [one.text for one in view.arrivals] == [text]


def test_a_list_of_another_type_is_named(client: redis.Redis) -> None:
    client.set(KEYS.signals, "x")
    with pytest.raises(StoreUnavailable, match="wrong kind of value"):
        doorbell(client).rang(1.0)
    client.delete(KEYS.signals)
    lists(client, 1)
    client.rpush(KEYS.sequence, "x")
    with pytest.raises(StoreSpoilt, match="sequence"):
        doorbell(client).rang(1.0)

"""A client behind three real Sentinels: it follows the master, and says what is wrong when it cannot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ninja_daemon.adapters.redis.client import connect, translated_errors
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.redis.topology.servers import servers
from ninja_daemon.adapters.stored.prepared import PreparedCommit
from ninja_daemon.app.checks.shared.servers import check_servers
from ninja_daemon.core.errors import StoreDenied, StoreUnavailable
from ninja_daemon.usecases.ports import CommitResult, Committed
from tests.failover.groups import SERVICE, SentinelGroup, wait_until

KEYS = Keys("test")


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentinelGroup]:
    """One group for all tests here, with passwords everywhere; each test leaves it whole."""
    folder = tmp_path_factory.mktemp("group")
    made = SentinelGroup(folder, requirepass="hidden", sentinel_password="looking", down_after=800)
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def own_group(tmp_path: Path) -> Iterator[SentinelGroup]:
    """A group that is not left whole: a Sentinel that was stopped judges nobody for half a minute."""
    made = SentinelGroup(tmp_path / "group", down_after=800)
    try:
        yield made.start()
    finally:
        made.stop()


def test_the_servers_are_described_and_judged(group: SentinelGroup) -> None:
    wait_until(lambda: group.in_sync() == 2, "both replicas")
    client = group.client()
    wait_until(lambda: (found := servers(client, time.time())) is not None and found.in_sync == 2, "them in sync")
    found = servers(client, 1_000.0)
    assert found is not None
    assert (found.replicas, found.watchers, found.down_after) == (2, 3, 0.8)
    assert found.failed_over_at is None or found.failed_over_at <= 1_000.0
    assert [each.code for each in check_servers(found, "Redis")] == ["redis.min_replicas"]
    client.close()


def test_a_commit_that_the_replicas_lack_is_in_doubt(group: SentinelGroup) -> None:
    client = group.client()
    store = RedisStateStore(client, KEYS, needs_replicas=True)
    others = [each for each in group.servers if each is not group.owner()]
    for each in others:
        each.pause()
    try:
        with pytest.raises(StoreUnavailable, match=r"0 of [12] working replicas? had it"):
            store.send([a_commit(1)])
    finally:
        for each in others:
            each.resume()
    (result,) = store.send([a_commit(1)])
    assert isinstance(result, Committed)
    assert result.result == CommitResult.ALREADY, "made before, and the replicas have it now"
    client.close()


def a_commit(number: int) -> PreparedCommit:
    """A first commit of a strategy that lists nothing."""
    return PreparedCommit(
        strategy=f"s{number}",
        expected="",
        target="2026-01-05T00:00:00Z",
        commit=f"c{number}",
        life_ms=60_000,
        base="",
        settings="x",
        averages={"time": "2026-01-05T00:00:00Z"},
        sides={"side": "0"},
        signals=(),
    )


def test_a_name_that_sentinel_does_not_know_is_named(group: SentinelGroup) -> None:
    with pytest.raises(StoreUnavailable, match="knows no master of the name other; correct it"), translated_errors():
        connect(group.url.replace(SERVICE, "other"), name="test").ping()


def test_a_wrong_password_of_sentinel_is_told_apart(group: SentinelGroup) -> None:
    with pytest.raises(StoreDenied, match="set REDIS_SENTINEL_PASSWORD") as caught, translated_errors():
        connect(group.url.replace("looking", "wrong"), name="test").ping()
    assert "wrong" not in str(caught.value)


def test_a_server_that_is_no_sentinel_is_told_apart(group: SentinelGroup) -> None:
    url = f"redis+sentinel://127.0.0.1:{group.servers[0].port}/{SERVICE}?sentinel_password=hidden"
    with pytest.raises(StoreUnavailable, match=r"is not Sentinel.*must name the Sentinels"), translated_errors():
        connect(url, name="test").ping()


def test_nobody_at_the_address_is_said_with_it() -> None:
    with pytest.raises(StoreUnavailable, match=r"no Sentinel can be reached \(127.0.0.1:1"), translated_errors():
        connect("redis+sentinel://127.0.0.1:1/m", name="test").ping()


def test_a_command_that_hangs_ends_when_another_server_is_the_master(own_group: SentinelGroup) -> None:
    wait_until(own_group.can_fail_over, "a replica that may follow")
    client, old = connect(own_group.url, name="test", socket_timeout=600.0), own_group.owner()
    client.set("before", "1")
    old.pause()
    try:
        with pytest.raises(StoreUnavailable, match="another server has become the master"), translated_errors():
            client.get("before")
        wait_until(lambda: own_group.owner() is not old, "all Sentinels to know")
        assert client.get("before") == "1"
    finally:
        old.resume()
        client.close()


def test_a_connection_goes_on_while_no_sentinel_answers(group: SentinelGroup) -> None:
    client = group.client()
    client.set("before", "1")
    for each in group.sentinels:
        each.kill()
    try:
        time.sleep(1.1)
        assert client.get("before") == "1"
    finally:
        for each in group.sentinels:
            each.start()
    client.close()


def test_no_reply_is_held_up_by_sentinels_that_hang(own_group: SentinelGroup) -> None:
    client = connect(own_group.url, name="test", socket_timeout=3.0)
    assert client.blmove("empty", "empty", 1, "RIGHT", "RIGHT") is None
    for each in own_group.sentinels:
        each.pause()
    try:
        assert client.blmove("empty", "empty", 1, "RIGHT", "RIGHT") is None
    finally:
        for each in own_group.sentinels:
            each.resume()
        client.close()

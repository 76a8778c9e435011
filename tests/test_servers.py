"""The test servers themselves: what a fault test relies on must hold."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests.servers import EVERYBODYS_PORT, RedisServer, free_port, server_program

Start = Callable[..., RedisServer]


def test_the_shared_server_is_empty_at_first(redis_server: RedisServer, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")
    assert redis_server.url == redis_url


def test_the_shared_server_is_empty_again(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_a_kill_loses_what_is_only_in_memory(start_redis: Start) -> None:
    server = start_redis()
    with server.client() as client:
        client.set("a", "b")
    server.kill()
    assert not server.running
    with server.start().client() as client:
        assert client.get("a") is None


def test_a_kill_loses_nothing_that_the_append_only_file_has(fresh_redis: RedisServer) -> None:
    with fresh_redis.client() as client:
        client.set("a", "b")
    fresh_redis.kill()
    with fresh_redis.start().client() as client:
        assert client.get("a") == "b"


def test_a_paused_server_keeps_its_connections_and_answers_nothing(fresh_redis: RedisServer) -> None:
    with fresh_redis.client(socket_timeout=0.05) as client:
        assert client.ping()
        fresh_redis.pause()
        with pytest.raises(redis.exceptions.TimeoutError):
            client.ping()
        fresh_redis.resume()
    with fresh_redis.client() as client:
        assert client.ping()


def test_a_paused_server_can_be_stopped(fresh_redis: RedisServer) -> None:
    fresh_redis.pause()
    fresh_redis.stop()
    assert not fresh_redis.running


def test_it_listens_on_loopback_when_asked(start_redis: Start) -> None:
    server = start_redis(tcp=True)
    assert server.url == f"redis://127.0.0.1:{server.port}/0"
    assert server.port not in {0, EVERYBODYS_PORT}
    with server.restart().client() as client:
        assert client.ping()


def test_a_free_port_is_never_everybodys() -> None:
    assert all(free_port() != EVERYBODYS_PORT for _ in range(20))


@pytest.mark.parametrize("tcp", [False, True])
def test_a_password_is_part_of_the_url(start_redis: Start, *, tcp: bool) -> None:
    server = start_redis(requirepass="se cret/@:?", tcp=tcp)
    with redis.Redis.from_url(server.url) as client, server.client() as same:
        assert client.ping()
        assert same.ping()
    with server.client(password="wrong") as stranger, pytest.raises(redis.exceptions.AuthenticationError):
        stranger.ping()


def test_an_access_list_decides_who_may_do_what(start_redis: Start, tmp_path: Path) -> None:
    users = tmp_path / "users.acl"
    users.write_text("user default off\nuser reader on >pass ~* -@all +get\n")
    server = start_redis(aclfile=users)
    with server.client(username="reader", password="pass") as reader:
        assert reader.get("a") is None
        with pytest.raises(redis.exceptions.NoPermissionError):
            reader.set("a", "b")


def test_memory_limits_and_other_options_reach_the_server(start_redis: Start) -> None:
    server = start_redis(maxmemory="3mb", maxmemory_policy="allkeys-lru", save="60 1", lua_time_limit="100")
    with server.client() as client:
        assert client.config_get("maxmemory")["maxmemory"] == str(3 * 1024 * 1024)
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "allkeys-lru"
        assert client.config_get("save")["save"] == "60 1"
        assert client.config_get("lua-time-limit")["lua-time-limit"] == "100"


def test_a_server_that_cannot_start_fails_with_its_own_words(tmp_path: Path) -> None:
    server_program()
    server = RedisServer(tmp_path, maxmemory="much")
    with pytest.raises(pytest.fail.Exception, match="maxmemory"):
        server.start()
    assert not server.running


def test_no_server_outlives_a_test_run_that_is_killed(tmp_path: Path) -> None:
    server_program()
    run = f"""
import os, signal
from pathlib import Path
from tests.servers import RedisServer
server = RedisServer(Path({str(tmp_path)!r}), appendonly=True).start()
print(server.process.pid, flush=True)
os.read(0, 1)
"""
    command = [sys.executable, "-c", run]
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline())
        with RedisServer(tmp_path).client(socket_timeout=15) as client:
            assert client.ping()
            process.kill()
            with pytest.raises(redis.exceptions.ConnectionError):
                client.blpop(["nothing"], timeout=14)

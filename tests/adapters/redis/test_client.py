"""What a person is told when Redis cannot be reached."""

from __future__ import annotations

import errno
import grp
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.exceptions import AskError, ClusterDownError, MasterDownError, MovedError, ResponseError, TryAgainError

from ninja_daemon.adapters.redis.client import connect, explain, translated_errors
from ninja_daemon.core.errors import StoreDenied, StoreUnavailable
from tests.servers import RedisServer


@pytest.mark.parametrize(
    ("url", "number", "said"),
    [
        ("unix://u:hidden@/run/r.sock?db=0", errno.EACCES, "not open to this user .*/run/r.sock.*give it the group"),
        ("unix:///run/r.sock", errno.ENOENT, "cannot be reached .*/run/r.sock.*No such file"),
        ("redis://127.0.0.1:6379/0", errno.EACCES, "cannot be reached .*127.0.0.1:6379"),
    ],
)
def test_a_connection_that_the_system_refuses_is_explained(
    monkeypatch: pytest.MonkeyPatch, url: str, number: int, said: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket.socket, "connect", refuse)
    client = connect(url, name="test")
    with pytest.raises(StoreUnavailable, match=said) as caught, translated_errors():
        client.ping()
    assert "hidden" not in str(caught.value)


def test_the_group_that_a_socket_belongs_to_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "r.sock"
    path.touch()

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    group = grp.getgrgid(path.stat().st_gid).gr_name
    with pytest.raises(StoreUnavailable, match=f"give it the group {group}$"), translated_errors():
        connect(f"unix://{path}", name="test").ping()


def test_a_missing_password_or_right_is_told_apart_from_a_server_that_is_away(redis_url: str) -> None:
    with pytest.raises(StoreDenied, match="user or password"), translated_errors():
        connect(redis_url.replace("unix://", "unix://nobody:wrong@"), name="test").ping()


def test_a_database_that_is_not_there_is_named_as_such(redis_url: str) -> None:
    with pytest.raises(StoreUnavailable, match="no database of this number"), translated_errors():
        connect(f"{redis_url.partition('?')[0]}?db=99", name="test").ping()


def test_a_right_that_redis_7_0_misses_inside_a_script_is_named_as_one() -> None:
    said = "The user executing the script can't run this command or subcommand script: f9803c84, on @user_script:49."
    assert "the Redis user lacks a permission" in explain(ResponseError(said))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MovedError("9437 127.0.0.1:7005"), "moved our keys to another server, which is asked"),
        (AskError("9437 127.0.0.1:7005"), "is moving our keys"),
        (TryAgainError("Multiple keys request during rehashing of slot"), "is moving our keys"),
        (ClusterDownError("The cluster is down"), "does not serve our keys"),
        (MasterDownError("Link with MASTER is down"), "has lost its primary"),
    ],
)
def test_what_a_cluster_answers_is_named(error: ResponseError, said: str) -> None:
    assert said in explain(error)


def test_a_cluster_that_nobody_answers_for_is_away() -> None:
    with pytest.raises(StoreUnavailable, match=r"no server of the cluster can be asked"), translated_errors():
        connect("redis+cluster://127.0.0.1:1?namespace=x", name="test").ping()


def test_a_server_that_is_no_cluster_is_told_apart(start_redis: Callable[..., RedisServer]) -> None:
    url = f"redis+cluster://127.0.0.1:{start_redis(tcp=True).port}?namespace=x"
    with pytest.raises(StoreUnavailable, match=r"can be asked: Cluster mode is not enabled"), translated_errors():
        connect(url, name="test").ping()

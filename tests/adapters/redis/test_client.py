"""What a person is told when Redis cannot be reached."""

from __future__ import annotations

import errno
import grp
import os
import socket
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from ninja_daemon.adapters.redis.client import connect, explain, translated_errors
from ninja_daemon.core.errors import StoreDenied, StoreUnavailable


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

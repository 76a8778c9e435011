"""What a person is told when Redis cannot be reached."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from ninja_daemon.adapters.redis_client import connect, translated_errors
from ninja_daemon.core.errors import StoreUnavailable


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

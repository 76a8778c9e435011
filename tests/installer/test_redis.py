"""What `make install-redis` writes is what a real server takes, and it lets in whom it should."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
import redis
from ninja_install.layout import Layout
from ninja_install.redis import Server, acl_of, namespace_of, password_of, settings_of, users_of

from tests.servers import RedisServer

ROOT: Final = Path(__file__).resolve().parents[2]
TEMPLATE: Final = (ROOT / "config" / "redis" / "users.acl.example").read_text(encoding="utf-8")
KEYS: Final = ("{mine}:signals", "{mine}:fence")
USERS: Final = users_of(TEMPLATE)
URLS: Final = {user: f"redis://{user}:p%40ss-{user}@127.0.0.1:6379/0" for user in USERS}


@pytest.fixture
def server(tmp_path: Path, start_redis: Callable[..., RedisServer]) -> RedisServer:
    """A server with every setting that the installer writes, at places of this test."""
    acl = tmp_path / "users.acl"
    acl.write_text(acl_of(TEMPLATE, URLS, "mine"), encoding="utf-8")
    text = settings_of(Server("redis"), acl)
    settings = tmp_path / "drop-in.conf"
    # A test's server has its own socket and no port; all the rest is as it would be.
    settings.write_text(re.sub(r"(?m)^(bind|port|unixsocket) .*$", "", text), encoding="utf-8")
    return start_redis(include=str(settings), aclfile=acl)


def test_a_server_takes_every_setting_and_the_last_word_is_ours(server: RedisServer) -> None:
    client = server.client(username="operator", password="p@ss-operator")
    wanted = {
        "maxmemory": str(256 * 1024 * 1024),
        "maxmemory-policy": "volatile-lru",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "3600 1 300 100 60 10000",
        "stop-writes-on-bgsave-error": "yes",
        "loglevel": "notice",
        "unixsocketperm": "770",
    }
    assert {name: client.config_get(name)[name] for name in wanted} == wanted


def test_nobody_comes_in_without_a_name_and_a_password(server: RedisServer) -> None:
    with pytest.raises(redis.AuthenticationError):
        server.client().ping()


def test_the_default_user_is_off_and_keeps_the_rights_to_load_the_file() -> None:
    # Redis 7.0 needs them, Valkey 9 does not; the rehearsal's reboot shows it on the distribution's server.
    assert TEMPLATE.count("user default") == 1
    assert "user default off resetpass ~* &* +@all\n" in TEMPLATE


def test_what_was_written_together_is_there_after_a_restart(server: RedisServer) -> None:
    daemon = server.client(username="daemon", password=password_of(URLS["daemon"]))
    daemon.evalsha(daemon.script_load("redis.call('rpush', KEYS[1], 'a'); redis.call('set', KEYS[2], 'b')"), 2, *KEYS)
    # The file alone, no snapshot: it is read in the name of the default user.
    server.kill()
    server.start()
    reader = server.client(username="reader", password=password_of(URLS["reader"]))
    assert (reader.lrange(KEYS[0], 0, -1), reader.get(KEYS[1])) == (["a"], "b")


@pytest.mark.parametrize("user", USERS)
def test_each_user_comes_in_with_the_password_of_its_url(server: RedisServer, user: str) -> None:
    assert server.client(username=user, password=password_of(URLS[user])).ping()


def test_the_services_may_touch_keys_of_their_namespace_only(server: RedisServer) -> None:
    daemon = server.client(username="daemon", password=password_of(URLS["daemon"]))
    daemon.rpush("{mine}:signals", "x")
    with pytest.raises(redis.exceptions.NoPermissionError):
        daemon.rpush("{ninja}:signals", "x")


def test_every_role_has_a_user() -> None:
    assert {"daemon", "notifier", "reader", "operator"} <= set(USERS)


def test_no_password_is_in_the_file_of_users_and_no_word_is_left_to_fill_in() -> None:
    text = acl_of(TEMPLATE, URLS, "ninja")
    assert "p@ss" not in text
    assert "PASSWORD" not in text
    assert len(text.splitlines()) == 1 + len(USERS)


@pytest.mark.parametrize(
    ("text", "namespace"),
    [("", "ninja"), ("#NINJA_NAMESPACE=other\n", "ninja"), ("NINJA_NAMESPACE=desk-2\n", "desk-2")],
)
def test_the_namespace_is_the_services_own(tmp_path: Path, text: str, namespace: str) -> None:
    layout = Layout(tmp_path, tmp_path)
    layout.settings.mkdir(parents=True)
    (layout.settings / "ninja.env").write_text(text, encoding="utf-8")
    assert namespace_of(layout) == namespace

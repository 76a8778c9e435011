"""Servers that speak TLS only, by name and over IPv6, with users of their own: clients follow a failover."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import redis
import trustme

from ninja_daemon.adapters.redis.client import connect, translated_errors
from ninja_daemon.adapters.redis.topology.servers import failover_epoch
from ninja_daemon.core.errors import StoreUnavailable
from tests.failover.groups import ClusterGroup, SentinelGroup, wait_until
from tests.places import Place
from tests.servers import Certificates, server_programs

SECRET = "of-the-daemon"
"""Password of the user that the servers have."""


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """Of servers that are called localhost and ::1."""
    if "redis" not in server_programs():
        pytest.skip("needs Debian's redis-server: the one of the extra speaks no TLS")
    authority, found = trustme.CA(), Certificates(tmp_path / "authority.pem", tmp_path / "server.pem")
    authority.cert_pem.write_to_path(found.authority)
    authority.issue_cert("localhost", "127.0.0.1", "::1").private_key_and_cert_chain_pem.write_to_path(
        found.certificate
    )
    return found


@pytest.fixture
def users(tmp_path: Path) -> Path:
    """A user besides the one of the servers among themselves."""
    file = tmp_path / "users.acl"
    file.write_text(f"user default on nopass ~* &* +@all\nuser daemon on >{SECRET} ~* &* +@all -debug\n", "utf-8")
    return file


def follows(client: redis.Redis, fail_over: Callable[[], None]) -> None:
    """Write, have another master, write there."""
    assert client.acl_whoami() == "daemon"
    before = failover_epoch(client)
    client.set("{ninja}:key", "before")
    fail_over()
    wait_until(lambda: _epoch(client) > before, "the client to hear of it")
    wait_until(lambda: _is_written(client), "a write on the new master")
    client.close()


def _epoch(client: redis.Redis) -> int:
    with translated_errors():
        return failover_epoch(client)


def _is_written(client: redis.Redis) -> bool:
    try:
        with translated_errors():
            return bool(client.set("{ninja}:key", "after"))
    except StoreUnavailable:
        return False


def test_sentinel_with_names_users_and_encryption_is_followed(
    tmp_path: Path, certificates: Certificates, users: Path
) -> None:
    group = SentinelGroup(
        tmp_path / "group",
        places=(Place("localhost"),) * 3,
        by_name=True,
        sentinel_user="asker",
        sentinel_password="looking",
        tls=certificates,
        aclfile=users,
    )
    try:
        url = group.start().url.replace("//", f"//daemon:{SECRET}@")
        follows(connect(url, name="test"), group.fail_over)
        trustme.CA().cert_pem.write_to_path(tmp_path / "stranger.pem")
        with pytest.raises(StoreUnavailable, match="no Sentinel can be reached"), translated_errors():
            connect(url.replace("authority.pem", "stranger.pem"), name="test").ping()
    finally:
        group.stop()


def test_an_encrypted_cluster_over_ipv6_is_followed(tmp_path: Path, certificates: Certificates, users: Path) -> None:
    group = ClusterGroup(tmp_path / "group", place=Place("::1"), tls=certificates, aclfile=users)
    try:
        url = f"{group.start().url}&namespace=ninja".replace("//", f"//daemon:{SECRET}@")
        follows(connect(url, name="test"), group.fail_over)
    finally:
        group.stop()

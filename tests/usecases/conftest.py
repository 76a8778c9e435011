"""Both queues, for the tests of what they promise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ninja_daemon.adapters.redis.client import connect
from tests.fakes.bench import Bench, LocalGround, RedisGround


@pytest.fixture
def redis_ground(redis_url: str) -> Iterator[RedisGround]:
    client = connect(redis_url, name="test")
    yield RedisGround(client)
    client.close()


@pytest.fixture
def local_ground(tmp_path: Path) -> Iterator[LocalGround]:
    ground = LocalGround(tmp_path / "state" / "journal.sqlite3")
    yield ground
    ground.file.close()


@pytest.fixture(params=["redis_ground", "local_ground"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """Every promise is kept by both queues."""
    return Bench(request.getfixturevalue(request.param))

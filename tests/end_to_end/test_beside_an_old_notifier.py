"""A notifier of the tree before the lanes' rules moved to the core works beside one of today on the same queue.

The old tree comes out of the repository's own history, so the test needs the tag ``before-the-house``.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from ninja_daemon.adapters.stored.signal import encode_signal
from tests.fakes.messages import a_signal
from tests.fakes.receiver import Receiver, receiver
from tests.processes import LIMIT, ROOT, STEP, Workplace
from tests.servers import RedisServer

TAG = "before-the-house"


@pytest.fixture
def old_tree(tmp_path: Path) -> Path:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone, so the old tree is not there")
    found = subprocess.run(["git", "archive", TAG, "ninja_daemon"], cwd=ROOT, capture_output=True, check=False)
    if found.returncode != 0:
        pytest.skip(f"the tag {TAG} is not there, as in a shallow clone: git fetch --tags --unshallow")
    with tarfile.open(fileobj=io.BytesIO(found.stdout)) as archive:
        archive.extractall(tmp_path / "old", filter="data")
    return tmp_path / "old"


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


class Queue:
    """What is listed, and what the one destination has got."""

    def __init__(self, url: str, server: Receiver) -> None:
        self._client = redis.Redis.from_url(url)
        self._server = server
        self._listed: list[str] = []

    def lists(self, count: int, *, pause: float = 0.0) -> None:
        """List signals."""
        for _ in range(count):
            made = a_signal(len(self._listed))
            self._listed.append(made.id)
            self._client.rpush("{ninja}:signals", encode_signal(made))
            time.sleep(pause)

    def delivers(self) -> None:
        """Wait until all are there: once each, in order."""
        deadline = time.monotonic() + LIMIT
        while len(self._server.posts) < len(self._listed) and time.monotonic() < deadline:
            time.sleep(STEP)
        assert [post.headers["webhook-id"] for post in self._server.posts] == self._listed

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()


def test_an_old_and_a_new_notifier_share_a_lane_in_order(
    workplace: Workplace, fresh_redis: RedisServer, old_tree: Path, server: Receiver
) -> None:
    workplace.environment["REDIS_URL"] = fresh_redis.url
    workplace.configure(f'[destinations.desk]\nchannel = "webhook"\nurl = "{server.url}"\ninsecure = true\n')
    with closing(Queue(fresh_redis.url, server)) as queue:
        # State directories of their own, as on two machines.
        state = str(workplace.directory / "old state")
        old = workplace.start("notify", environment={"PYTHONPATH": str(old_tree), "NINJA_STATE_DIR": state})
        old.says("serves desk")
        queue.lists(5)
        queue.delivers()
        new = workplace.start("notify")
        new.says("serves desk")
        queue.lists(40)
        queue.lists(20, pause=0.02)
        queue.delivers()
        old.terminate().exited(0)
        queue.lists(5)
        queue.delivers()
        new.terminate().exited(0)

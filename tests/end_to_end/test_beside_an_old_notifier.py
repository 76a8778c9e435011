"""A notifier of the tree before the lanes' rules moved to the core works beside one of today on the same queue.

The old tree comes out of the repository's own history, so the test needs the tag ``before-the-house``.
"""

from __future__ import annotations

import io
import signal
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from ninja_daemon.adapters.stored.signal import encode_signal
from tests.fakes.messages import a_signal
from tests.fakes.receiver import Receiver, receiver
from tests.processes import LIMIT, ROOT, STEP, Running, Workplace
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


class Pair:
    """Two notifiers with state directories of their own, as on two machines, and one destination."""

    def __init__(self, place: Workplace, old_tree: Path, url: str, server: Receiver) -> None:
        self._client = redis.Redis.from_url(url)
        self._server = server
        self._listed: list[str] = []
        place.environment["REDIS_URL"] = url
        place.configure(f'[destinations.desk]\nchannel = "webhook"\nurl = "{server.url}"\ninsecure = true\n')
        state = str(place.directory / "old state")
        self.old = place.start("notify", environment={"PYTHONPATH": str(old_tree), "NINJA_STATE_DIR": state})
        self.new = place.start("notify")
        self.old.says("serves desk")
        self.new.says("serves desk")

    def lists(self, count: int, *, pause: float = 0.0) -> None:
        """List signals."""
        for _ in range(count):
            made = a_signal(len(self._listed))
            self._listed.append(made.id)
            self._client.rpush("{ninja}:signals", encode_signal(made))
            time.sleep(pause)

    def delivers(self) -> None:
        """Wait until all are there, once each and in order, and nobody holds the lane: neither is amid a message."""
        deadline = time.monotonic() + LIMIT
        while (len(self._server.posts) < len(self._listed) or self._is_busy()) and time.monotonic() < deadline:
            time.sleep(STEP)
        assert [post.headers["webhook-id"] for post in self._server.posts] == self._listed

    def _is_busy(self) -> bool:
        waiting = self._client.llen("{ninja}:lane:desk")
        return bool(waiting) or self._client.hget("{ninja}:lane_state:desk", "lease") not in {None, b"0"}

    def delivers_with_one(self, working: Running, resting: Running) -> None:
        """Have one of them do it alone."""
        resting.process.send_signal(signal.SIGSTOP)
        self.lists(5)
        self.delivers()
        working.process.send_signal(signal.SIGCONT)
        resting.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End both."""
        self._client.close()
        for one in (self.old, self.new):
            one.terminate().exited(0)


def test_an_old_and_a_new_notifier_share_a_lane_in_order(
    workplace: Workplace, fresh_redis: RedisServer, old_tree: Path, server: Receiver
) -> None:
    pair = Pair(workplace, old_tree, fresh_redis.url, server)
    pair.delivers_with_one(pair.old, pair.new)
    pair.delivers_with_one(pair.new, pair.old)
    pair.lists(40)
    pair.lists(20, pause=0.02)
    pair.delivers()
    pair.delivers_with_one(pair.old, pair.new)
    pair.close()

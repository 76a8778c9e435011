"""``run --processes``: what the children are given, and when it is refused."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from ninja_daemon.app.fleet.processes import child_environment
from ninja_daemon.app.settings.environment import read_environment
from ninja_daemon.usecases.lifetimes import LEASE
from tests.end_to_end.conftest import workplace
from tests.processes import Workplace
from tests.servers import RedisServer

__all__ = ["workplace"]

STRATEGY = '[strategies.s]\ninstrument = "EUR_USD"\ntimeframe = "D"\nfast_ma = 3\nslow_ma = 5\n'


def test_each_child_shows_its_figures_at_a_port_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = read_environment({"NINJA_METRICS": "[::1]:9464", "HOME": str(tmp_path)}, tmp_path)
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    found = [child_environment(environment, number) for number in range(2)]
    assert [each["NINJA_METRICS"] for each in found] == ["[::1]:9464", "[::1]:9465"]
    assert "NOTIFY_SOCKET" not in found[0], "the service manager listens to the parent alone"


def test_more_processes_than_shards_are_refused(workplace: Workplace) -> None:
    workplace.configure(f"[shards]\ncount = 2\n{STRATEGY}")
    workplace.uses(broker="http://127.0.0.1:1", redis="redis://127.0.0.1:1", token="x" * 9)
    refused = workplace.run("run", "--processes", "3").exited(78)
    assert "[shards] count must be at least 3 for --processes 3, was 2" in refused.err


def test_shards_without_redis_are_refused(workplace: Workplace) -> None:
    workplace.configure(f"[shards]\ncount = 2\n{STRATEGY}")
    workplace.uses(broker="http://127.0.0.1:1", redis="redis://127.0.0.1:1", token="x" * 9)
    refused = workplace.run("run", environment={"CACHE_ENABLED": "false"}).exited(78)
    assert "shards are shared through Redis" in refused.err


def test_a_child_that_is_killed_is_stood_in_for_at_once_and_started_again(
    workplace: Workplace, redis_server: RedisServer, redis_url: str
) -> None:
    workplace.configure(f"[shards]\ncount = 4\n{STRATEGY}")
    workplace.uses(broker="http://127.0.0.1:1", redis=redis_url, token="x" * 9)
    running = workplace.start("run", "--processes", "2")
    with redis_server.client() as client:

        def led() -> list[int]:
            found = client.mget([f"{{ninja}}:leader:{shard}" for shard in range(4)])
            return [int(text.split("|")[3]) for text in found if text]

        def members() -> set[int]:
            return {int(token.split("|")[3]) for token in client.hkeys("{ninja}:members")}

        running.until(lambda: len(led()) == 4 and len(members()) == 2, "two members, all shards led")
        dead = led()[0]
        os.kill(dead, signal.SIGKILL)
        began = time.monotonic()
        running.until(lambda: len(led()) == 4 and dead not in led(), "the other one to lead its shards")
        assert time.monotonic() - began < LEASE, "nobody waits for the lease of a process that is gone"
        running.until(lambda: len(members()) == 3, "another member in its place")
        living = members() - {dead}
        running.terminate().exited(0)
        assert not led()
    assert not any(Path(f"/proc/{pid}").exists() for pid in living)

"""``run --processes``: what the children are given, and when it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ninja_daemon.app.fleet.processes import child_environment
from ninja_daemon.app.settings.environment import read_environment
from tests.end_to_end.conftest import workplace
from tests.processes import Workplace

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

"""What is run when a unit has failed: the operator hears of it, whatever else is down."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.receiver import Receiver, receiver
from tests.processes import ROOT, Workplace, workplace
from tests.servers import RedisServer

__all__ = ["workplace"]

SHIPPED = ROOT / "config" / "redis" / "users.acl.example"
PASSWORD = "the-notifiers-word"
UNIT = "ninja-daemon.service"


@dataclass
class Desk:
    """A workplace whose alerts go to a desk."""

    place: Workplace
    server: Receiver

    def alert(self, redis_url: str, result: str = "watchdog") -> subprocess.CompletedProcess[str]:
        """Run it as systemd does: with a result when the unit stays down, with none when it is started again."""
        self.place.uses(broker="http://127.0.0.1:9", redis=redis_url, token="none")
        return subprocess.run(
            [sys.executable, "-m", "ninja_daemon.app.process.unit_alert", UNIT],
            cwd=self.place.directory,
            env=self.place.environment | {"MONITOR_SERVICE_RESULT": result},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def heard(self, redis_url: str) -> list[Any]:
        """The alerts of failed units that a notifier delivers."""
        self.place.uses(broker="http://127.0.0.1:9", redis=redis_url, token="none")
        self.place.run("notify", "--drain")
        return [post.json for post in self.server.posts if post.json["kind"] == "unit_failed"]


@pytest.fixture
def desk(workplace: Workplace) -> Iterator[Desk]:
    with receiver() as server:
        hook = f'[destinations.ops]\nchannel = "webhook"\nurl = "{server.url}"\ninsecure = true\n'
        workplace.configure(f'{hook}[alerts]\nto = ["ops"]\n')
        yield Desk(workplace, server)


@pytest.fixture
def guarded(start_redis: Callable[..., RedisServer], tmp_path: Path) -> RedisServer:
    """A server with the users that are shipped."""
    users = [
        line for line in SHIPPED.read_text(encoding="utf-8").splitlines() if line.startswith(("user def", "user n"))
    ]
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    file = tmp_path / "users.acl"
    file.write_text("\n".join(users).replace("NOTIFIER_PASSWORD_SHA256", digest) + "\n", encoding="utf-8")
    return start_redis(appendonly=True, aclfile=file)


def test_the_alert_goes_by_redis_with_no_more_rights_than_the_notifier_has(desk: Desk, guarded: RedisServer) -> None:
    url = guarded.url.replace("unix://", f"unix://notifier:{PASSWORD}@")
    done = desk.alert(url)
    assert (done.returncode, "event_id=unit.failed" in done.stderr) == (0, True), done.stderr
    assert "local journal" not in done.stderr
    (alert,) = desk.heard(url)
    assert alert["severity"] == "critical"
    assert f"{UNIT} has failed (watchdog)" in alert["text"]


def test_a_service_that_crashes_again_and_again_is_told_of_once_an_hour(desk: Desk, redis_url: str) -> None:
    for _ in range(3):
        assert desk.alert(redis_url, result="").returncode == 0
    (alert,) = desk.heard(redis_url)
    assert f"{UNIT} ended unexpectedly; unless" in alert["text"]


def test_while_redis_is_away_the_alert_goes_by_the_local_journal(desk: Desk, tmp_path: Path) -> None:
    nowhere = f"unix://{tmp_path}/nobody.sock"
    done = desk.alert(nowhere)
    assert (done.returncode, "the alert is in the local journal" in done.stderr) == (0, True), done.stderr
    assert len(desk.heard(nowhere)) == 1


def test_a_broken_configuration_leaves_the_alert_in_the_journal_only(desk: Desk) -> None:
    desk.place.environment["REDIS_DB"] = "not a number"
    done = desk.alert("")
    assert (done.returncode, "event_id=unit.failed" in done.stderr) == (1, True), done.stderr
    assert "the alert could not be handed to the notifier" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_password_is_written(desk: Desk) -> None:
    done = desk.alert("redis://notifier:sesame-open@127.0.0.1:1/0")
    assert "sesame" not in done.stderr

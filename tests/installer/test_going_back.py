"""Which services are up after a release that does not come up, on a systemd that is played."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from ninja_install import steps
from ninja_install.host import StopError
from ninja_install.layout import Layout
from ninja_install.release import Release, linked
from ninja_install.steps import SERVICES

DAEMON, NOTIFIER = SERVICES


@dataclass
class Systemd:
    """States of services; a start ends in ``failed`` for those that the current release breaks."""

    layout: Layout
    states: dict[str, str]
    broken: dict[str, set[str]] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)

    def __call__(self, verb: str, *words: str, check: bool = True) -> CompletedProcess[str]:
        names = [word for word in words if word in SERVICES]
        if verb == "is-active":
            return CompletedProcess([], 0, f"{self.states[names[0]]}\n", "")
        if verb == "show":
            return CompletedProcess([], 0, f"{self.states[names[0]]}\n{self.restarts.get(names[0], 0)}\n", "")
        if verb == "restart":
            current = linked(self.layout.current)
            assert current is not None
            broken = self.broken.get(current.name, set())
            self.states.update({name: "failed" if name in broken else "active" for name in names})
            if check and broken & set(names):
                message = f"systemctl restart {' '.join(names)} ended with 1"
                raise StopError(message)
        if verb == "reset-failed":
            self.states.update({name: "inactive" for name in names if self.states[name] == "failed"})
        return CompletedProcess([], 0, "", "")


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    """A machine on which ``new`` has just been switched to, and ``old`` runs."""
    layout = Layout(tmp_path / "source", tmp_path / "root")
    for name in ("old", "new"):
        units = layout.releases / name / "units"
        units.mkdir(parents=True)
        (units.parent / "complete.json").write_text("{}\n", encoding="utf-8")
        (units / "ninja-daemon.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    layout.current.symlink_to("releases/new")
    layout.previous.symlink_to("releases/old")
    monkeypatch.setattr(Layout, "real", True)
    monkeypatch.setattr(steps, "_SETTLES", 0.0)
    played = Systemd(layout, {DAEMON: "active", NOTIFIER: "active"})
    monkeypatch.setattr(steps, "systemctl", played)
    return played


def restart(systemd: Systemd) -> None:
    new, old = (Release(systemd.layout.releases / name) for name in ("new", "old"))
    steps._restart_or_go_back(systemd.layout, new, old)


def current(systemd: Systemd) -> str:
    release = linked(systemd.layout.current)
    assert release is not None
    return release.name


def test_a_service_that_failed_under_the_new_release_runs_again_under_the_old(systemd: Systemd) -> None:
    systemd.broken = {"new": {DAEMON}}
    with pytest.raises(StopError, match="old runs again"):
        restart(systemd)
    assert current(systemd) == "old"
    assert systemd.states == {DAEMON: "active", NOTIFIER: "active"}


def test_it_is_not_said_to_run_again_where_the_old_release_fails_as_well(systemd: Systemd) -> None:
    systemd.broken = {"new": {DAEMON}, "old": {DAEMON}}
    with pytest.raises(StopError) as stopped:
        restart(systemd)
    assert "runs again" not in str(stopped.value)
    assert current(systemd) == "old"


def test_what_was_stopped_on_purpose_stays_so_through_a_failed_upgrade(systemd: Systemd) -> None:
    systemd.states[NOTIFIER] = "inactive"
    systemd.broken = {"new": {DAEMON}}
    with pytest.raises(StopError, match="old runs again"):
        restart(systemd)
    assert systemd.states == {DAEMON: "active", NOTIFIER: "inactive"}


def test_a_service_that_is_started_again_and_again_is_no_steady_one(systemd: Systemd) -> None:
    systemd.restarts[DAEMON] = 1
    with pytest.raises(StopError, match="fell down again"):
        restart(systemd)
    assert current(systemd) == "old"


def test_a_rollback_by_hand_starts_what_the_release_after_has_failed(systemd: Systemd) -> None:
    systemd.states = {DAEMON: "failed", NOTIFIER: "inactive"}
    steps.rollback(systemd.layout)
    assert current(systemd) == "old"
    assert systemd.states == {DAEMON: "active", NOTIFIER: "inactive"}

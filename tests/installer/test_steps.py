"""Install, upgrade, rollback, uninstall below a folder; the rehearsal does the same on a booted machine."""

from __future__ import annotations

import shutil
import stat
import sys
from pathlib import Path
from typing import Final

import pytest
from ninja_install import release as releases, steps
from ninja_install.host import StopError
from ninja_install.layout import Layout
from ninja_install.release import Release, build, linked, release_name

ROOT: Final = Path(__file__).resolve().parents[2]
UNIT: Final = """[Service]
LoadCredential=oanda_access_token:/etc/ninja-daemon/credentials/oanda_access_token
LoadCredential=redis_url:/etc/ninja-daemon/credentials/daemon_redis_url
"""
ONE_STRATEGY: Final = """[strategies.EUR_USD_D]
instrument = "EUR_USD"
timeframe = "D"
"""
PROGRAM: Final = """#!/bin/sh
case $1 in
--version) echo ninja-daemon ;;
check) exit {check} ;;
replay) echo "signals of $3"; echo {signals} ;;
esac
"""


@pytest.fixture(autouse=True)
def quick_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that says what the source tree told it to, in place of half a minute of packages."""

    def make(source: Path, folder: Path, python: str) -> None:
        assert Path(python).name.startswith("python")
        program = folder / "venv" / "bin" / "ninja-daemon"
        program.parent.mkdir(parents=True)
        shutil.copy(source / "program", program)
        program.chmod(0o755)

    monkeypatch.setattr(releases, "make_environment", make)


def change(layout: Layout, version: str, *, check: int = 0, signals: str = "the same") -> None:
    """Have the source tree be of another version."""
    source = layout.source
    (source / "ninja_daemon" / "__init__.py").write_text(f'__version__ = "{version}"\n', encoding="utf-8")
    (source / "program").write_text(PROGRAM.format(check=check, signals=signals), encoding="utf-8")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    source = tmp_path / "source"
    for folder in ("ninja_daemon", "systemd", "config", "requirements"):
        (source / folder).mkdir(parents=True)
    for name in ("build.txt", "run.txt"):
        (source / "requirements" / name).touch()
    (source / "pyproject.toml").touch()
    (source / "systemd" / "ninja-daemon.service").write_text(UNIT, encoding="utf-8")
    shutil.copy(ROOT / "systemd" / "ninja-daemon.sh", source / "systemd")
    (source / "config" / "ninja.toml").write_text(ONE_STRATEGY, encoding="utf-8")
    layout = Layout(source, tmp_path / "root")
    change(layout, "1.0")
    return layout


def running(layout: Layout) -> str:
    release = linked(layout.current)
    assert release is not None
    return release.name


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def install(layout: Layout) -> None:
    steps.install(layout, sys.executable)


def upgrade(layout: Layout, *, skip_replay: bool = False) -> None:
    steps.upgrade(layout, sys.executable, skip_replay=skip_replay)


# --- install ---------------------------------------------------------------------------------------------------------


def test_program_settings_units_and_command_are_where_they_belong(layout: Layout) -> None:
    install(layout)
    assert running(layout).startswith("1.0-")
    assert (layout.current / "venv" / "bin" / "ninja-daemon").is_file()
    assert (layout.units / "ninja-daemon.service").read_text(encoding="utf-8") == UNIT
    assert (layout.settings / "ninja.toml").is_file()
    assert mode(layout.command) == 0o755
    assert mode(layout.credentials) == 0o700
    assert {path.name: mode(path) for path in layout.credentials.rglob("*")} == {
        "oanda_access_token": 0o600,
        "daemon_redis_url": 0o600,
        "destinations": 0o700,
    }


def test_a_release_is_writable_for_nobody(layout: Layout) -> None:
    install(layout)
    folder = layout.current.resolve()
    writable = [path for path in folder.rglob("*") if not path.is_symlink() and mode(path) & 0o222]
    assert not writable


def test_a_second_installation_changes_nothing_and_keeps_what_people_wrote(layout: Layout) -> None:
    install(layout)
    (layout.settings / "ninja.toml").write_text("# mine\n", encoding="utf-8")
    (layout.credentials / "oanda_access_token").write_text("secret\n", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in layout.root.rglob("*") if path.is_file()}
    install(layout)
    assert {path: path.stat().st_mtime_ns for path in layout.root.rglob("*") if path.is_file()} == before


def test_a_release_that_was_left_half_made_is_made_anew(layout: Layout) -> None:
    half = layout.releases / release_name(layout.source, sys.executable)
    (half / "venv").mkdir(parents=True)
    (half / "venv" / "junk").touch()
    install(layout)
    assert running(layout) == half.name
    assert not (half / "venv" / "junk").exists()


def test_the_next_steps_are_named_as_long_as_there_is_no_token(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    install(layout)
    assert "put the token in" in capsys.readouterr().out
    (layout.credentials / "oanda_access_token").write_text("secret\n", encoding="utf-8")
    install(layout)
    assert "put the token in" not in capsys.readouterr().out


def test_installing_a_newer_tree_is_an_upgrade_with_all_its_proofs(layout: Layout) -> None:
    install(layout)
    change(layout, "1.1", signals="others")
    with pytest.raises(StopError, match=r"1\.1-.* must signal as 1\.0-"):
        install(layout)


def test_another_interpreter_or_another_content_is_another_release(layout: Layout) -> None:
    first = release_name(layout.source, sys.executable)
    (layout.source / "requirements" / "run.txt").write_text("x==1\n", encoding="utf-8")
    assert release_name(layout.source, sys.executable) != first


def test_a_source_tree_without_a_version_is_refused(layout: Layout) -> None:
    (layout.source / "ninja_daemon" / "__init__.py").write_text("", encoding="utf-8")
    with pytest.raises(StopError, match="must say __version__"):
        install(layout)


# --- upgrade and rollback --------------------------------------------------------------------------------------------


def test_an_upgrade_switches_and_a_rollback_switches_back_and_forth(layout: Layout) -> None:
    install(layout)
    first = running(layout)
    change(layout, "1.1")
    upgrade(layout)
    second = running(layout)
    assert second.startswith("1.1-")
    steps.rollback(layout)
    assert running(layout) == first
    steps.rollback(layout)
    assert running(layout) == second


def test_a_version_that_signals_otherwise_is_refused_unless_that_is_wanted(layout: Layout) -> None:
    install(layout)
    first = running(layout)
    change(layout, "1.1", signals="others")
    with pytest.raises(StopError, match="REPLAY=skip"):
        upgrade(layout)
    assert running(layout) == first
    upgrade(layout, skip_replay=True)
    assert running(layout).startswith("1.1-")


def test_a_version_that_does_not_take_the_configuration_is_refused(layout: Layout) -> None:
    install(layout)
    first = running(layout)
    change(layout, "1.1", check=2)
    with pytest.raises(StopError, match="must take the configuration"):
        upgrade(layout)
    assert running(layout) == first


def test_nothing_to_upgrade_and_nothing_to_go_back_to_are_said(layout: Layout) -> None:
    with pytest.raises(StopError, match="must be installed before"):
        upgrade(layout)
    install(layout)
    with pytest.raises(StopError, match="release before this one"):
        steps.rollback(layout)


def test_a_unit_dropped_by_a_version_goes_and_comes_back_with_the_rollback(layout: Layout) -> None:
    install(layout)
    (layout.source / "systemd" / "ninja-daemon.service").rename(layout.source / "systemd" / "ninja-other.service")
    change(layout, "1.1")
    upgrade(layout)
    assert {path.name for path in layout.units.iterdir()} == {"ninja-other.service"}
    steps.rollback(layout)
    assert {path.name for path in layout.units.iterdir()} == {"ninja-daemon.service"}


def test_old_releases_are_cleared_away_but_never_the_two_that_are_linked(layout: Layout) -> None:
    install(layout)
    for minor in range(1, 7):
        change(layout, f"1.{minor}")
        upgrade(layout)
    left = {path.name for path in layout.releases.iterdir()}
    previous = linked(layout.previous)
    assert previous is not None
    assert {running(layout), previous.name} <= left
    assert len(left) == 4


def test_a_release_loses_its_mark_before_its_files(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    release = build(layout, sys.executable)

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        releases.discard(release.folder)
    assert not Release(release.folder).complete


# --- uninstall -------------------------------------------------------------------------------------------------------


def test_uninstall_keeps_settings_and_data_unless_told(layout: Layout) -> None:
    install(layout)
    layout.state.mkdir(parents=True)
    steps.uninstall(layout, purge=False)
    assert not layout.home.exists()
    assert not layout.command.exists()
    assert not list(layout.units.iterdir())
    assert (layout.settings / "ninja.toml").is_file()
    assert layout.state.is_dir()
    steps.uninstall(layout, purge=True)
    assert not layout.settings.exists()
    assert not layout.state.exists()


def test_an_interrupted_removal_can_be_run_again(layout: Layout) -> None:
    install(layout)
    layout.current.unlink()
    steps.uninstall(layout, purge=False)
    assert not layout.home.exists()
    assert not list(layout.units.iterdir())


def test_what_was_uninstalled_can_be_installed_again(layout: Layout) -> None:
    install(layout)
    steps.uninstall(layout, purge=False)
    install(layout)
    assert running(layout).startswith("1.0-")

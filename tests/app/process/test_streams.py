"""Standard streams that are closed, full, or whose reader has gone."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore
from ninja_daemon.adapters.stored.alert import encode_alert
from ninja_daemon.app.process.ending import EXIT_CONFIGURATION
from ninja_daemon.app.queues.opening import local_queue_file
from ninja_daemon.app.settings.environment import read_environment
from tests.app.stored import CONFIGURATION

FULL = Path("/dev/full")


def run(
    directory: Path, redirected: str, *arguments: str, configuration: str = CONFIGURATION
) -> subprocess.CompletedProcess[str]:
    """Run the product under a shell that does something to a stream of it."""
    (directory / "ninja.toml").write_text(configuration, encoding="utf-8")
    command = ["/bin/sh", "-c", f'exec "$0" -m ninja_daemon "$@" {redirected}', sys.executable, *arguments]
    environ = {"PATH": "/usr/bin:/bin", **settings(directory)}
    return subprocess.run(command, cwd=directory, env=environ, capture_output=True, text=True, timeout=60, check=False)


def settings(directory: Path) -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[3])
    state = {"HOME": str(directory), "NINJA_CONFIG": str(directory / "ninja.toml"), "NINJA_STATE_DIR": str(directory)}
    return {"PYTHONPATH": root, "CACHE_ENABLED": "false", "OANDA_ACCESS_TOKEN": "demo-token", **state}


@pytest.mark.parametrize(
    "arguments", [["--version"], ["check", "--offline"], ["signals", "--csv"], ["status", "--help"]]
)
@pytest.mark.parametrize(
    ("redirected", "reason"),
    [
        (">&-", "Bad file descriptor"),
        pytest.param(
            ">/dev/full", "No space left", marks=pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
        ),
    ],
)
def test_what_cannot_be_written_is_said_and_is_no_success(
    tmp_path: Path, arguments: list[str], redirected: str, reason: str
) -> None:
    done = run(tmp_path, redirected, *arguments)
    assert done.returncode == 1
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1, "no traceback, and nothing of the interpreter's"


@pytest.mark.parametrize("arguments", [["--version"], ["check", "--offline"], ["signals", "--json"]])
def test_without_standard_error_all_goes_on(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path, "2>&-", *arguments)
    assert done.returncode == 0
    assert done.stdout


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", ["run", "status"])
def test_a_configuration_that_cannot_work_keeps_its_code_where_it_cannot_be_said(tmp_path: Path, command: str) -> None:
    assert run(tmp_path, "2>/dev/full", command, configuration="[strategies.A]").returncode == EXIT_CONFIGURATION


def test_a_file_never_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    # The journal would be the first to be opened, and what is printed would end up in it.
    assert run(tmp_path, "<&- >&- 2>&-", "signals").returncode == 1
    environment = read_environment(settings(tmp_path) | {"PATH": ""}, tmp_path)
    path = local_queue_file(environment).path
    if path.exists():
        with closing(SqliteJournal(path)) as journal:
            assert journal.marks() == {}


def test_a_signal_that_cannot_be_printed_stays_and_the_notifier_lives(tmp_path: Path) -> None:
    environment = read_environment(settings(tmp_path), tmp_path)
    file = local_queue_file(environment)
    LocalQueueStore(file).push_alert(encode_alert("test", "info", "hello", 1_600_000_000.0))
    file.close()
    done = run(tmp_path, ">&-", "notify", "--drain")
    assert done.returncode == 1
    assert "standard output cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert run(tmp_path, "", "queue", "retry").returncode == 0, "the lane need not wait for its pause"
    printed = run(tmp_path, "", "notify", "--drain")
    assert "hello" in printed.stdout

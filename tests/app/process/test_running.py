"""The product that runs in another terminal is found, and its own Redis is kept alive."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ninja_daemon.app.process.running import find_running, noted
from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from tests.app.process.test_children import FAST, SIGNAL, TOKEN
from tests.processes import Workplace, workplace

__all__ = ["workplace"]


@pytest.fixture
def up_place(workplace: Workplace) -> Iterator[Workplace]:
    """A workplace with a broker and no Redis, whose path leaves room for a socket's."""
    with (
        tempfile.TemporaryDirectory(prefix="nd") as folder,
        SimulatorServer(RandomMarket(seed=5, always_open=True), token=TOKEN) as broker,
    ):
        workplace.state_dir = Path(folder) / "state"
        workplace.configure(FAST)
        workplace.environment |= {
            "OANDA_API_URL": broker.url,
            "OANDA_ACCESS_TOKEN": TOKEN,
            "NINJA_STATE_DIR": str(workplace.state_dir),
        }
        yield workplace
        workplace.end_all()


def server_of(state_dir: Path) -> int:
    """The process of the Redis server that serves a state directory."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                is_ours = entry.joinpath("environ").read_bytes() is not None
                name = entry.joinpath("comm").read_text().strip()
                place = entry.joinpath("cwd").readlink()
            except OSError:
                continue
            if is_ours and place == state_dir / "redis" and name != "sh":
                return int(entry.name)
    return 0


def test_a_redis_of_its_own_that_is_killed_is_started_again(up_place: Workplace) -> None:
    running = up_place.start("up")
    running.until(lambda: SIGNAL.search(running.out), "a signal on the terminal", limit=40)
    first = server_of(up_place.state_dir)

    os.kill(first, signal.SIGKILL)

    running.until(lambda: server_of(up_place.state_dir) not in {0, first}, "another server")
    running.says("its Redis ended and was started again 1 time")
    running.until(lambda: up_place.run("signals", "--json").code == 0, "the history again")
    assert "was started again" not in running.out.replace("its Redis ended and was started again", "")
    running.terminate(limit=15).exited(0)
    assert server_of(up_place.state_dir) == 0


def test_other_terminals_find_what_runs_and_say_so(up_place: Workplace, tmp_path: Path) -> None:
    running = up_place.start("up")
    running.until(lambda: SIGNAL.search(running.out), "a signal on the terminal", limit=40)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    up_place.directory = elsewhere

    status = up_place.run("status", "--json").exited(0)
    assert len(json.loads(status.out)["strategies"]) == 8
    assert f"looking at `ninja-daemon up`, process {running.process.pid}" in status.err
    assert json.loads(up_place.run("signals", "--json").exited(0).out)
    assert json.loads(up_place.run("queue", "--json").exited(0).out)["dead"] == 0
    assert "! warning" not in up_place.run("check").exited(0).out

    running.terminate(limit=15).exited(0)
    assert find_running(up_place.state_dir) is None
    assert "cannot be reached" in up_place.run("signals").exited(1).err


def test_the_path_of_the_readme_from_an_empty_folder(up_place: Workplace, tmp_path: Path) -> None:
    up_place.directory = tmp_path / "new"
    up_place.directory.mkdir()
    for name in ("OANDA_API_URL", "OANDA_ACCESS_TOKEN"):
        value = up_place.environment.pop(name)
        with (tmp_path / "lines").open("a") as lines:
            lines.write(f"{name}={value}\n")
    up_place.run("init").exited(0)
    with (up_place.directory / ".env").open("a") as file:
        file.write("\n" + (tmp_path / "lines").read_text())
    checked = up_place.run("check").exited(0)
    assert "`ninja-daemon up` (make run) brings one along" in " ".join(checked.out.split())
    running = up_place.start("up")
    running.until(lambda: len(live(up_place)) == 2, "both processes")
    settings = up_place.directory / "ninja.toml"
    settings.write_text(settings.read_text().replace("fast_ma = 40", "fast_ma = 41"))
    assert "next: ninja-daemon reload" in up_place.run().exited(0).out
    assert "changed EUR_USD_H4" in up_place.run("reload").exited(0).out
    assert len(json.loads(up_place.run("status", "--json").exited(0).out)["strategies"]) == 2
    running.terminate(limit=15).exited(0)


def live(place: Workplace) -> list[Path]:
    return list(place.state_dir.glob("*.process"))


def test_the_note_of_a_process_that_was_killed_is_not_believed(tmp_path: Path) -> None:
    note = {"command": "up", "pid": 1, "since": 1.0, "environ": {"REDIS_URL": "unix:///nowhere"}}
    (tmp_path / "running.json").write_text(json.dumps(note))
    assert find_running(tmp_path) is None


def test_a_note_holds_no_secret_and_goes_with_its_writer(tmp_path: Path) -> None:
    home = tmp_path / "state"
    with noted(home, "up", {"OANDA_ACCESS_TOKEN": "a-secret", "NINJA_CONFIG": "/etc/ninja.toml"}):
        found = find_running(home)
        assert found is not None
        assert (found.command, found.pid, found.environ) == ("up", os.getpid(), {"NINJA_CONFIG": "/etc/ninja.toml"})
        assert "a-secret" not in (home / "running.json").read_text()
        with noted(home, "up", {}):
            assert find_running(home) == found
    assert not home.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"command": 1}', '{"command": "up", "pid": "x", "environ": {}}'])
def test_a_note_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    home = tmp_path / "state"
    with noted(home, "up", {}):
        (home / "running.json").write_text(text)
        assert find_running(home) is None

"""The way of a new user: the wheel in an environment of its own, an empty folder, and the commands of README.

The packages come with the locks in the long run, where pip can get them; else those of this environment are used.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from tests.processes import ROOT

TOKEN = "a-token-of-the-tests"


def pip(python: str | Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path leaves room for that of a socket inside."""
    with tempfile.TemporaryDirectory(prefix="nd") as name:
        yield Path(name)


def built_wheel(folder: Path) -> Path:
    """Build from a copy: setuptools leaves its notes beside the sources."""
    source = folder / "source"
    kept = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "ninja_daemon", source / "ninja_daemon", ignore=kept)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    done = pip(sys.executable, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source))
    if done.returncode:
        pytest.skip(f"pip cannot build a wheel here: {done.stderr.strip().splitlines()[-1:]}")
    return next(folder.glob("*.whl"))


@pytest.fixture
def program(folder: Path, long: bool) -> Path:
    wheel, home = built_wheel(folder), folder / "env"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    python = home / "bin" / "python"
    if long:
        done = pip(python, "install", "--require-hashes", "--no-deps", "-r", str(ROOT / "requirements" / "run.txt"))
        if done.returncode:
            pytest.skip(f"pip cannot get the locked packages: {done.stderr.strip().splitlines()[-1:]}")
    else:
        found = sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)})
        Path(found, "packages.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    done = pip(python, "install", "--no-deps", "--no-index", str(wheel))
    assert done.returncode == 0, done.stderr
    return home / "bin" / "ninja-daemon"


def test_a_wheel_holds_all_that_is_no_python_and_no_test(folder: Path) -> None:
    names = zipfile.ZipFile(built_wheel(folder)).namelist()
    for ending in ("commit.lua", "samples/ninja.toml", "samples/env", "style.css", "page.js", "py.typed"):
        assert any(name.endswith(ending) for name in names), ending
    assert not [name for name in names if name.startswith(("tests", "benchmarks"))]


@pytest.mark.timeout(600)
def test_from_the_wheel_to_a_reload_in_an_empty_folder(program: Path, folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "NINJA_STATE_DIR": str(folder / "s"),
        "COLUMNS": "120",
    }

    def run(*words: str, code: int = 0) -> str:
        done = subprocess.run(
            [program, *words], cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout

    run("init")
    with SimulatorServer(RandomMarket(seed=5, always_open=True), token=TOKEN) as broker:
        with (home / ".env").open("a", encoding="utf-8") as file:
            file.write(f"\nOANDA_ACCESS_TOKEN={TOKEN}\nOANDA_API_URL={broker.url}\n")
        run("check")
        up = subprocess.Popen([program, "up"], cwd=home, env=environment, stdout=subprocess.DEVNULL)
        try:
            until(lambda: "up to date" in run("status", "--all"))
            text = (home / "ninja.toml").read_text(encoding="utf-8")
            (home / "ninja.toml").write_text(text.replace("fast_ma = ", "fast_ma = 1", 1), encoding="utf-8")
            assert "changed" in run("reload")
        finally:
            up.send_signal(signal.SIGTERM)
            assert up.wait(timeout=30) == 0


def until(is_so: Callable[[], bool], limit: float = 60.0) -> None:
    deadline = time.monotonic() + limit
    while True:
        try:
            if is_so():
                return
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.2)

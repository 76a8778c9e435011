"""What a daemon loads, counted in modules."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT
from tests.servers import free_port

CONFIGURATION = """
[strategies.one]
instrument = "EUR_USD"
timeframe = "D"
fast_ma = 3
slow_ma = 5
"""
PROGRAM = """
import sys, structlog
from ninja_daemon.app.serving import daemon as serving
from ninja_daemon.app.process.service import Service
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.app.wiring import daemon_parts, make_daemon

environment, configuration = load_settings()
parts = daemon_parts(environment)
service = Service(parts.clock, structlog.get_logger())
daemon = make_daemon(parts, configuration.strategies, service)
daemon.renew_lease()
assert daemon.is_active == (not environment.cache_enabled)
parts.close()
print(sorted({name.split(".")[0] for name in sys.modules} & {"redis", "hiredis"}))
"""


def surroundings(directory: Path, **more: str) -> dict[str, str]:
    (directory / "ninja.toml").write_text(CONFIGURATION, encoding="utf-8")
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(ROOT),
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}",
        "NINJA_CONFIG": str(directory / "ninja.toml"),
        "NINJA_STATE_DIR": str(directory / "state"),
        "OANDA_ACCESS_TOKEN": "token",
        **more,
    }


def what_it_prints(program: str, *arguments: str, directory: Path, **more: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=surroundings(directory, **more),
        cwd=directory,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(("cache", "loaded"), [("false", []), ("true", ["hiredis", "redis"])])
def test_a_daemon_loads_a_redis_client_only_when_it_uses_redis(tmp_path: Path, cache: str, loaded: list[str]) -> None:
    assert what_it_prints(PROGRAM, directory=tmp_path, CACHE_ENABLED=cache) == str(loaded)


RUNNING = """
import sys
from ninja_daemon.app import cli
from ninja_daemon.app.lean import front

def look(*_, **__):
    print(" ".join(sorted(name for name in sys.modules if sys.modules[name] is not None)))

def body_of(command):
    work = loaded(command)
    for name in ("app.process.service", "app.serving.page"):
        if module := sys.modules.get(f"ninja_daemon.{name}"):
            module.supervise = look
    return work

loaded, front.body_of = front.body_of, body_of
cli.main(sys.argv[1:])
"""
READ_BY_A_CHILD = ("typer", "pydantic", "pydantic_core", "rich", "ninja_daemon.app.settings.tables")
NEVER = (
    "numpy",
    "charset_normalizer",
    "chardet",
    "resvg_py",
    "apprise",
    "redis.asyncio.client",
    "redis.asyncio.cluster",
    "asyncio.base_events",
)


@pytest.mark.parametrize(
    ("command", "unwanted"),
    [
        ("run", ("ninja_daemon.adapters.channels", "ninja_daemon.app.web")),
        ("notify", ("apscheduler", "requests", "oandapyV20", "ninja_daemon.app.web", "ninja_daemon.usecases.catch_up")),
        ("web", ("apscheduler", "requests", "oandapyV20", "ninja_daemon.usecases.catch_up")),
    ],
)
def test_what_reads_settings_is_not_loaded_by_what_runs(
    tmp_path: Path, command: str, unwanted: tuple[str, ...]
) -> None:
    listen = ("--listen", f"127.0.0.1:{free_port()}") if command == "web" else ()
    loaded = what_it_prints(RUNNING, command, *listen, directory=tmp_path).split()
    assert "ninja_daemon.app.lean.front" in loaded
    assert [name for name in (*READ_BY_A_CHILD, *NEVER, *unwanted) if name in loaded] == []


@pytest.mark.parametrize(
    ("number", "handed"), [(signal.SIGKILL, b""), (signal.SIGTERM, b""), (signal.SIGKILL, b"\x80\x05\x95\xff\xff")]
)
def test_settings_whose_reader_was_killed_are_no_success(tmp_path: Path, number: signal.Signals, handed: bytes) -> None:
    program = f"""
import os, sys, time
from ninja_daemon.app.lean.front import serve
from ninja_daemon.app.process.ending import code_of
from ninja_daemon.app.process.stopping import end_at_once_on_sigterm

def read(arguments, sink):
    os.write(sink, {handed!r})
    os.kill(os.getpid(), {number.value})
    time.sleep(10)

end_at_once_on_sigterm()
sys.exit(code_of(lambda: serve(["web"], read)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env=surroundings(tmp_path),
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"ninja-daemon: what reads the settings was ended by signal {number.value}; is there enough memory?\n"
    )

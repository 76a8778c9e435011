"""What a daemon loads, counted in modules."""

from __future__ import annotations

import os
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
from ninja_daemon.app.commands.services import run
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


@pytest.mark.parametrize(("cache", "loaded"), [("false", []), ("true", ["hiredis", "redis"])])
def test_a_daemon_loads_a_redis_client_only_when_it_uses_redis(tmp_path: Path, cache: str, loaded: list[str]) -> None:
    (tmp_path / "ninja.toml").write_text(CONFIGURATION, encoding="utf-8")
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(ROOT),
        "CACHE_ENABLED": cache,
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}",
        "NINJA_CONFIG": str(tmp_path / "ninja.toml"),
        "NINJA_STATE_DIR": str(tmp_path / "state"),
        "OANDA_ACCESS_TOKEN": "token",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(loaded)

"""On what the benchmarks ran."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Final

import ninja_daemon
from benchmarks.peers import DISTRIBUTIONS, missing, version
from benchmarks.results import Table
from ninja_daemon.adapters.redis.own_server.server_program import find_server

_OWN: Final = ("numpy", "redis", "hiredis", "oandapyV20", "requests", "APScheduler")


def machine() -> Table:
    """Return what a reader must know to compare."""
    server = find_server()
    load = ", ".join(f"{each:.2f}" for each in os.getloadavg())
    return Table(
        ["what", "which"],
        [
            ["date", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())],
            ["processor", f"{os.cpu_count()} × {_processor()}"],
            ["memory", _memory()],
            ["system", f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}"],
            ["load before the start", load],
            ["Python", platform.python_version()],
            ["Redis-compatible server", f"{server.path.name} {'.'.join(map(str, server.version))}"],
            ["ninja-daemon", ninja_daemon.__version__],
            ["its libraries", ", ".join(f"{name} {version(name)}" for name in _OWN)],
            ["peers", ", ".join(f"{name} {version(name)}" for name in DISTRIBUTIONS.values())],
            ["peers that could not be measured", ", ".join(missing()) or "none"],
        ],
        words=2,
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> str:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{size / 1e9:.0f} GB"

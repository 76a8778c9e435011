"""What a daemon loads, counted in modules."""

from __future__ import annotations

import subprocess
import sys

DAEMON = (
    "ninja_daemon.app.daemon.process",
    "ninja_daemon.app.process.service",
    "ninja_daemon.adapters.journal.state_store",
    "ninja_daemon.adapters.journal.kept_commits",
    "ninja_daemon.adapters.oanda.source",
)


def test_a_daemon_without_redis_loads_no_client_of_it() -> None:
    program = (
        f"import importlib, sys; [importlib.import_module(name) for name in {DAEMON!r}];"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'redis', 'hiredis'}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

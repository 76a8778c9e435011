"""What the notifier is made of, with Redis and without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.processes import ROOT

PROGRAM = """
import sys
from typer.testing import CliRunner
from ninja_daemon.app.command_line import application
for arguments in (["notify", "--drain"], ["queue"]):
    done = CliRunner().invoke(application(arguments), arguments)
    assert done.exit_code == 0, done.output
print(sorted(name for name in sys.modules if name.partition(".")[0] in {"redis", "hiredis"}))
"""

STRATEGY = """
[strategies.EUR_USD_H4]
instrument = "EUR_USD"
timeframe = "H4"
fast_ma = 40
slow_ma = 140
sl_atr_multiplier = 2.0
tp_atr_multiplier = 3.0
min_atr_value = 0.0002
"""


def test_without_redis_neither_notifier_nor_queue_loads_its_client(tmp_path: Path) -> None:
    (tmp_path / "ninja.toml").write_text(STRATEGY, encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "CACHE_ENABLED": "false",
        "NINJA_CONFIG": str(tmp_path / "ninja.toml"),
        "NINJA_STATE_DIR": str(tmp_path / "state"),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr

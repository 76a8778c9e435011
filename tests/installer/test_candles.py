"""The history that two releases are compared over makes the shipped strategies signal, and is the same everywhere."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

from ninja_install.candles import write_histories

CONFIGURATION: Final = Path(__file__).resolve().parents[2] / "config" / "ninja.toml"


def test_every_series_of_the_configuration_gets_a_history(tmp_path: Path) -> None:
    names = {(history.instrument, history.timeframe) for history in write_histories(CONFIGURATION, tmp_path)}
    assert len(names) == 16
    assert ("GBP_JPY", "D") in names


def test_the_history_is_the_same_on_every_machine_and_day(tmp_path: Path) -> None:
    (history, *_) = write_histories(CONFIGURATION, tmp_path)
    text = history.path.read_bytes()
    assert hashlib.sha256(text).hexdigest() == "ce2af79a27e58058656b689ce4fd1f5b56dee643e0a320fbcd2a07374af3bc0c"


def test_the_engine_reads_it_and_finds_signals(tmp_path: Path) -> None:
    histories = [each for each in write_histories(CONFIGURATION, tmp_path) if each.instrument == "GBP_JPY"]
    for history in histories:
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "ninja_daemon",
            "replay",
            "--csv",
            history.path,
            "--engine",
            "step",
            "--jsonl",
        ]
        environ = {"NINJA_CONFIG": str(CONFIGURATION), "NINJA_STATE_DIR": str(tmp_path), "PATH": "/usr/bin"}
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, env=environ, cwd=CONFIGURATION.parents[1]
        )
        assert len(done.stdout.splitlines()) > 20, done.stderr


def test_configurations_without_strategies_or_known_timeframes_give_no_history(tmp_path: Path) -> None:
    configuration = tmp_path / "ninja.toml"
    configuration.write_text('[strategies.X]\ninstrument = "EUR_USD"\ntimeframe = "M"\n', encoding="utf-8")
    assert write_histories(configuration, tmp_path) == []

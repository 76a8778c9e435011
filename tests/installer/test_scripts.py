"""The shell scripts that ship say nothing that shellcheck minds."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
SCRIPTS: Final = [
    path.relative_to(ROOT).as_posix()
    for folder in ("systemd", "config")
    for path in sorted((ROOT / folder).rglob("*.sh"))
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_executable_and_can_be_read_by_the_shell(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    subprocess.run(["sh", "-n", ROOT / script], check=True)


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="apt install shellcheck")
def test_shellcheck_has_nothing_to_say(script: str) -> None:
    done = subprocess.run(["shellcheck", ROOT / script], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout

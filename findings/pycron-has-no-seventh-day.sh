#!/usr/bin/env bash
# pycron 3.3.0, by which taskiq 0.13.0 (2026) keeps its schedules: "7" in the field of the weekday never matches, and 5-7 leaves Sunday
# out. So "0 17 * * 7", Sunday at 17:00, when the week of currencies begins, never fires, and nothing says so.
# Expected by a reader: 0 and 7 are both Sunday, as in cron(5) and in croniter and cronsim, or an error.
# Cure: 0 or SUN, and 0,5,6 for a range over Sunday. Seen on 2026-11-28, Python 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install \
  taskiq==0.13.0 pycron==3.3.0 croniter==7.0.0 cronsim==2.8 tzdata==2026.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys
from datetime import datetime, timedelta
from importlib.metadata import version

import pycron
from croniter import croniter
from cronsim import CronSim
from taskiq.cli.scheduler import run

noon = datetime(2026, 6, 1, 17)
days = [noon + timedelta(days=day) for day in range(28)]  # four weeks from a Monday on
fired: dict[str, list[int]] = {}
for line in ("0 17 * * 0", "0 17 * * 7", "0 17 * * 5-7"):
    then = CronSim(line, noon - timedelta(minutes=1))
    by_cronsim = sum(next(then) <= days[-1] for _ in range(28))
    fired[line] = [sum(pycron.is_now(line, day) for day in days), sum(croniter.match(line, day) for day in days), by_cronsim]
print(f"pycron {version('pycron')}, asked by taskiq {version('taskiq')}: {run.pycron is pycron}. Days of four weeks on which a line fires:")
print(f"[pycron, croniter, cronsim] {fired}")
sys.exit(0 if fired == {"0 17 * * 0": [4, 4, 4], "0 17 * * 7": [0, 4, 4], "0 17 * * 5-7": [8, 12, 12]} else 1)
PYTHON

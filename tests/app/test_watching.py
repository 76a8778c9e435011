"""What is shipped for Prometheus and Grafana names the figures that there are, and all of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest

from ninja_daemon.adapters.telemetry.metrics import NAMES
from tests.processes import ROOT

ALERTS = ROOT / "config" / "prometheus" / "alerts.yml"
DASHBOARD = ROOT / "config" / "grafana" / "ninja-daemon.json"


def figures_in(text: str) -> set[str]:
    """Names of figures, a histogram's parts standing for the whole."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bninja_[a-z_]+", text)}


def dashboard() -> dict[str, Any]:
    picture: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return picture


def expressions() -> list[str]:
    return [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]


def test_alerts_name_figures_that_there_are_and_a_cure_each() -> None:
    text = ALERTS.read_text(encoding="utf-8")
    expressions = re.findall(r"expr: (.+)", text)
    assert len(expressions) > 8
    assert figures_in("\n".join(expressions)) <= set(NAMES)
    for word in ("summary:", "cure:", "severity:"):
        assert text.count(word) == len(expressions)


def test_the_dashboard_shows_every_figure_and_no_other() -> None:
    assert figures_in("\n".join(expressions())) == set(NAMES)


def test_the_dashboard_s_panels_do_not_overlap_and_each_has_a_number_of_its_own() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_prometheus_takes_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here (apt install prometheus)")
    done = subprocess.run([promtool, "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

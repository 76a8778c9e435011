"""What is shipped for Prometheus and Grafana names the figures that there are, and all of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
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


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not here (apt install prometheus)")
    return found


def test_prometheus_takes_the_rules(promtool: str) -> None:
    done = subprocess.run([promtool, "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_what_the_dashboard_asks(promtool: str, tmp_path: Path) -> None:
    asked = [expression.replace("$__range", "1d").replace("$__rate_interval", "5m") for expression in expressions()]
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(asked)]
    path = tmp_path / "panels.json"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run([promtool, "check", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_of_silence_disk_and_latency_go_off_when_they_should(promtool: str, tmp_path: Path) -> None:
    series = {
        "ninja_last_signal_timestamp_seconds{strategy='quiet'}": "0x200",
        "ninja_usual_silence_seconds{strategy='quiet'}": "300x200",
        "ninja_last_signal_timestamp_seconds{strategy='lively'}": "0x200",
        "ninja_usual_silence_seconds{strategy='lively'}": "6000x200",
        "ninja_state_free_bytes": "1e8x200",
        "ninja_signal_latency_seconds_bucket{le='60'}": "0+0x200",
        "ninja_signal_latency_seconds_bucket{le='120'}": "0+1x200",
        "ninja_signal_latency_seconds_bucket{le='+Inf'}": "0+1x200",
        "ninja_closes_due_total{strategy='quiet'}": "3x200",
        "ninja_closes_evaluated_total{strategy='quiet'}": "2x200",
    }
    expected = {
        "NinjaStrategySilent": [{"exp_labels": {"severity": "info", "strategy": "quiet"}}],
        "NinjaDiskNearlyFull": [{"exp_labels": {"severity": "critical"}}],
        "NinjaSignalsLate": [{"exp_labels": {"severity": "warning"}}],
        "NinjaCloseNotEvaluated": [{"exp_labels": {"severity": "warning", "strategy": "quiet"}}],
    }
    names = re.findall(r"alert: (\w+)", ALERTS.read_text(encoding="utf-8"))
    assert set(expected) <= set(names)
    tests = {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": f"count by (alertname, strategy) (ALERTS{{alertname='{name}', alertstate='firing'}})",
                        "eval_time": "3h",
                        "exp_samples": [
                            {
                                "labels": "{"
                                + ", ".join(
                                    f"{key}='{value}'"
                                    for key, value in {"alertname": name, **one["exp_labels"]}.items()
                                    if key != "severity"
                                )
                                + "}",
                                "value": 1,
                            }
                            for one in alerts
                        ],
                    }
                    for name, alerts in expected.items()
                ],
            }
        ],
    }
    path = tmp_path / "tests.json"
    path.write_text(json.dumps(tests), encoding="utf-8")
    done = subprocess.run([promtool, "test", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

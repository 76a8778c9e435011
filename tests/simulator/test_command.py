"""The command ``ninja-daemon simulator``, as a process of its own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.processes import ROOT

COMMAND = (sys.executable, "-m", "ninja_daemon", "simulator")
TOKEN = "t0ken-of-a-desk"
LINES = """\
time,open,high,low,close,volume
2015-01-04T22:00:00Z,1.19470,1.19760,1.18640,1.19300,9000
2015-01-05T22:00:00Z,1.19300,1.19690,1.18840,1.18890,9100
"""


class Running:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.greeting = []
        for line in process.stdout:
            self.greeting.append(line.strip())
            if line.startswith("Ctrl-C"):
                break
        self.text = "\n".join(self.greeting)
        found = re.search(r"OANDA_API_URL=(\S+) OANDA_ACCESS_TOKEN=(\S+) ninja-daemon run --once", self.text)
        assert found is not None, self.text
        self.url, self.token = found.groups()

    def get(self, address: str) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(self.url + address, headers={"Authorization": f"Bearer {self.token}"}, timeout=5)

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@contextmanager
def running(*options: str) -> Iterator[Running]:
    with subprocess.Popen(
        [*COMMAND, "--port", "0", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


def refused(*options: str) -> str:
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", done.stderr).split())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_how_to_try_it_says_a_line_a_request_and_ends_when_told(number: signal.Signals) -> None:
    with running("--token", TOKEN, "--always-open") as simulator:
        assert simulator.token == TOKEN
        assert simulator.get("/v3/instruments/EUR_USD/candles?count=2&granularity=M1").status_code == 200
        line = simulator.line()
        assert re.fullmatch(
            r"\d\d:\d\d:\d\d 200 GET /v3/instruments/EUR_USD/candles\?count=2&granularity=M1 \d+ bytes, connection 1\n",
            line,
        )
        simulator.process.send_signal(number)
        assert simulator.process.wait(10) == 0
        assert simulator.process.stdout is not None
        assert simulator.process.stdout.read() == ""


def test_no_line_shows_the_token_or_what_a_terminal_would_obey() -> None:
    with running("--token", TOKEN) as simulator:
        simulator.get(f"/v3/{TOKEN}?token={TOKEN}&x=%1b[31m")
        line = simulator.line()
        assert " 404 GET /v3/***?token=***&" in line.replace("%2A", "*")
        assert TOKEN not in line
        assert "\x1b" not in line


def test_files_are_served_on_a_time_of_their_own_with_a_fault(tmp_path: Path) -> None:
    (tmp_path / "EUR_USD_D.csv").write_text(LINES, encoding="ascii")
    options = ("--csv", str(tmp_path), "--start", "2015-01-06T00:00:00Z", "--speed", "0", "--fault", "503,times=1")
    with running(*options) as simulator:
        assert "its time is 2015-01-06T00:00:00Z" in simulator.text
        assert "account 101-001-0000001-001, 1 instruments" in simulator.text
        assert simulator.get("/v3/instruments/EUR_USD/candles?granularity=D").status_code == 503
        assert " [Answered]" in simulator.line()
        candles = simulator.get("/v3/instruments/EUR_USD/candles?granularity=D").json()["candles"]
        assert [(candle["complete"], candle["mid"]["c"]) for candle in candles] == [
            (True, "1.19300"),
            (False, "1.19300"),
        ]


def test_it_can_be_quiet_and_late() -> None:
    options = ("--quiet", "--completion", "lag", "--lag", "30", "--start", "2026-11-19T15:00:10Z", "--speed", "0")
    with running(*options) as simulator:
        candles = simulator.get("/v3/instruments/EUR_USD/candles?granularity=M15&count=3").json()["candles"]
        assert [candle["complete"] for candle in candles] == [True, False, False]
        simulator.process.terminate()
        assert simulator.process.stdout is not None
        assert simulator.process.stdout.read() == ""


def test_on_a_weekend_it_says_that_the_market_is_closed() -> None:
    with running("--start", "2026-11-21T12:00:00Z", "--speed", "0") as simulator:
        assert "with --always-open it never is" in simulator.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--fault", "bogus"), "--fault: a fault must begin with one of"),
        (("--start", "yesterday"), "--start: an instant must look like 2025-08-10T14:30:00Z and lie between 1970"),
        (("--lag", "3"), "--lag: must be given together with --completion lag"),
        (("--speed", "-1"), "--speed"),
        (("--csv", "."), "had none"),
        (("--host", "192.0.2.1"), "were 192.0.2.1 and 8080"),
    ],
)
def test_a_wrong_option_is_a_usage_error_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refused(*options)


def test_it_says_that_a_market_without_closes_wakes_no_strategy_of_fx_hours() -> None:
    with running("--always-open", "--quiet") as simulator:
        assert 'unless they say market_hours = "always"' in simulator.text
        assert "config/simulator.toml" in simulator.text


def test_the_sample_that_it_points_to_signals_within_the_hour_on_a_sunday(tmp_path: Path) -> None:
    sunday = ("--always-open", "--start", "2026-11-29T12:00:00Z", "--speed", "0", "--quiet")
    with running(*sunday) as simulator:
        environ = {"OANDA_API_URL": simulator.url, "OANDA_ACCESS_TOKEN": simulator.token, "PYTHONPATH": str(ROOT)}
        environ |= {"NINJA_CONFIG": str(ROOT / "config" / "simulator.toml"), "HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-m", "ninja_daemon", "replay", "--from", "2026-11-29T11:00:00Z", "--json"],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) > 0

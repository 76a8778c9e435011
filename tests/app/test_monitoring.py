"""Daemon and notifier looked at from outside: figures, health, and a switch that somebody is missed by."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator

import pytest
import requests

from ninja_daemon.adapters.network.ping import Ping
from ninja_daemon.adapters.telemetry.metrics import NAMES, MetricValue, exposed
from ninja_daemon.adapters.telemetry.metrics_page import Health, Monitor
from ninja_daemon.app.dead_mans_switch import DeadMansSwitch
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.histogram import LATENCY_BOUNDS, Histogram
from ninja_daemon.core.secret import Secret
from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from tests.end_to_end.settings import rules_for, toml
from tests.end_to_end.stage import ACCOUNT, TOKEN
from tests.fakes.receiver import Answer, receiver
from tests.processes import ROOT, Running, Workplace, workplace
from tests.servers import RedisServer, free_port

__all__ = ["workplace"]


class Watched:
    """Both processes, with a port each."""

    def __init__(self, place: Workplace, redis_server: RedisServer) -> None:
        self.place, self.redis_server = place, redis_server
        self.ports = {"run": free_port(), "notify": free_port()}

    def start(self, command: str) -> Running:
        address = f"127.0.0.1:{self.ports[command]}"
        return self.place.start(command, environment={"NINJA_METRICS": address})

    def page(self, command: str, path: str) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.ports[command]}{path}", timeout=10)

    def figures(self, command: str) -> dict[str, float]:
        lines = self.page(command, "/metrics").text.splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def answers(self, command: str) -> bool:
        try:
            return self.page(command, "/livez").status_code == 200
        except requests.ConnectionError:
            return False


@pytest.fixture
def watched(workplace: Workplace, fresh_redis: RedisServer) -> Iterator[Watched]:
    with SimulatorServer(RandomMarket(7, always_open=True), token=TOKEN, account=ACCOUNT) as server:
        workplace.uses(broker=server.url, redis=fresh_redis.url, token=TOKEN)
        workplace.configure("[defaults]\nmarket_hours = 'always'\n" + toml([rules_for("EUR_USD_D", "one", 3, 5)]))
        yield Watched(workplace, fresh_redis)
        workplace.end_all()


def prometheus_takes(page: str) -> None:
    """Have promtool judge a scraped page, where it is installed."""
    promtool = shutil.which("promtool")
    if promtool is not None:
        done = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_daemon_shows_what_it_does_and_whether_it_can(watched: Watched) -> None:
    running = watched.start("run")
    running.until(lambda: watched.answers("run"), "the first answer")
    running.until(lambda: watched.figures("run").get('ninja_averages_total{start="first"}'), "the first start")
    figures = watched.figures("run")
    assert (figures["ninja_active"], figures["ninja_redis_up"], figures["ninja_strategies"]) == (1, 1, 1)
    assert figures['ninja_lag_seconds{strategy="one"}'] >= 0
    assert figures['ninja_broker_requests_total{status="200"}'] > 0
    assert figures["ninja_kept_commits"] == 0
    assert figures["ninja_signal_latency_seconds_count"] >= 0
    assert figures["ninja_state_free_bytes"] > 0
    prometheus_takes(watched.page("run", "/metrics").text)
    ready = watched.page("run", "/readyz")
    assert ready.status_code == 200
    assert ready.json()["good"] is True
    assert watched.page("run", "/other").status_code == 404
    watched.redis_server.stop()
    running.until(lambda: watched.page("run", "/readyz").status_code == 503, "that it is not ready")
    assert "Redis" in watched.page("run", "/readyz").json()["reasons"][0]
    assert watched.page("run", "/livez").status_code == 200, "without Redis it lives"
    assert watched.figures("run")["ninja_redis_up"] == 0
    running.terminate().exited(0)


def test_a_distribution_is_exposed_by_its_labels() -> None:
    spread = Histogram(LATENCY_BOUNDS)
    spread.add(0.2, 3)
    spread.add(61)
    text = exposed(lambda: [MetricValue("ninja_completion_delay_seconds", spread, ("M15",))]).decode()
    lines = text.splitlines()
    for bound, count in (("0.1", 0), ("0.25", 3), ("60.0", 3), ("+Inf", 4)):
        assert f'ninja_completion_delay_seconds_bucket{{le="{bound}",timeframe="M15"}} {count}.0' in lines
    assert 'ninja_completion_delay_seconds_sum{timeframe="M15"} 61.6' in lines


def test_a_notifier_shows_its_lanes_also_while_redis_is_away(watched: Watched) -> None:
    running = watched.start("notify")
    running.until(lambda: watched.answers("notify"), "the first answer")
    figures = watched.figures("notify")
    assert figures['ninja_lane_messages{destination="console"}'] == 0
    assert figures["ninja_list_signals"] == 0
    prometheus_takes(watched.page("notify", "/metrics").text)
    watched.redis_server.stop()
    running.until(lambda: watched.page("notify", "/readyz").status_code == 503, "that it is not ready")
    assert watched.figures("notify")["ninja_redis_up"] == 0
    assert not any(name.startswith("ninja_lane") for name in watched.figures("notify")), "nothing is made up"
    running.terminate().exited(0)


def test_a_port_that_is_taken_keeps_nobody_from_working(watched: Watched) -> None:
    first = watched.start("notify")
    first.until(lambda: watched.answers("notify"), "the first answer")
    second = watched.start("notify")
    second.says("there are no metrics")
    second.says("serves console")
    second.terminate().exited(0)
    first.terminate().exited(0)


def test_the_loopback_of_the_newer_protocol_answers_too(watched: Watched) -> None:
    port = free_port()
    running = watched.place.start("notify", environment={"NINJA_METRICS": f"[::1]:{port}"})

    def is_answered() -> bool:
        try:
            return requests.get(f"http://[::1]:{port}/livez", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    running.until(is_answered, "an answer")
    running.terminate().exited(0)


@pytest.mark.parametrize("address", ["0.0.0.0:9464", "9464", "127.0.0.1:x", "127.0.0.1:70000", "example.org:80"])
def test_only_this_machine_is_answered(workplace: Workplace, address: str) -> None:
    workplace.configure(toml([rules_for("EUR_USD_D", "one", 3, 5)]))
    done = workplace.run("run", environment={"NINJA_METRICS": address, "OANDA_ACCESS_TOKEN": "t"}).exited(78)
    assert "NINJA_METRICS must be an address of this machine" in done.err


def test_every_figure_has_a_line_in_the_operators_page_and_an_ordinary_name() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for name, what in NAMES.items():
        labels = f" by {', '.join(what.labels)}" if what.labels else ""
        assert f"| `{name}` | {what.kind}{labels} | {what.help} |" in page
        assert name.endswith("_total") == (what.kind == "counter")


def test_a_spread_counts_each_value_once() -> None:
    spread = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        spread.add(value)
    assert spread.cumulated() == ([("1.0", 2.0), ("2.0", 3.0), ("+Inf", 4.0)], 12.0)


def test_a_monitor_gives_back_its_port() -> None:
    def healthy() -> Health:
        return Health(good=True, reasons=())

    def readings() -> list[MetricValue]:
        return [MetricValue("ninja_redis_up", 1)]

    monitor = Monitor(("127.0.0.1", 0), readings=readings, alive=healthy, ready=healthy)
    monitor.start()
    text = requests.get(f"http://127.0.0.1:{monitor.port}/metrics", timeout=5).text
    assert "ninja_redis_up 1.0" in text
    with pytest.raises(ConfigError, match="NINJA_METRICS must name a free port"):
        Monitor(("127.0.0.1", monitor.port), readings=readings, alive=healthy, ready=healthy)
    monitor.stop()


# --- the dead man's switch -------------------------------------------------------------------------------------------


def test_the_switch_is_pinged_while_all_is_well_and_only_then() -> None:
    with receiver() as outside:
        ping = Ping(Secret(f"{outside.url}/ping/secret"), insecure=True)
        well = threading.Event()
        well.set()
        switch = DeadMansSwitch(ping.send, well.is_set, every=0.02)
        switch.start()
        outside.wait_for_posts(3)
        assert outside.posts[0].path == "/ping/secret"
        well.clear()
        count = len(outside.posts) + 1  # one may have been on its way
        threading.Event().wait(0.2)
        assert len(outside.posts) <= count
        well.set()
        outside.answers(Answer(500))
        outside.wait_for_posts(count + 2)
        switch.stop()
        ping.close()


def test_a_daemon_pings_while_it_works_and_names_no_address(watched: Watched) -> None:
    with receiver() as outside:
        environment = {"NINJA_PING_URL": f"{outside.url}/ping/s3cret-path", "NINJA_PING_INSECURE": "true"}
        running = watched.place.start("run", "--log-level", "debug", environment=environment)
        running.says("watches 1 strategy")
        done = running.terminate().exited(0)
        assert "s3cret-path" not in done.err + done.out


@pytest.mark.parametrize(
    "url", ["http://example.org/x", "https://127.0.0.1/x", "https://user:pw@example.org/", "ftp://x"]
)
def test_an_address_that_must_not_be_pinged_is_refused(workplace: Workplace, url: str) -> None:
    workplace.configure(toml([rules_for("EUR_USD_D", "one", 3, 5)]))
    environment = {"NINJA_PING_URL": url, "OANDA_ACCESS_TOKEN": "t", "REDIS_URL": "redis://127.0.0.1:1"}
    done = workplace.run("run", environment=environment).exited(78)
    assert "NINJA_PING_URL must be" in done.err
    assert json.dumps(url) not in done.err

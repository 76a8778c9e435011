"""Both processes in one terminal, as real processes: the demo, and a token without a Redis."""

from __future__ import annotations

import os
import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.app.process.children import child_environment
from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from tests.processes import Workplace, workplace
from tests.servers import free_port

__all__ = ["workplace"]

TOKEN = "a-token-of-the-tests"
SIGNAL = re.compile(r"[▲▼] (BUY|SELL) ")
FAST = """
[defaults]
fast_ma = 2
slow_ma = 4
atr_period = 3
sl_atr_multiplier = 2.0
tp_atr_multiplier = 3.0
min_atr_value = 0.0
min_rr_ratio = 1.5
market_hours = "always"
""" + "".join(
    f'\n[strategies.{name}_S5]\ninstrument = "{name}"\ntimeframe = "S5"\n'
    for name in ("EUR_USD", "GBP_USD", "USD_JPY", "AUD_USD", "EUR_GBP", "GBP_JPY", "EUR_JPY", "XAU_USD")
)


def processes_that_mention(text: str) -> list[str]:
    """Return the command lines of all processes that mention a text."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                environ = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if text in line or text in environ:
                found.append(line)
    return found


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for that of a socket inside."""
    with tempfile.TemporaryDirectory(prefix="nd") as folder:
        yield Path(folder)


def test_the_demo_shows_a_signal_within_thirty_seconds_and_leaves_nothing_behind(
    workplace: Workplace, short_folder: Path
) -> None:
    demo = workplace.start("demo", environment={"TMPDIR": str(short_folder)})
    demo.until(lambda: SIGNAL.search(demo.out), "a signal on the terminal", limit=30)
    looked = workplace.run("check").exited(0)
    assert "takes the token" in " ".join(looked.out.split()), "commands beside it know its broker"

    demo.terminate(limit=15).exited(0)

    assert list(short_folder.iterdir()) == []
    assert processes_that_mention(str(short_folder)) == []
    assert "stopped;" in demo.out


def test_a_demo_that_is_killed_takes_its_processes_along(workplace: Workplace, short_folder: Path) -> None:
    demo = workplace.start("demo", environment={"TMPDIR": str(short_folder)})
    demo.says("strategies up to date")
    assert len(processes_that_mention(str(short_folder))) >= 4
    demo.kill()

    deadline = time.monotonic() + 20
    while processes_that_mention(str(short_folder)) and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    assert processes_that_mention(str(short_folder)) == []


def test_a_token_and_no_redis_is_served_by_a_server_of_its_own_whose_data_stay(
    workplace: Workplace, short_folder: Path
) -> None:
    workplace.state_dir = short_folder / "state"
    workplace.environment["NINJA_STATE_DIR"] = str(workplace.state_dir)
    with SimulatorServer(RandomMarket(seed=5, always_open=True), token=TOKEN) as broker:
        workplace.configure(FAST)
        workplace.environment |= {"OANDA_API_URL": broker.url, "OANDA_ACCESS_TOKEN": TOKEN}
        first = workplace.start("up")
        first.until(lambda: SIGNAL.search(first.out), "a signal on the terminal", limit=40)
        first.terminate(limit=15).exited(0)

        assert list((workplace.state_dir / "redis").glob("appendonlydir/*"))
        second = workplace.start("up")
        log = workplace.state_dir / "logs" / "daemon.log"
        second.until(lambda: "incremental fetch" in log.read_text().partition("daemon.stopped")[2], "a wake")
        second.terminate(limit=15).exited(0)

    first_log, _, second_log = log.read_text().partition("daemon.stopped")
    assert "first start" in first_log
    assert "first start" not in second_log


def test_a_token_and_a_redis_are_used_as_they_are(workplace: Workplace, redis_url: str) -> None:
    with SimulatorServer(RandomMarket(seed=6, always_open=True), token=TOKEN) as broker:
        workplace.configure(FAST).uses(broker=broker.url, redis=redis_url, token=TOKEN)
        running = workplace.start("up")
        running.until(lambda: SIGNAL.search(running.out), "a signal on the terminal", limit=40)
        running.terminate(limit=15).exited(0)

    client = connect(redis_url, name="test")
    assert client.llen("{ninja}:history") >= 1
    assert client.exists("{ninja}:last_processed:EUR_USD_S5")
    client.close()
    assert not (workplace.state_dir / "redis").exists()


def test_up_with_a_configuration_that_cannot_work_ends_in_78(workplace: Workplace) -> None:
    workplace.configure("[strategies.X]\ninstrument = 5\n")
    workplace.environment["OANDA_ACCESS_TOKEN"] = TOKEN

    finished = workplace.run("up")

    finished.exited(78)
    assert "strategies.X" in finished.err


def test_the_daemon_refuses_to_watch_nothing(workplace: Workplace) -> None:
    workplace.configure("[defaults]\nfast_ma = 2\n")
    workplace.environment["OANDA_ACCESS_TOKEN"] = TOKEN

    finished = workplace.run("run", "--once").exited(78)

    assert "[strategies.NAME] must be there" in finished.err


def test_each_half_has_a_page_of_figures_of_its_own(workplace: Workplace, redis_url: str) -> None:
    port = next(one for one in iter(free_port, None) if is_free(one + 1))
    with SimulatorServer(RandomMarket(seed=6, always_open=True), token=TOKEN) as broker:
        workplace.configure(FAST).uses(broker=broker.url, redis=redis_url, token=TOKEN)
        running = workplace.start("up", environment={"NINJA_METRICS": f"127.0.0.1:{port}"})
        running.says(f"the notifier's on port {port + 1}")
        for at, role in ((port, "daemon"), (port + 1, "notifier")):
            running.until(lambda at=at: page(at), f"the page of the {role}")  # type: ignore[misc]
            assert f'role="{role}"' in page(at)
        running.terminate(limit=15).exited(0)


def is_free(port: int) -> bool:
    """Whether nobody listens on a port."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def page(port: int) -> str:
    """The page of figures, empty while nobody answers."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""


def test_a_state_directory_that_others_could_read_is_closed_at_the_start(workplace: Workplace, redis_url: str) -> None:
    workplace.state_dir.mkdir()
    old, foreign = workplace.state_dir / "ninja-old.sqlite3", workplace.state_dir / "notes.txt"
    for path, mode in ((workplace.state_dir, 0o755), (old, 0o644), (foreign, 0o644)):
        path.touch()
        path.chmod(mode)  # Not by mkdir and touch: a command that ran in this process has set its umask.
    with SimulatorServer(RandomMarket(seed=6, always_open=True), token=TOKEN) as broker:
        workplace.configure(FAST).uses(broker=broker.url, redis=redis_url, token=TOKEN)
        running = workplace.start("up")
        running.until(lambda: list(workplace.state_dir.glob("*.heartbeat")) or SIGNAL.search(running.out), "work")
        running.says(f"{workplace.state_dir} was open to others")
        running.terminate(limit=15).exited(0)
    shared = [path for path in workplace.state_dir.rglob("*") if path.lstat().st_mode & 0o077]
    assert shared == [foreign]
    assert workplace.state_dir.stat().st_mode & 0o777 == 0o700


def test_a_child_sees_nothing_of_the_surroundings_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    monkeypatch.setenv("OANDA_ACCOUNT_ID", "real")

    environment = child_environment({"NINJA_NAMESPACE": "demo"})

    assert "REDIS_URL" not in environment
    assert "OANDA_ACCOUNT_ID" not in environment
    assert environment["NINJA_NAMESPACE"] == "demo"

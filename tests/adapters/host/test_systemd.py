"""What systemd is told, heard at a socket like its own; and a worker that hangs is no longer vouched for."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from ninja_daemon.adapters.host.systemd import ServiceManager
from ninja_daemon.app.process.liveness import Liveness
from ninja_daemon.app.process.supervision import Workers, supervise
from tests.fakes.clock import FakeClock


class Ear:
    """A NOTIFY_SOCKET that keeps what it hears; read all the time, since a datagram socket holds ten words only."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._heard: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while (word := self._socket.recv(4096)) != b"enough":
            self._heard.put(word.decode())

    def hears(self, limit: float = 10.0) -> str:
        """Wait for the next word; empty when none comes."""
        try:
            return self._heard.get(timeout=limit)
        except queue.Empty:
            return ""

    def everything(self) -> list[str]:
        """All that was said so far."""
        self.close()
        return [self._heard.get() for _ in range(self._heard.qsize())]

    def close(self) -> None:
        if self._thread.is_alive():
            self._socket.connect(self._socket.getsockname())
            self._socket.send(b"enough")
            self._thread.join()
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def ear(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ear]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@ninja-test-{os.getpid()}-{tmp_path.name}"
    made = Ear(address)
    yield made
    made.close()


def manager(ear: Ear, watchdog: str = "60000000") -> ServiceManager:
    return ServiceManager({"NOTIFY_SOCKET": ear.address, "WATCHDOG_USEC": watchdog, "WATCHDOG_PID": str(os.getpid())})


def test_each_word_is_said_as_systemd_reads_it(ear: Ear) -> None:
    made = manager(ear)
    made.ready()
    made.status("two\nlines")
    made.status("two lines")
    made.works()
    made.stopping()
    assert ear.everything() == ["READY=1", "STATUS=two lines", "WATCHDOG=1", "STOPPING=1"]
    assert made.watchdog == 60.0


def test_without_systemd_nothing_is_said_and_nothing_fails(tmp_path: Path) -> None:
    for environ in ({}, {"NOTIFY_SOCKET": "nonsense"}, {"NOTIFY_SOCKET": str(tmp_path / "gone")}):
        made = ServiceManager(environ)
        made.ready()
        made.works()
        assert made.watchdog is None


@pytest.mark.parametrize(
    "environ", [{"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "5", "WATCHDOG_PID": "1"}]
)
def test_a_watchdog_that_is_not_ours_is_none(environ: dict[str, str]) -> None:
    assert ServiceManager(environ).watchdog is None


class Listed(ServiceManager):
    """Keeps what it would say."""

    def __init__(self) -> None:
        super().__init__({})
        self.watchdog = 60.0
        self.said: list[str] = []

    def _tell(self, state: str) -> None:
        self.said.append(state)


def test_the_watchdog_is_fed_only_while_every_worker_gets_on() -> None:
    told = Listed()
    clock, stop, answered = FakeClock(), threading.Event(), [0]
    liveness = Liveness(clock, 60.0)
    stack = ExitStack()
    stack.enter_context(liveness.working("close of M5"))
    rounds = iter(range(40))

    def sentence() -> str:
        number = next(rounds)
        if number == 10:
            answered[0] += 1  # a request that the worker waits for was answered
        if number == 35:
            stack.close()
        if number == 39:
            stop.set()
        return "fine"

    with capture_logs() as logs:
        workers = Workers(liveness, sentence, lambda: answered[0])
        supervise(stop, workers, clock=clock, manager=told, log=structlog.get_logger())
    assert (told.said[0], told.said[-1]) == ("READY=1", "STOPPING=1")
    # Forty looks, five seconds apart: silent from a minute after the answer until the worker rests.
    assert told.said.count("WATCHDOG=1") == 40 - (36 - 24)
    assert [entry["event_id"] for entry in logs] == ["worker.hanging", "worker.recovered"]


_PROGRAM = """
import sys, threading
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.app.cli import main

def hang_here(self, token, seconds):
    threading.Event().wait()

if "hang" in sys.argv:
    sys.argv.remove("hang")
    RedisStateStore.lease = hang_here
main()
"""


@pytest.mark.parametrize("hangs", [False, True])
def test_a_daemon_vouches_for_itself_only_while_it_works(
    tmp_path: Path,
    redis_url: str,
    hangs: bool,
) -> None:
    ear = Ear(str(tmp_path / "n"))
    config = tmp_path / "ninja.toml"
    config.write_text('[strategies.A]\ninstrument = "EUR_USD"\ntimeframe = "D"\nfast_ma = 2\nslow_ma = 3\n')
    child = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "run", *(["hang"] if hangs else [])],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "NOTIFY_SOCKET": ear.address,
            "WATCHDOG_USEC": "1500000",
            "OANDA_ACCESS_TOKEN": "t",
            "OANDA_API_URL": "http://127.0.0.1:9",
            "REDIS_URL": redis_url,
            "NINJA_CONFIG": str(config),
            "NINJA_STATE_DIR": str(tmp_path / "state"),
        },
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert ear.hears() == "READY=1"
        deadline = time.monotonic() + 20
        if not hangs:
            heard = [ear.hears() for _ in range(8)]
            assert heard.count("WATCHDOG=1") >= 3
            assert any(word.startswith("STATUS=1 strategy, active") for word in heard)
            child.terminate()
            assert child.wait(10) == 0
            return
        # Fed every half a second while all is well, so that three seconds without a word are no accident.
        while ear.hears(3.0):
            assert time.monotonic() < deadline, "nobody vouches for a process whose thread hangs"
        # What systemd does then.
        child.send_signal(signal.SIGABRT)
        assert child.wait(10) == -signal.SIGABRT
        assert child.stderr is not None
        assert "hang_here" in child.stderr.read()
    finally:
        child.kill()
        child.wait()
        if child.stderr is not None:
            child.stderr.close()
        ear.close()


def test_what_one_worker_waits_for_vouches_for_no_other() -> None:
    clock = FakeClock()
    liveness = Liveness(clock, 60.0)
    liveness.beat("lease")
    with liveness.working("close of M1"):
        for _ in range(13):
            clock.time += 5
            liveness.answered()
        assert liveness.hanging() == ["lease"]
        for _ in range(200):
            clock.time += 5
            liveness.answered()
        assert liveness.hanging() == ["close of M1", "lease"], "not for ever"

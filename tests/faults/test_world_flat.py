"""What a process holds does not grow: memory, open files and threads over a thousand wakes and a thousand deliveries.

``make faults`` does ten thousand of each.
"""

from __future__ import annotations

import gc
import io
import logging
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.adapters.telemetry.logs import configure_logs, reset_logs
from ninja_daemon.app.daemon.process import Daemon
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instrument import Instrument
from tests.app.daemon.test_process import FIFTEEN, OTHER, START, spooling
from tests.end_to_end.settings import nasty
from tests.fakes.broker import FakeBroker
from tests.fakes.clock import FakeClock
from tests.fakes.messages import a_signal
from tests.faults.scene import Scene, World, world
from tests.faults.tally import Row, Tally
from tests.servers import RedisServer

WINDOW: Final = 60
"""Candles that the broker remembers."""
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
MORE_MEMORY: Final = 3 * 1024 * 1024
"""Bytes that an allocator may keep for itself without anything growing: over ten thousand wakes 300 bytes each."""


@dataclass(frozen=True)
class Holding:
    """What a process holds."""

    memory: int
    files: int
    """Open files that are no connections."""
    connections: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> Holding:
        place = Path(f"/proc/{pid}")
        pages = int((place / "statm").read_text(encoding="ascii").split()[1])
        opened = [target_of(file) for file in (place / "fd").iterdir()]
        connections = sum(target.startswith("socket:") for target in opened)
        return cls(pages * PAGE, len(opened) - connections, connections, len(list((place / "task").iterdir())))

    @classmethod
    def at_rest(cls, pid: int) -> Holding:
        """The least of a few looks: a file that is open for a moment does not count."""
        looks = []
        for _ in range(20):
            looks.append(cls.of(pid))
            time.sleep(0.01)
        return cls(*(min(values) for values in zip(*map(astuple, looks), strict=True)))

    def is_as_flat_as(self, earlier: Holding, *, connections: int | None = None) -> None:
        """Fail unless nothing grew since.

        Args:
            earlier: What the process held before.
            connections: The most that it may have open; none says: no more than before. A pool opens one only when
                two threads first want one at once, and that may be at the first delivery or at the thousandth.
        """
        assert self.files <= earlier.files, f"open files: {earlier.files}, then {self.files}"
        most = earlier.connections if connections is None else connections
        assert self.connections <= most, f"connections: {earlier.connections}, then {self.connections} of {most}"
        assert self.threads <= earlier.threads, f"threads: {earlier.threads}, then {self.threads}"
        grown = self.memory - earlier.memory
        assert grown < MORE_MEMORY, f"resident memory grew by {grown:,} bytes from {earlier.memory:,}"


def target_of(file: Path) -> str:
    """What an open file leads to; nothing when it was closed meanwhile."""
    try:
        return str(file.readlink())
    except FileNotFoundError:
        return ""


@pytest.fixture
def quiet_logs() -> Iterator[None]:
    """Let every line be made, and keep none."""

    class Nowhere(io.StringIO):
        def write(self, text: str, /) -> int:
            return len(text)

    configure_logs(level="debug", stream=Nowhere())
    yield
    reset_logs()


def forget_log_records() -> None:
    """Keep pytest from collecting every record for its report: that alone grows."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if type(handler).__module__.startswith("_pytest")]:
        root.removeHandler(handler)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("quiet_logs")
def test_a_daemon_holds_no_more_after_a_thousand_wakes(
    redis_url: str, tmp_path: Path, tally: Tally, *, long: bool
) -> None:
    forget_log_records()
    wakes = 10_000 if long else 1_000
    client, clock, keys = connect(redis_url, name="test"), FakeClock(), Keys("flat")
    instruments = {name: Instrument(name, 5, -4) for name in ("EUR_USD", "GBP_USD")}
    broker = FakeBroker(instruments, {FIFTEEN.series: [], OTHER.series: []})
    journal = SqliteJournal(tmp_path / "journal.sqlite3")
    daemon = Daemon(
        [FIFTEEN, OTHER],
        source=broker,
        store=spooling(RedisStateStore(client, keys), journal, clock),
        journal=journal,
        clock=clock,
        on_crash=lambda error: pytest.fail(str(error)),
    )

    def wake(number: int) -> None:
        show(broker, number)
        clock.time = START + 900 * (number + 1) + 0.5
        daemon.renew_lease()
        daemon.on_close(FIFTEEN.granularity, FIFTEEN.market_hours)
        daemon.retry()
        # What only the test keeps.
        broker.asked.clear()
        clock.waits.clear()
        client.delete(keys.signals)

    for number in range(WINDOW, WINDOW + wakes // 4):
        wake(number)
    gc.collect()
    before, threads = Holding.of(os.getpid()), threading.active_count()
    for number in range(WINDOW + wakes // 4, WINDOW + wakes):
        wake(number)
    gc.collect()
    Holding.of(os.getpid()).is_as_flat_as(before)
    assert threading.active_count() == threads
    assert daemon.figures.counters.wakes >= wakes
    assert daemon.figures.counters.signals > wakes // 20
    assert client.llen(keys.history) <= 1_000
    journal.close()
    client.close()
    tally.record(Row("wakes: memory, files and threads stay", injected=wakes))


def show(broker: FakeBroker, newest: int) -> None:
    """Let a candle be the newest of those that the broker remembers."""
    for series in broker.candles:
        closes = {
            number: 110_000 + (40 if number // 6 % 2 else -40) * (number % 6) for number in range(newest + 1)[-WINDOW:]
        }
        broker.candles[series] = [
            Candle(START + 900 * number, close, close + 5, close - 5, close) for number, close in closes.items()
        ]


def arrived(stage: World, count: int) -> bool:
    """Whether that many posts came."""
    return len(stage.receiver.posts) >= count


@pytest.mark.timeout(600)
def test_a_notifier_holds_no_more_after_a_thousand_deliveries(
    fresh_redis: RedisServer, tmp_path: Path, candles_dir: Path, tally: Tally, *, long: bool
) -> None:
    messages = 10_000 if long else 1_000
    directory = tmp_path / "flat"
    directory.mkdir()
    with world(tmp_path, candles_dir, fresh_redis) as stage:
        scene = Scene(stage, directory, nasty("EUR_USD_H4")[:1])
        try:
            notifier = scene.notifier("--log-level", "debug")
            holdings = []
            for half in (range(messages // 2), range(messages // 2, messages)):
                scene.client.rpush(scene.key("signals"), *[encode_signal(a_signal(number)) for number in half])
                notifier.until(partial(arrived, stage, half.stop), "delivery", 300.0)
                holdings.append(Holding.at_rest(notifier.pid))
            # To Redis one a thread at most; besides, the doorbell's and the receiver's.
            holdings[1].is_as_flat_as(holdings[0], connections=holdings[0].threads + 2)
        finally:
            scene.end()
    tally.record(
        Row(
            "deliveries: memory, files and threads stay",
            injected=messages,
            expected=messages,
            delivered=len(stage.receiver.posts),
            delivery_missing=messages - len({post.headers["webhook-id"] for post in stage.receiver.posts}),
        )
    )

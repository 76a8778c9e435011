"""The product's processes between a real Redis and a simulated broker whose time a test sets.

The processes' own clock is today's; the candles are years old, so that every signal they find is late.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import redis

from ninja_daemon.simulator.clock import SimulatedClock
from ninja_daemon.simulator.server import SimulatorServer
from tests.end_to_end.settings import toml
from tests.end_to_end.stage import ACCOUNT, SOON_AFTER_CLOSE, TOKEN, epoch, market_of
from tests.oracle import Rules, close_time
from tests.processes import Finished, Workplace
from tests.servers import RedisServer


class Outside:
    """A working directory, a broker and a Redis."""

    def __init__(
        self, place: Workplace, server: SimulatorServer, clock: SimulatedClock, redis_server: RedisServer
    ) -> None:
        self.place = place
        self.server = server
        self.clock = clock
        self.redis_server = redis_server
        self.redis: redis.Redis = redis_server.client()
        place.uses(broker=server.url, redis=redis_server.url, token=TOKEN)

    def watch(self, rules: Iterable[Rules]) -> None:
        """Write these strategies into the configuration file."""
        self.place.configure(toml(rules))

    def show(self, candle: Mapping[str, str], timeframe: str) -> None:
        """Let a candle be the newest complete one."""
        self.clock.set(epoch(close_time(candle["time"], timeframe)) + SOON_AFTER_CLOSE)

    def once(self, code: int = 0, **environment: str) -> Finished:
        """``run --once``."""
        return self.place.run("run", "--once", environment=environment).exited(code)

    def listed(self, name: str | None = None, namespace: str = "ninja") -> list[str]:
        """What is on the list, of one strategy or of all."""
        elements: Any = self.redis.lrange(f"{{{namespace}}}:signals", 0, -1)
        return [text for text in map(str, elements) if name is None or f'"strategy":"{name}"' in text]

    def cursor(self, name: str, namespace: str = "ninja") -> str | None:
        """The open of the last candle that was taken in."""
        value: Any = self.redis.get(f"{{{namespace}}}:last_processed:{name}")
        return value if value is None else str(value)


@pytest.fixture
def outside(workplace: Workplace, fresh_redis: RedisServer, candles_dir: Path) -> Iterator[Outside]:
    """The real candles behind the simulator, a Redis of the test's own, and a place to run processes in."""
    clock = SimulatedClock.fixed(0.0)
    with SimulatorServer(market_of(candles_dir), clock=clock, token=TOKEN, account=ACCOUNT) as server:
        made = Outside(workplace, server, clock, fresh_redis)
        yield made
        workplace.end_all()
        made.redis.close()

"""The simulated broker as a child: so many series over a market that crosses with every candle of five seconds.

The price of every instrument goes up with one candle and down with the next, so that averages of one and two candles
cross each time and every series has a signal at every close: what is measured is the way, not the luck.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence

from benchmarks.canned import ACCOUNT, instrument_names
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.simulator.faults import BrokerFault, Delay, FaultScript
from ninja_daemon.simulator.markets.completion import ByLag
from ninja_daemon.simulator.markets.quotes import Listing, Row
from ninja_daemon.simulator.server import SimulatorServer

_HOUR = 3_600


class Zigzag:
    """A market of two prices; see the module."""

    def __init__(self, names: Sequence[str]) -> None:
        """List the instruments."""
        self._listings = {name: Listing(Instrument(name, 5, -4), 2) for name in names}
        self._begins = int(time.time()) // _HOUR * _HOUR - _HOUR

    @property
    def listings(self) -> Mapping[str, Listing]:
        """Return the instruments by name."""
        return self._listings

    @property
    def begins(self) -> Instant:
        """Return the first instant with a price."""
        return self._begins

    def rows(
        self, instrument: str, granularity: Granularity, start: Instant, end: Instant, now: float
    ) -> Sequence[Row]:
        """Return the candles that open from ``start`` to before ``end`` and have begun."""
        del instrument
        step = granularity.seconds
        first = -(-max(start, self._begins) // step) * step
        return [_row(opened, step) for opened in range(first, min(end, int(now) + 1), step)]

    def first_tick(self, instrument: str, granularity: Granularity, start: Instant, end: Instant) -> float | None:
        """Return the beginning: there is a price in every second."""
        del instrument, granularity
        return float(start) if start < end else None


def _row(opened: Instant, step: int) -> Row:
    up = opened // step % 2
    first, last = (109_900, 110_100) if up else (110_100, 109_900)
    return Row(opened, first, 110_100, 109_900, last, 10)


def main(count: int, lag: float) -> None:
    """Serve; each line on the standard input sets the delay of every answer, in seconds."""
    market, script = Zigzag(instrument_names(count)), FaultScript()
    with SimulatorServer(market, account=ACCOUNT, completion=ByLag.of(lag), faults=script) as server:
        print(json.dumps({"url": server.url}), flush=True)
        for line in sys.stdin:
            script.clear()
            if seconds := json.loads(line).get("delay"):
                script.add(BrokerFault(Delay(seconds)))
            # Requests carry the monotonic clock; the benchmark compares with the one on the wall.
            apart = time.time() - time.monotonic()
            print(json.dumps({"asked": [request.at + apart for request in server.requests]}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))

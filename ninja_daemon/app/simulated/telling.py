"""What ``simulator`` says: its address and time at the start, then a line for each request."""

from __future__ import annotations

import shlex
import threading
import time
from typing import Final
from urllib.parse import quote, urlencode

import typer

from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.simulator.markets.market import Market, RandomMarket
from ninja_daemon.simulator.record import Served
from ninja_daemon.simulator.server import SimulatorServer

_HIDDEN: Final = "***"


def introduce(server: SimulatorServer, market: Market, now: float, *, always_open: bool, token: str) -> None:
    """Say where it is, what its time is and how to try it."""
    environ = f"OANDA_API_URL={server.url} OANDA_ACCESS_TOKEN={shlex.quote(token)}"
    typer.echo(f"simulated broker at {server.url}, account {server.broker.account}, {len(market.listings)} instruments")
    typer.echo(f"its time is {format_instant(int(now))}")
    if not always_open and isinstance(market, RandomMarket) and not MarketHours.FX.is_open(int(now)):
        typer.echo("the market is closed now, as on every weekend; with --always-open it never is")
    if always_open and isinstance(market, RandomMarket):
        typer.echo('strategies look while the real market is open, unless they say market_hours = "always":')
        typer.echo("config/simulator.toml is a sample that signals within the hour, on weekends, too")
    typer.echo(f"try it: {environ} ninja-daemon run --once")
    typer.echo("Ctrl-C ends it")


class RequestLines:
    """One line a request, without the token, even where a client has put it into the address."""

    def __init__(self, token: str, stop: threading.Event) -> None:
        """Hide the token; ``stop`` is set when nobody reads the lines any more."""
        self._token = token
        self._stop = stop

    def __call__(self, served: Served) -> None:
        """Write the line of a request that was answered."""
        query = {name: self._hidden(value) for name, value in served.query.items()}
        path = "/".join(quote(self._hidden(part)) for part in served.path.split("/"))
        address = f"{path}?{urlencode(query, safe=':,')}" if query else path
        struck = "".join(f" [{type(fault.effect).__name__}]" for fault in served.faults)
        outcome = served.status or "reset"
        try:
            typer.echo(
                f"{time.strftime('%H:%M:%S')} {outcome} {served.method} {address} "
                f"{served.size} bytes, connection {served.connection}{struck}"
            )
        except OSError:  # nobody reads any more
            self._stop.set()

    def _hidden(self, value: str) -> str:
        return _HIDDEN if value == self._token else value

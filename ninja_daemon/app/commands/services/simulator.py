"""``ninja-daemon simulator``: the simulated broker, stand-alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from ninja_daemon.app.candles.options import FileOptions, refuse
from ninja_daemon.app.process.stopping import stop_on_signals
from ninja_daemon.app.simulated.options import Access, Behaviour, MarketOptions, market as market_to_serve
from ninja_daemon.app.simulated.telling import RequestLines, introduce
from ninja_daemon.simulator.server import SimulatorServer


def simulator(
    *,
    access: Access,
    served: MarketOptions,
    files: FileOptions,
    behaviour: Behaviour,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line a request.")] = False,
) -> None:
    """Serve a simulated OANDA v20 REST server."""
    rule, faults = behaviour.rule(), behaviour.faults(served.seed)
    market, clock = market_to_serve(served, files, always_open=behaviour.always_open), behaviour.clock()
    stop = threading.Event()
    stop_on_signals(stop)
    with _needing(access):
        server = SimulatorServer(
            market,
            token=access.token,
            account=access.account,
            host=access.host,
            port=access.port,
            clock=clock,
            completion=rule,
            faults=faults,
            on_request=(lambda _: None) if quiet else RequestLines(access.token, stop),
        )
    with server:
        introduce(server, market, clock.now(), always_open=behaviour.always_open, token=access.token)
        stop.wait()


@contextmanager
def _needing(access: Access) -> Iterator[None]:
    """Make an address that cannot be listened on a usage error."""
    try:
        yield
    except OSError as error:
        reason = f"were {access.host} and {access.port} ({error.strerror}); --port 0 takes any port that is free"
        refuse("--host and --port", f"must be an address of this machine and a free port, {reason}")

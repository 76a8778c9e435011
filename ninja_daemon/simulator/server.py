"""The simulated broker on a socket: HTTP/1.1 as a client of the real server meets it, with faults on order."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from ninja_daemon.simulator.answers.broker import DEFAULT_ACCOUNT, SimulatedBroker
from ninja_daemon.simulator.clock import Now, SimulatedClock
from ninja_daemon.simulator.connections import HttpServer
from ninja_daemon.simulator.faults import FaultScript
from ninja_daemon.simulator.markets.completion import ByTime, Completion
from ninja_daemon.simulator.markets.quotes import Market
from ninja_daemon.simulator.record import RequestRecord, Served

_LOOK: Final = 0.02
_FIRST_REQUEST_ID: Final = 24_600_000_000_000_001


class SimulatorServer(RequestRecord):
    """A simulated OANDA v20 REST server in this process; a context manager that serves from entry to exit.

    Args:
        market: where prices come from.
        token: the bearer token that is good; None takes any, but not none.
        account: the account that belongs to it.
        host: address to listen on.
        port: port to listen on; 0 for any that is free.
        clock: the server's time; the machine's, when left out.
        completion: when candles are complete; at their end, when left out.
        strict_first: how ``includeFirst=false`` is meant, see ``SimulatedBroker``.
        faults: what goes wrong; may be changed at any time.
        on_request: told of each request when it has been answered, on the thread of its connection.

    Raises:
        OSError: the port is taken.
    """

    def __init__(  # noqa: PLR0913 - everything but the market has a default
        self,
        market: Market,
        *,
        token: str | None = "demo",  # noqa: S107 - guards nothing
        account: str = DEFAULT_ACCOUNT,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Now | None = None,
        completion: Completion | None = None,
        strict_first: bool = True,
        faults: FaultScript | None = None,
        on_request: Callable[[Served], None] = lambda _: None,
    ) -> None:
        """Bind the port; nothing is answered before ``start``."""
        super().__init__(on_request)
        self.broker = SimulatedBroker(market, token, account, completion or ByTime(), strict_first)
        self.clock: Now = clock or SimulatedClock.real()
        self.faults = faults or FaultScript()
        self.stopping = threading.Event()
        self._http = HttpServer((host, port), self)
        self._thread: threading.Thread | None = None
        self.next_request_id = itertools.count(_FIRST_REQUEST_ID).__next__

    @property
    def url(self) -> str:
        """Return the address for ``OANDA_API_URL``."""
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port, for clients that are no HTTP clients."""
        host, port = self._http.server_address[:2]
        return str(host), int(port)

    def start(self) -> None:
        """Serve on threads of its own."""
        self._thread = threading.Thread(target=self._http.serve_forever, args=(_LOOK,), name="simulator", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and free the port, without waiting for delayed answers."""
        self.stopping.set()
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
        self._http.end_connections()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

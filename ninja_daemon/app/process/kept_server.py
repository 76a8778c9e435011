"""A server of our own that is started again when it dies: the Redis of ``up`` and ``demo``."""

from __future__ import annotations

import threading
from typing import Final, Protocol, Self

from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.words import counted

_LOOK: Final = 0.2
"""Seconds between two looks at the server."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
"""Seconds before a try; doubled after each failure, and after each death within ``_STEADY``."""
_STEADY: Final = 60.0
"""Seconds after which a server counts as well again."""


class Server(Protocol):
    """What is kept."""

    @property
    def running(self) -> bool:
        """Whether it is there."""

    def start(self) -> object:
        """Start it.

        Raises:
            ConfigError: it does not come up.
        """

    def stop(self) -> None:
        """Stop it, or clear up after its death."""


class KeptServer:
    """Looks after a server that runs already; also a context manager."""

    def __init__(self, name: str, server: Server) -> None:
        """Prepare; ``start`` begins to look.

        Args:
            name: what it is called when its death is told.
            server: started before and stopped afterwards by the caller.
        """
        self._name = name
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"keeper of {name}", daemon=True)
        self._deaths = 0
        self._refusal = ""

    def __enter__(self) -> Self:
        """Look after it from now on."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more; a start under way is waited for."""
        self._stop.set()
        self._thread.join()

    @property
    def trouble(self) -> str:
        """What happened to it, in a sentence; empty while nothing has."""
        if self._refusal:
            return f"{self._name} ended and does not start again: {self._refusal}"
        return f"{self._name} ended and was started again {counted(self._deaths, 'time')}" if self._deaths else ""

    def _watch(self) -> None:
        pause, well = FIRST_PAUSE, 0.0
        while not self._stop.wait(_LOOK):
            if self._server.running:
                well += _LOOK
                pause = FIRST_PAUSE if well >= _STEADY else pause
                continue
            well = 0.0
            if self._stop.wait(pause):
                return
            pause = min(LONGEST_PAUSE, 2 * pause)
            self._start_again()

    def _start_again(self) -> None:
        self._server.stop()
        try:
            self._server.start()
        except ConfigError as error:
            self._refusal = str(error)
        else:
            self._refusal = ""
            self._deaths += 1

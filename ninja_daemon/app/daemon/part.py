"""Which part of the work a daemon has, where several share it: a shard, and whether it is for this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog
from structlog.typing import FilteringBoundLogger

from ninja_daemon.app.daemon.figures import WakeFigures


class Seat(Protocol):
    """Whether a lease is for us to ask for, where several daemons share the work."""

    def refresh(self) -> None:
        """Find out who the others are.

        Raises:
            StoreUnavailable: it cannot be found out.
            ConfigError: they divide the work otherwise.
        """

    def is_ours(self) -> bool:
        """Tell whether the lease is ours to ask for."""

    def must_look(self) -> bool:
        """Tell whether something happened that cannot wait for the next tick."""


class OneLease:
    """The seat where there is one lease: everybody asks for it."""

    def refresh(self) -> None:
        """There is nothing to find out."""

    def is_ours(self) -> bool:
        """Everybody may have it."""
        return True

    def must_look(self) -> bool:
        """Nothing happens to others that would matter."""
        return False


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of the work a daemon has.

    Attributes:
        shard: its number; None for all of the work.
        seat: whether the part is for this process.
        token: names this process in its lease; empty for a name of its own.
        figures: of all parts of the process; None for figures of its own.
    """

    shard: int | None = None
    seat: Seat = field(default_factory=OneLease)
    token: str = ""
    figures: WakeFigures | None = None

    def log(self) -> FilteringBoundLogger:
        """Return the log in which the part's number stands."""
        log: FilteringBoundLogger = structlog.get_logger("ninja.daemon")
        return log if self.shard is None else log.bind(shard=self.shard)

    def named(self, worker: str) -> str:
        """Return a worker's name that no other part has."""
        return worker if self.shard is None else f"{worker} of shard {self.shard}"


WHOLE: Final = Part()

"""What the configuration file says, as values: nothing here knows how it is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.news.place import CalendarPlace
from ninja_daemon.core.messages.destination import Delivery
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.spans import WEEK

PUBLIC_DELAY: Final = 900.0
"""Seconds, where the file does not say another delay."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What the configuration file says of Redis and of the daemons that share it; environment values say where it is.

    Attributes:
        needs_replicas: a commit counts only when the replicas have it.
        shards: number of parts that the series are divided into.
        egress: name of the address by which this daemon reaches the broker; empty for one of its own.
    """

    needs_replicas: bool = False
    shards: int = 1
    egress: str = ""


ONE_SERVER: Final = ServerSettings()


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the configuration file says, defaults filled in.

    Attributes:
        strategies: in the order of the file.
        delivery: destinations and routes.
        path: the file.
        notes: one sentence for each thing that is accepted and worth knowing.
        extra_instruments: instruments that the user vouches for.
        servers: how Redis is used, and how daemons share it.
        public_delay: seconds from a candle's close until the public page shows what came of it.
        audit_every: seconds between two audits by the daemon itself; None for none.
        calendar: where scheduled news are read; None where there is none.
    """

    strategies: tuple[Strategy, ...]
    delivery: Delivery
    path: Path
    notes: tuple[str, ...] = ()
    extra_instruments: frozenset[str] = frozenset()
    servers: ServerSettings = ONE_SERVER
    public_delay: float = PUBLIC_DELAY
    audit_every: float | None = WEEK
    calendar: CalendarPlace | None = None

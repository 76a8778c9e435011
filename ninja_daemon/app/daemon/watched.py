"""What those who look at a daemon from outside may ask: metrics, health checks, the dead man's switch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ninja_daemon.app.daemon.figures import WakeFigures
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import Traffic


class Watched(Protocol):
    """A daemon, or the daemons of a process together; each name as in ``Daemon``."""

    figures: WakeFigures

    @property
    def strategies(self) -> Sequence[Strategy]:
        """All that are watched."""

    @property
    def is_active(self) -> bool:
        """Whether it holds a lease."""

    @property
    def is_store_up(self) -> bool:
        """Whether Redis answers."""

    @property
    def can_work(self) -> bool:
        """Whether a cross that comes now would be found and kept."""

    @property
    def takeover_seconds(self) -> float | None:
        """How long the last takeover took; None before."""

    @property
    def led(self) -> Mapping[int, bool]:
        """Whether it leads each shard; empty where there is one lease."""

    @property
    def traffic(self) -> Traffic:
        """What was exchanged with the broker."""

    def troubles(self) -> dict[str, str]:
        """Return what somebody should see to, by strategy."""

    def sentence(self) -> str:
        """Return in a line how it goes."""

    def kept_commits(self) -> int:
        """Return how many commits wait in the local journal; raises JournalUnavailable."""

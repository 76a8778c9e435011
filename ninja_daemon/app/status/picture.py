"""Everything that is known at one moment: strategies, queue, and the life signs of both processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ninja_daemon.adapters.redis.sharing.shard_reports import ShardReports
from ninja_daemon.adapters.redis.topology.servers import Servers
from ninja_daemon.adapters.stored.record import Findings
from ninja_daemon.app.audits.results import AuditSummary
from ninja_daemon.app.status.strategy_figures import StrategyFigures
from ninja_daemon.core.lanes.depths import QueueDepths
from ninja_daemon.core.messages.routing import Silence

NO_DEPTHS: Final = QueueDepths(0, 0, 0, (), {})


@dataclass(frozen=True, slots=True)
class Status:
    """A picture of now.

    Attributes:
        at: epoch seconds.
        redis: where Redis is, without credentials; None where the product works without. Averages and counts are then
            in the daemon's memory only, and not known here.
        daemon: fields of the daemon's heartbeat, or its process; None when it shows no sign of life.
        notifier: the same of the notifier.
        queued: signals on the list that no notifier has taken yet; None when it is not a list.
        delivery: lanes and dead letters; None when they cannot be read.
        strategies: in the order of the configuration.
        notes: what is stored and cannot be read.
        silences: those in force.
        stopped: by ``daemon`` and ``notifier``, when it was stopped as it should be, a moment ago.
        record: the record of signals and outcomes on this machine; None when there is none.
        audit: what the daemon's own audits on this machine found; None before the first.
        servers: master, failovers and replicas behind an address with several hosts; None for one server.
        shards: who leads which; None where there is one lease.
        away: why Redis could not be read, so that this is what the journal of this machine knows; empty when it could.
    """

    at: float
    redis: str | None
    namespace: str
    daemon: Mapping[str, Any] | None
    notifier: Mapping[str, Any] | None
    queued: int | None
    delivery: QueueDepths | None
    strategies: tuple[StrategyFigures, ...]
    notes: tuple[str, ...] = ()
    away: str = ""
    record: Findings | None = None
    audit: AuditSummary | None = None
    servers: Servers | None = None
    shards: ShardReports | None = None
    silences: tuple[Silence, ...] = ()
    stopped: Mapping[str, str] = field(default_factory=dict)

    def silence_of(self, name: str) -> str:
        """Say why ``daemon`` or ``notifier`` shows no sign of life."""
        at = self.stopped.get(name)
        return f"stopped at {at[:19].replace('T', ' ')} UTC" if at else "no sign of life in the last minute"

    @property
    def daemon_age(self) -> float | None:
        """Seconds since the daemon's sign of life; None when there is none, or none that says when."""
        return _age(self.daemon, self.at)

    @property
    def notifier_age(self) -> float | None:
        """Seconds since the notifier's."""
        return _age(self.notifier, self.at)

    @property
    def is_counted(self) -> bool:
        """Whether averages and counts are known."""
        return self.redis is not None and not self.away


def _age(heartbeat: Mapping[str, Any] | None, now: float) -> float | None:
    written = None if heartbeat is None else heartbeat.get("at")
    try:
        return None if not isinstance(written, str) else now - datetime.fromisoformat(written).timestamp()
    except (ValueError, OverflowError):
        return None


STOPPED: Final = "stopped"
"""State of a last heartbeat, left at a clean end."""


def living(beat: Mapping[str, Any] | None, process: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the heartbeat, or the process where there is none that tells of life."""
    return process if beat is None or beat.get("state") == STOPPED else beat


def stopped_at(**beats: Mapping[str, Any] | None) -> Mapping[str, str]:
    """Return when those were stopped whose last heartbeat says so."""
    return {name: str(beat.get("at")) for name, beat in beats.items() if beat and beat.get("state") == STOPPED}

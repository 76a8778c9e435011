"""The status for another program: schema 1, instants in UTC, prices as exact numbers."""

from __future__ import annotations

from ninja_daemon.app.audits.results import AuditSummary
from ninja_daemon.app.queues.silence_words import silence_fields
from ninja_daemon.app.status.closes_today import ScheduledCloses
from ninja_daemon.app.status.picture import NO_DEPTHS, Status
from ninja_daemon.app.status.shared.servers import servers_fields
from ninja_daemon.app.status.shared.shards import shards_fields
from ninja_daemon.app.status.strategy_figures import StrategyFigures
from ninja_daemon.core.lanes.depths import QueueDepths
from ninja_daemon.core.market.instant import format_instant, format_moment


def status_fields(status: Status) -> dict[str, object]:
    """Return the figures as ``--json`` writes them: schema 1, instants in UTC, prices as exact numbers."""
    depths = status.delivery or NO_DEPTHS
    return {
        "schema": 1,
        "at": format_moment(status.at),
        "redis": status.redis,
        "redis_error": status.away or None,
        "servers": status.servers and servers_fields(status.servers),
        "shards": status.shards and shards_fields(status.shards),
        "namespace": status.namespace,
        "daemon": status.daemon,
        "notifier": status.notifier,
        "stopped": dict(status.stopped),
        "daemon_age": _rounded(status.daemon_age),
        "notifier_age": _rounded(status.notifier_age),
        "queued": status.queued,
        "delivery": _delivery_fields(status.delivery),
        "silences": [silence_fields(one, depths) for one in status.silences],
        "record": status.record and {"lines": status.record.lines, "head": status.record.head},
        "audit": status.audit and _audit_fields(status.audit),
        "strategies": [_strategy_fields(figures, counted=status.is_counted) for figures in status.strategies],
        "notes": list(status.notes),
    }


def _audit_fields(audit: AuditSummary) -> dict[str, object]:
    return {
        "strategies": audit.strategies,
        "oldest": format_instant(audit.oldest),
        "newest": format_instant(audit.newest),
        "differences": dict(audit.differences),
    }


def _delivery_fields(depths: QueueDepths | None) -> dict[str, object] | None:
    if depths is None:
        return None
    return {
        "alerts": depths.alerts,
        "dead": depths.dead,
        "unrouted": depths.unrouted,
        "lanes": [
            {
                "destination": lane.destination,
                "state": lane.state,
                "waiting": lane.waiting,
                "dead": lane.dead,
                "attempts": lane.attempts,
                "due_in": _rounded(lane.due_in),
                "oldest_age": _rounded(lane.oldest_age),
                "delivered": lane.delivered,
                "repeats": lane.repeats,
                "failures": lane.failures,
                "outcomes_shown": lane.outcomes_shown,
                "outcomes_dropped": lane.outcomes_dropped,
                "error": lane.error or None,
            }
            for lane in depths.lanes
        ],
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _strategy_fields(figures: StrategyFigures, *, counted: bool) -> dict[str, object]:
    strategy, averages, counts = figures.strategy, figures.averages, figures.counts
    return {
        "strategy": strategy.name,
        "instrument": strategy.instrument,
        "timeframe": strategy.granularity.name,
        "enabled": strategy.enabled,
        "condition": figures.condition,
        "stale": figures.is_stale,
        "behind": figures.behind,
        "last_candle": _instant(figures.last_candle),
        "last_close": _instant(figures.last_close),
        "next_close": _instant(figures.next_close) if strategy.enabled else None,
        "side": None if figures.side is None else figures.side.name,
        "close": averages and averages.close,
        "fast_ma": averages and averages.fast,
        "slow_ma": averages and averages.slow,
        "atr": averages and averages.atr,
        "gap_pips": averages and averages.gap_pips,
        "cross_price": averages and averages.cross_price,
        "cross_pips": averages and averages.cross_pips,
        "cross_far": None if averages is None or averages.cross_price is None else averages.cross_is_far,
        "cross_when": None if averages is None or averages.cross_price is None else _beyond(averages.cross_above),
        "candles": averages and averages.warm,
        "candles_needed": strategy.warm_up,
        "evaluated": counts.evaluated if counted else None,
        "crosses": counts.crosses if counted else None,
        "signals": counts.signals if counted else None,
        "rejected": dict(counts.rejected) if counted else None,
        "revisions": counts.revisions if counted else None,
        "gaps": counts.gaps if counted else None,
        "closes_today": None if figures.closes is None else _closes_fields(figures.closes),
        "last_signal_id": counts.last_signal_id or None,
        "last_signal_time": _instant(counts.last_signal_time),
        "last_signal_close": _instant(figures.last_signal_close),
        "open": [one._asdict() | {"time": format_instant(one.time)} for one in figures.open],
        "paused_until": None if figures.paused_until is None else format_moment(figures.paused_until),
        "notes": list(figures.notes),
    }


def _closes_fields(closes: ScheduledCloses) -> dict[str, object]:
    nearest = closes.nearest
    return {
        "due": closes.due,
        "evaluated": closes.dealt_with,
        "missing": closes.is_missing,
        "nearest_pips": nearest and nearest.pips,
        "nearest_close": nearest and format_instant(nearest.close),
    }


def _beyond(above: bool) -> str:  # noqa: FBT001 - it is the whole question
    return "above" if above else "below"


def _instant(at: int | None) -> str | None:
    return None if at is None else format_instant(at)

"""The figures of all strategies at one moment, out of what was read from several places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ninja_daemon.app.audits.results import Noted
from ninja_daemon.app.queues.silence_words import paused_until
from ninja_daemon.app.status.closes_today import closes_today
from ninja_daemon.app.status.shared.averages import Averages
from ninja_daemon.app.status.strategy_figures import StrategyFigures, strategy_figures
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Loaded


def all_figures(  # noqa: PLR0913 - read in as many places
    strategies: Sequence[Strategy],
    loaded: Mapping[str, Loaded],
    now: float,
    *,
    heartbeat: Mapping[str, Any] | None,
    averages_from: Callable[[Strategy, StrategyState, Instrument], Averages],
    silences: Sequence[Silence],
    noted: Noted,
    counted: bool,
) -> Iterator[StrategyFigures]:
    """Work out the figures.

    Args:
        strategies: whose.
        loaded: what is stored of them, by name.
        now: epoch seconds.
        heartbeat: the daemon's.
        averages_from: works out averages.
        silences: those in force.
        noted: what this machine noted today.
        counted: what is stored holds counts.
    """
    waiting = _reasons(heartbeat)
    for each in strategies:
        stored = loaded[each.name]
        figures = strategy_figures(each, stored, now, waiting.get(each.name), averages_from)
        closes = closes_today(each, stored, now, noted.nearest, counted=counted)
        yield replace(figures, closes=closes, paused_until=paused_until(each.name, silences))


def _reasons(heartbeat: Mapping[str, Any] | None) -> Mapping[str, str]:
    waiting = (heartbeat or {}).get("waiting")
    return {str(name): str(reason) for name, reason in waiting.items()} if isinstance(waiting, dict) else {}

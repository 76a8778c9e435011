"""Silences in words: which signals, which destinations, until when, and how many signals each one held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.network.redaction import escaped
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.lanes.depths import QueueDepths
from ninja_daemon.core.market.instant import format_moment
from ninja_daemon.core.messages.routing import Match, Silence
from ninja_daemon.core.words import counted


def pause_of(strategy: str, until: float) -> Silence:
    """Return the silence of ``strategies pause``: no destination gets the strategy's signals."""
    return Silence(f"pause-{strategy}", Match(strategy=(strategy,)), until, comment="paused")


def paused_until(strategy: str, silences: Sequence[Silence]) -> float | None:
    """Return until when a strategy is paused; None when it is not."""
    whole = Match(strategy=(strategy,))
    return max((one.until for one in silences if one.match == whole and not one.destinations), default=None)


def configured_silences(environment: Environment) -> list[Silence]:
    """Return the silences of the configuration that have not ended; none where it cannot be read."""
    from ninja_daemon.app.settings.strategies import load_configuration  # noqa: PLC0415 - not for the words alone

    try:
        silences = load_configuration(environment).delivery.silences
    except ConfigError:
        return []
    now = SystemClock().now()
    return [one for one in silences if one.until > now]


def silence_line(silence: Silence, depths: QueueDepths) -> str:
    """Say it in a line."""
    hushed = counted(depths.hushed_by(silence), "signal")
    said = f"silence {silence.id} of {scope(silence)} until {format_moment(silence.until)}, {hushed} so far"
    return f"{said} {escaped(silence.comment)}".rstrip()


def silence_fields(silence: Silence, depths: QueueDepths) -> dict[str, Any]:
    """Return it for another program."""
    match = silence.match
    named = {"instrument": match.instrument, "timeframe": match.timeframe, "strategy": match.strategy}
    single = {"side": match.side, "late": match.late, "min_risk_reward": match.min_risk_reward}
    return {
        "id": silence.id,
        "until": format_moment(silence.until),
        "destinations": list(silence.destinations),
        "comment": silence.comment,
        "hushed": depths.hushed_by(silence),
        "match": {name: list(value) for name, value in named.items() if value}
        | {name: str(value) for name, value in single.items() if value is not None},
    }


def scope(silence: Silence) -> str:
    """Write which signals a silence holds for whom; one that holds everything, or nothing, stands out."""
    match = silence.match
    parts = [",".join(each) for each in (match.instrument, match.timeframe, match.strategy) if each]
    if match.side is not None:
        parts.append(match.side.name)
    what = escaped(" ".join(parts)) or "every signal"
    return f"{what} to {', '.join(map(escaped, silence.destinations)) or 'everybody'}"

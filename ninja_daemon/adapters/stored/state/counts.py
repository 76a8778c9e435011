"""The stored form of what is counted of a strategy: side, candle, counts and the last signal (contract 3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ninja_daemon.adapters.stored.state.state_form import integer, integers
from ninja_daemon.core.errors import StateUnreadable
from ninja_daemon.core.market.instant import Instant, format_instant, parse_written_instant
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.usecases.ports import Counts

_REJECTED: Final = re.compile(r"rejected:([A-Za-z0-9_.\-]{1,64})", re.ASCII)


COUNTED: Final = ("side", "crosses", "signals", "revisions", "gaps", "last_signal_id", "last_signal_time")
"""Fields that are there whatever happened, and change when something does."""
_FORMER_NAMES: Final = {"atr_warming": "atr"}
"""Filters that had another name before; they count on under the new one."""


def encode_counts(state: StrategyState, counts: Counts) -> dict[str, str]:
    """Write the fields of ``signal_state``: side, candle, counts and the last signal (contract 3)."""
    return {
        "side": state.side.name if state.side is not None else "",
        "crosses": str(counts.crosses),
        "signals": str(counts.signals),
        "revisions": str(counts.revisions),
        "gaps": str(counts.gaps),
        "last_signal_id": counts.last_signal_id,
        "last_signal_time": "" if counts.last_signal_time is None else format_instant(counts.last_signal_time),
        **{f"rejected:{name}": str(count) for name, count in counts.rejected.items()},
        **encode_quiet_counts(state, counts),
    }


def encode_quiet_counts(state: StrategyState, counts: Counts) -> dict[str, str]:
    """Write the fields that change with a candle at which nothing happens."""
    assert state.last is not None  # noqa: S101 - only states with a candle are committed
    return {
        "time": format_instant(state.last.time),
        "evaluated": str(counts.evaluated),
        "shown_before": " ".join(map(str, counts.shown_before)),
    }


def is_quiet(before: Counts, after: Counts) -> bool:
    """Tell whether nothing has happened that other fields than those of ``encode_quiet_counts`` count."""
    return before[1:-1] == after[1:-1]  # all but the candles evaluated and the closes shown before


def decode_counts(fields: Mapping[str, str]) -> tuple[Counts, Instant | None]:
    """Read ``signal_state`` back: the counts, and the candle that it names.

    Raises:
        StateUnreadable: a field is not what this version writes.
    """
    try:
        last_signal = fields.get("last_signal_time", "")
        shown_before = fields.get("shown_before", "")
        named = fields.get("time", "")
        last_signal_id = fields.get("last_signal_id", "")[:64]
        counts = Counts(
            evaluated=integer(fields.get("evaluated", "0")),
            crosses=integer(fields.get("crosses", "0")),
            signals=integer(fields.get("signals", "0")),
            rejected=_rejected(fields),
            revisions=integer(fields.get("revisions", "0")),
            gaps=integer(fields.get("gaps", "0")),
            last_signal_id=last_signal_id if last_signal_id.isprintable() else "",
            last_signal_time=parse_written_instant(last_signal) if last_signal else None,
            shown_before=tuple(integers(shown_before)[:2]) if shown_before else (),
        )
        return counts, parse_written_instant(named) if named else None
    except ValueError as error:
        message = f"signal_state must hold what was written, was changed: {error}"
        raise StateUnreadable(message) from error


def _rejected(fields: Mapping[str, str]) -> dict[str, int]:
    counts = {match[1]: text for name, text in fields.items() if (match := _REJECTED.fullmatch(name))}
    return {
        _FORMER_NAMES.get(name, name): integer(text)
        for name, text in counts.items()
        if _FORMER_NAMES.get(name) not in counts
    }

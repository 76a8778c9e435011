"""What another configuration makes of the same candles: signals that come, go and change, paired by their candles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ninja_daemon.core.signals.signal import Signal

_COMPARED: Final = ("side", "close", "stop_loss", "take_profit")
"""What a reader acts on. Ids and averages differ with every setting, so they would say nothing."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Two signals of one candle that a reader would act on in another way.

    Attributes:
        fields: names of what differs.
    """

    was: Signal
    now: Signal
    fields: Sequence[str]


@dataclass(frozen=True, slots=True)
class Differences:
    """The signals of two strategies of one instrument, each oldest first.

    Attributes:
        same: how many are alike.
        gone: of the first one alone.
        added: of the second one alone.
        changed: of both, and not alike.
    """

    same: int
    gone: Sequence[Signal]
    added: Sequence[Signal]
    changed: Sequence[Changed]


def differences(first: Sequence[Signal], second: Sequence[Signal]) -> Differences:
    """Pair signals by the closes of their candles."""
    before, after = ({one.close_time: one for one in signals} for signals in (first, second))
    pairs = [(before[time], after[time]) for time in sorted(before.keys() & after.keys())]
    changed = [Changed(was, now, fields) for was, now in pairs if (fields := _differing(was, now))]
    return Differences(
        len(pairs) - len(changed),
        [one for one in first if one.close_time not in after],
        [one for one in second if one.close_time not in before],
        changed,
    )


def _differing(was: Signal, now: Signal) -> Sequence[str]:
    return [name for name in _COMPARED if getattr(was, name) != getattr(now, name)]

"""When the last signal of a strategy was listed, where its signals keep a distance and its averages are built anew.

The counts say it, as long as they are there and do not lie ahead of the cursor; else the list's history does. Where
neither knows (both lost, Redis away), the candles tell again: what the rules make of a longer history.
"""

from __future__ import annotations

from collections.abc import Sequence

from ninja_daemon.core.errors import NinjaError
from ninja_daemon.usecases.ports import StateStore
from ninja_daemon.usecases.standing import LastSignal, Standing
from ninja_daemon.usecases.wake_result import Start


def find_last_signals(standings: Sequence[Standing], store: StateStore) -> None:
    """Find it out for the strategies whose averages are to be built."""
    unknown = []
    for one in standings:
        if not one.strategy.spacing or one.start is Start.STORED:
            continue
        tally = one.loaded.tally
        if one.cursor is not None and tally.evaluated and (tally.last_signal_time or 0) <= one.cursor:
            one.last_signal = LastSignal(tally.last_signal_time)
        else:
            unknown.append(one)
    if not unknown:
        return
    try:
        listed = store.last_listed({one.strategy.name: one.cursor for one in unknown})
    except NinjaError:
        return
    for one in unknown:
        if one.strategy.name in listed:
            one.last_signal = LastSignal(listed[one.strategy.name])

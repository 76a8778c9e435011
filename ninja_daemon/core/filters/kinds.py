"""The table of the filters, in the order in which a cross is judged (contract 4.5 and 13): one line a filter.

Settings, hash, record, documentation, counts, logs, ``why`` and tests go by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ninja_daemon.core.filters import days, max_spread, min_candles_between, pips, quiet_around, sessions, trend
from ninja_daemon.core.filters.always import atr, min_atr_value, min_rr_ratio, no_room
from ninja_daemon.core.filters.filter import Filter, Judge, Settings
from ninja_daemon.core.market.instrument import Instrument

FILTERS: Final = (
    atr.FILTER,
    min_atr_value.FILTER,
    min_rr_ratio.FILTER,
    no_room.FILTER,
    sessions.FILTER,
    days.FILTER,
    trend.FILTER,
    max_spread.FILTER,
    min_candles_between.FILTER,
    pips.MIN_GAP,
    pips.MIN_SLOPE,
    quiet_around.FILTER,
)

KEYS: Final = {one.name: one.key for one in FILTERS if one.key is not None}
"""The keys of the optional filters, in the order of the table."""

Chosen = tuple[tuple[str, Any], ...]
"""The optional filters that a strategy sets, by name, with the values of their keys; in the order of the table."""


def chosen(values: Mapping[str, Any]) -> Chosen:
    """Take out of some settings those of optional filters, as their keys have read them."""
    return tuple((name, values[name]) for name in KEYS if values.get(name) is not None)


def written(filters: Chosen) -> dict[str, object]:
    """Return the values in normal form, as they are hashed and recorded."""
    return {name: KEYS[name].written(value) for name, value in filters}


def restored(settings: Mapping[str, object]) -> Chosen:
    """Take the optional filters out of recorded settings.

    Raises:
        ValueError: a value is none that ``written`` returns.
    """
    return chosen({name: key.read(settings[name]) for name, key in KEYS.items() if name in settings})


def judges_of(settings: Settings, instrument: Instrument, filters: Chosen) -> Iterator[tuple[Filter, Judge]]:
    """Go through the filters of a strategy."""
    values = dict(filters)
    for one in FILTERS:
        if one.key is None or one.name in values:
            yield one, one.bind(settings, instrument, values.get(one.name))

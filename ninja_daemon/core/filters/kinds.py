"""The table of the filters, in the order in which a cross is judged (contract 4.5): one line a filter.

Settings, documentation, counts, logs and tests go by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Self

from ninja_daemon.core.filters import atr, min_atr_value, min_rr_ratio, no_room
from ninja_daemon.core.filters.filter import Bind, Judge, Settings
from ninja_daemon.core.market.instrument import Instrument


class Filter(Enum):
    """Why a cross is not a signal; the value is the name under which it is counted.

    Attributes:
        sentence: says what was the case when it rejected.
        bind: makes its judge for a strategy.
    """

    sentence: str
    bind: Bind

    WARMING = atr.NAME, atr.SENTENCE, atr.bind
    MIN_ATR = min_atr_value.NAME, min_atr_value.SENTENCE, min_atr_value.bind
    MIN_RR = min_rr_ratio.NAME, min_rr_ratio.SENTENCE, min_rr_ratio.bind
    NO_ROOM = no_room.NAME, no_room.SENTENCE, no_room.bind

    def __new__(cls, name: str, sentence: str, bind: Bind) -> Self:
        """Make the name the value, with the rest beside it."""
        member = object.__new__(cls)
        member._value_ = name
        member.sentence, member.bind = sentence, bind
        return member


def judges_of(settings: Settings, instrument: Instrument) -> Iterator[tuple[Filter, Judge]]:
    """Go through the filters that can reject a cross of a strategy."""
    for one in Filter:
        judge = one.bind(settings, instrument)
        if judge is not None:
            yield one, judge

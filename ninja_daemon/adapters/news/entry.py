"""An entry of a calendar as it is written, before it is known whether it is an event with a time."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Final, NamedTuple

from ninja_daemon.core.market.news import ANY_CURRENCY

_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


class CalendarEntry(NamedTuple):
    """An entry of a calendar.

    Attributes:
        when: its time, a date where it is of a whole day, None where it is to be published some time.
        currency: as it is written.
        impact: as it is written.
        title: as it is written.
    """

    when: datetime | date | None
    currency: str
    impact: str
    title: str


def is_currency(text: str) -> bool:
    """Tell whether a text is a currency, or stands for all."""
    return text.upper() == ANY_CURRENCY or _CURRENCY.fullmatch(text.upper()) is not None

"""Events of an iCalendar text (RFC 5545), as its library reads them.

Nothing of that standard says which currency an event moves, and how much. Taken are: the currency among the categories
or the words of the summary, the country that begins the summary as ForexFactory writes it; ``Impact: High`` in the
description, an impact among the categories, or the priority (1 to 4 high, 5 medium, 6 to 9 low).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from ninja_daemon.adapters.news.entry import CalendarEntry, is_currency
from ninja_daemon.core.errors import CalendarUnreadable
from ninja_daemon.core.market.news import ANY_CURRENCY, IMPACTS

_COUNTRIES: Final = {
    "AU": "AUD",
    "CA": "CAD",
    "CH": "CNY",
    "EZ": "EUR",
    "JN": "JPY",
    "NZ": "NZD",
    "SZ": "CHF",
    "UK": "GBP",
    "US": "USD",
    "WW": ANY_CURRENCY,
}
_IMPACT: Final = re.compile(r"impact:\s*([a-z]+)", re.ASCII | re.IGNORECASE)
_WORD: Final = re.compile(r"\b[A-Z]{2,3}\b", re.ASCII)
_MEDIUM: Final = 5
_CURE: Final = "calendars in the form of iCalendar need the package icalendar: pip install 'ninja-daemon[calendar]'"


def entries_of(content: bytes) -> Iterator[CalendarEntry | None]:
    """Go through the events; None stands for one that is not understood.

    Raises:
        CalendarUnreadable: the text is no calendar, or the package that reads it is missing.
    """
    try:
        from icalendar import Calendar  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise CalendarUnreadable(_CURE) from error
    try:
        events = Calendar.from_ical(content).walk("VEVENT")
    except Exception as error:  # a spoilt zone ends the library with errors of every kind
        message = f"it is no calendar of RFC 5545: {str(error)[:80]}"
        raise CalendarUnreadable(message) from error
    return (_entry(event) for event in events)


def _entry(event: Any) -> CalendarEntry | None:  # noqa: ANN401 - a component of the library
    if event.errors or "RRULE" in event:
        return None
    begin, summary = getattr(event.get("DTSTART"), "dt", None), str(event.get("SUMMARY", ""))
    listed = event.get("CATEGORIES") or []
    categories = [str(one) for each in (listed if isinstance(listed, list) else [listed]) for one in each.cats]
    words = _WORD.findall(summary)
    currency = next((one for one in [*categories, *words] if is_currency(one)), "")
    if words and words[0] in _COUNTRIES:
        currency = _COUNTRIES[words[0]]
    if not isinstance(begin, date) or not currency:
        return None
    is_certain = str(event.get("STATUS", "CONFIRMED")).upper() == "CONFIRMED"
    return CalendarEntry(begin if is_certain else None, currency, _impact(event, categories), summary)


def _impact(event: Any, categories: list[str]) -> str:  # noqa: ANN401 - as above
    told = _IMPACT.search(str(event.get("DESCRIPTION", "")))
    graded = [told[1]] if told else [one for one in categories if one.lower().startswith(IMPACTS)]
    if graded:
        return graded[0]
    try:
        priority = int(event.get("PRIORITY", 0))
    except ValueError:
        return ""
    if not 0 < priority < 10:  # noqa: PLR2004 - RFC 5545, 3.8.1.9
        return ""
    return IMPACTS[(priority >= _MEDIUM) + (priority > _MEDIUM)]

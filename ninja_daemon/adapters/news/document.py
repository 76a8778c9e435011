"""The text of a calendar, JSON or iCalendar, as events; what is no event with a time is left out and counted."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from ninja_daemon.adapters.news.entry import CalendarEntry, is_currency
from ninja_daemon.core.errors import CalendarUnreadable
from ninja_daemon.core.market.news import IMPACTS, NewsEvent

_MOST: Final = 200_000
_LONGEST_TITLE: Final = 80
_WITHOUT_TIME: Final = re.compile(r"all[ -]?day|day \d+|tentative", re.ASCII | re.IGNORECASE)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TITLES, _CURRENCIES, _IMPACTS = ("title", "event", "name"), ("currency", "country"), ("impact", "importance")
_TIMES: Final = ("date", "datetime", "time")

ALL_DAY: Final = "all day or tentative"
NO_ZONE: Final = "without a time zone"
OTHER_IMPACT: Final = "of no impact that is known"
UNCLEAR: Final = "not understood"


@dataclass(frozen=True, slots=True)
class Document:
    """What a calendar says.

    Attributes:
        events: each once, by their times.
        skipped: how many entries were left out, by reason.
    """

    events: tuple[NewsEvent, ...]
    skipped: Mapping[str, int]


def read_document(content: bytes, zone: ZoneInfo | None = None) -> Document:
    """Read a calendar.

    Args:
        content: JSON, a list of events or an object that holds one as ``events``; or iCalendar.
        zone: of times without one; None to leave these out.

    Raises:
        CalendarUnreadable: it is neither, or no entry of it was understood.
    """
    entries, found, skipped = 0, set[NewsEvent](), Counter[str]()
    is_calendar = content.lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(b"BEGIN:VCALENDAR")
    for entry in _icalendar(content) if is_calendar else _json(content):
        entries += 1
        reason = UNCLEAR if entry is None else _taken(entry, zone, found)
        if reason:
            skipped[reason] += 1
    if entries and skipped[UNCLEAR] == entries:
        message = "no event of it is understood: each must have title, currency (or country), impact, date"
        raise CalendarUnreadable(message)
    return Document(tuple(sorted(found)), dict(skipped))


def _icalendar(content: bytes) -> Iterable[CalendarEntry | None]:
    from ninja_daemon.adapters.news.icalendar_entries import entries_of  # noqa: PLC0415 - an extra

    return entries_of(content)


def _taken(entry: CalendarEntry, zone: ZoneInfo | None, found: set[NewsEvent]) -> str:
    """Take in an event; return why it is left out, empty when it is not."""
    when = entry.when
    if not isinstance(when, datetime):
        return ALL_DAY
    impact = next((one for one in IMPACTS if entry.impact.lower().startswith(one)), "")
    if not impact:
        return OTHER_IMPACT
    if when.tzinfo is None:
        if zone is None:
            return NO_ZONE
        when = when.replace(tzinfo=zone)
    title = "".join(letter if letter.isprintable() else " " for letter in entry.title)[:_LONGEST_TITLE].strip()
    found.add(NewsEvent(int(when.timestamp()), entry.currency.upper(), impact, title))
    return ""


def _json(content: bytes) -> Iterator[CalendarEntry | None]:
    try:
        told = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        message = "it is neither JSON nor iCalendar"
        raise CalendarUnreadable(message) from error
    entries = told.get("events") if isinstance(told, dict) else told
    if not isinstance(entries, list) or len(entries) > _MOST:
        message = f"it must be a list of at most {_MOST:,} events, or an object that holds one as `events`"
        raise CalendarUnreadable(message)
    return (_json_entry(entry) if isinstance(entry, dict) else None for entry in entries)


def _json_entry(entry: Mapping[str, Any]) -> CalendarEntry | None:
    texts = {str(name).lower(): value.strip() for name, value in entry.items() if isinstance(value, str)}
    currency = next((texts[name] for name in _CURRENCIES if is_currency(texts.get(name, ""))), "")
    times = [texts[name] for name in _TIMES if name in texts]
    if not currency or not times:
        return None
    impact, title = (next((texts[name] for name in names if name in texts), "") for names in (_IMPACTS, _TITLES))
    if any(_WITHOUT_TIME.match(text) for text in times) or impact.lower().startswith("holiday"):
        return CalendarEntry(None, currency, impact, title)
    moment = next((found for text in times if (found := _moment(text)) is not None), None)
    return None if moment is None else CalendarEntry(moment, currency, impact, title)


def _moment(text: str) -> datetime | date | None:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        moment - timedelta(days=2), moment + timedelta(days=2)
    except (ValueError, OverflowError):
        return None
    return moment

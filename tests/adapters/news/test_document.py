"""Calendars as people have them: which entries are events, and which are left out and counted."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from ninja_daemon.adapters.news.document import ALL_DAY, NO_ZONE, OTHER_IMPACT, UNCLEAR, read_document
from ninja_daemon.core.errors import CalendarUnreadable
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.news import NewsEvent

RATE = {"title": "Rate", "country": "USD", "date": "2026-03-06T08:30:00-05:00", "impact": "High", "forecast": "1"}
AT = parse_instant("2026-03-06T13:30:00Z")
EVENT = NewsEvent(AT, "USD", "high", "Rate")
HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//made up//EN\r\n"

NUMBERS = itertools.count()
SPOILT = (
    "",
    "\r\n",
    ":",
    ";",
    "=",
    "TZID=America/",
    "TZID",
    "INTERVAL=0",
    "FREQ=SECONDLY",
    "END:VEVENT",
    "99999999T999999",
)
"""Pieces that a calendar may hold where it should not."""


def ics(*events: str) -> bytes:
    one = "BEGIN:VEVENT\r\nUID:{number}\r\nDTSTAMP:20260301T000000Z\r\n{lines}\r\nEND:VEVENT\r\n"
    made = (one.format(number=number, lines=lines.replace("\n", "\r\n")) for number, lines in enumerate(events))
    return f"{HEAD}{''.join(made)}END:VCALENDAR\r\n".encode()


@pytest.mark.parametrize(
    ("entry", "event"),
    [
        (RATE, EVENT),
        ({"event": "Rate", "currency": "usd", "datetime": "2026-03-06T13:30:00Z", "importance": "high impact"}, EVENT),
        ({**RATE, "impact": "Medium Impact Expected"}, EVENT._replace(impact="medium")),
        ({**RATE, "country": "All"}, EVENT._replace(currency="ALL")),
        ({**RATE, "date": "2026-03-06 08:30:00-0500", "title": "Rate\u0000\n "}, EVENT),
        ({**RATE, "title": "Pay & " + "x" * 200}, EVENT._replace(title="Pay & " + "x" * 74)),
    ],
)
def test_an_entry_of_json_is_an_event(entry: Mapping[str, str], event: NewsEvent) -> None:
    assert read_document(json.dumps([entry]).encode()).events == (event,)
    assert read_document(b"\xef\xbb\xbf" + json.dumps({"events": [entry, entry]}).encode()).events == (event,)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({**RATE, "date": "2026-03-06"}, ALL_DAY),
        ({**RATE, "time": "All Day"}, ALL_DAY),
        ({**RATE, "time": "Tentative"}, ALL_DAY),
        ({**RATE, "impact": "Holiday", "date": "2026-03-06T00:00:00-05:00"}, ALL_DAY),
        ({**RATE, "impact": "Non-Economic"}, OTHER_IMPACT),
        ({**RATE, "date": "2026-03-06T13:30:00"}, NO_ZONE),
        ({**RATE, "date": "soon"}, UNCLEAR),
        ({**RATE, "country": "Germany"}, UNCLEAR),
        (7, UNCLEAR),
    ],
)
def test_what_has_no_time_or_no_meaning_is_left_out_and_counted(entry: object, reason: str) -> None:
    document = read_document(json.dumps([RATE, entry]).encode())
    assert (document.events, document.skipped) == ((EVENT,), {reason: 1})


def test_times_without_a_zone_are_those_of_the_zone_that_is_named() -> None:
    entries = [{**RATE, "date": f"2026-03-{day}T08:30:00"} for day in ("06", "09")]
    found = read_document(json.dumps(entries).encode(), ZoneInfo("America/New_York")).events
    assert [one.time for one in found] == [AT, parse_instant("2026-03-09T12:30:00Z")]


@pytest.mark.parametrize(
    ("lines", "event"),
    [
        (
            "SUMMARY:⁂ US Rate\nDTSTART;TZID=America/New_York:20260306T083000\nDESCRIPTION:Impact: High\\n\\nx",
            "⁂ US Rate",
        ),
        ("SUMMARY:USD Rate\nDTSTART:20260306T133000Z\nPRIORITY:1", "USD Rate"),
        ("SUMMARY:Rate\nDTSTART:20260306T133000Z\nCATEGORIES:High,USD", "Rate"),
        ("SUMMARY:Rate\nDTSTART:20260306T143000\nCATEGORIES:USD\nCATEGORIES:high impact", "Rate"),
    ],
)
def test_an_entry_of_icalendar_is_an_event(lines: str, event: str) -> None:
    found = read_document(ics(lines), ZoneInfo("Europe/Berlin"))
    assert (found.events, found.skipped) == ((EVENT._replace(title=event),), {})


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("SUMMARY:US Rate\nDTSTART;VALUE=DATE:20260306\nPRIORITY:1", ALL_DAY),
        ("SUMMARY:US Rate\nDTSTART:20260306T133000Z\nPRIORITY:1\nSTATUS:TENTATIVE", ALL_DAY),
        ("SUMMARY:US Rate\nDTSTART:20260306T133000\nPRIORITY:1", NO_ZONE),
        ("SUMMARY:US Rate\nDTSTART:20260306T133000Z", OTHER_IMPACT),
        ("SUMMARY:Rate\nDTSTART:20260306T133000Z\nPRIORITY:1", UNCLEAR),
        ("SUMMARY:US Rate\nDTSTART:soon\nPRIORITY:1", UNCLEAR),
        ("SUMMARY:US Rate\nDTSTART:20260306T133000Z\nPRIORITY:1\nRRULE:FREQ=MONTHLY", UNCLEAR),
    ],
)
def test_what_icalendar_leaves_open_is_left_out_and_counted(lines: str, reason: str) -> None:
    known = "SUMMARY:EUR Rate\nDTSTART:20260306T133000Z\nPRIORITY:5"
    document = read_document(ics(known, lines))
    assert (document.events, document.skipped) == (
        (EVENT._replace(currency="EUR", impact="medium", title="EUR Rate"),),
        {reason: 1},
    )


def zoned(line: str) -> bytes:
    """A calendar with a zone of its own, which has one more line; the library remembers zones by their names."""
    name = f"Own{next(NUMBERS)}"
    zone = f"BEGIN:VTIMEZONE\r\nTZID:{name}\r\nBEGIN:STANDARD\r\nDTSTART:19701101T020000\r\nTZOFFSETFROM:-0400\r\n"
    zone += f"TZOFFSETTO:-0500\r\n{line}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    return HEAD.encode() + zone.encode() + ics(f"DTSTART;TZID={name}:20260306T133000\nSUMMARY:USD")[len(HEAD) :]


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 14), st.sampled_from(SPOILT)), min_size=1, max_size=3))
@settings(max_examples=150)
def test_a_calendar_that_was_spoilt_is_read_or_refused(spoilt: list[tuple[int, int, str]]) -> None:
    content = zoned("RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU").decode()
    for at, cut, added in spoilt:
        content = content[:at] + added + content[at + cut :]
    with suppress(CalendarUnreadable):
        read_document(content.encode())


@pytest.mark.parametrize(
    ("content", "cure"),
    [
        (b"<html>", "neither JSON nor iCalendar"),
        (b'{"a": 1}', "a list of at most 200,000 events"),
        (b'[{"a": 1}]', "each must have title, currency"),
        (b"BEGIN:VCALENDAR\r\nhello", "no calendar of RFC 5545"),
        # What the library ends with otherwise: IsADirectoryError, TypeError, AttributeError.
        (ics("DTSTART;TZID=America/:20260306T133000\nSUMMARY:USD"), "no calendar of RFC 5545"),
        (zoned("RRULE:FREQ=YEARLY=11;BYDAY=1SU"), "no calendar of RFC 5545"),
        (zoned("").replace(b"TZID:Own", b"TZID:Two\r\nTZID:Own", 1), "no calendar of RFC 5545"),
    ],
)
def test_what_is_no_calendar_is_refused_with_what_it_must_be(content: bytes, cure: str) -> None:
    with pytest.raises(CalendarUnreadable, match=cure):
        read_document(content)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: f"{HEAD}{text}".encode())))
def test_no_bytes_raise_anything_else(content: bytes) -> None:
    try:
        read_document(content)
    except CalendarUnreadable as error:
        assert str(error)  # noqa: PT017 - any other error fails

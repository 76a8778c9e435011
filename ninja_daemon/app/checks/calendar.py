"""The calendar of scheduled news: can it be read, is it new enough, does it say anything for the strategies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ninja_daemon.adapters.news.document import NO_ZONE, Document, read_document
from ninja_daemon.adapters.news.place import CalendarPlace, read_place
from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.core.errors import CalendarUnreadable
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.words import counted, duration
from ninja_daemon.usecases.ports import Clock

_SUBJECT: Final = "calendar"


def check_calendar(
    place: CalendarPlace | None, strategies: Sequence[Strategy], clock: Clock, *, offline: bool
) -> Iterator[Finding]:
    """Read the calendar as the daemon does; an address is asked once, and not at all when ``offline``."""
    quiet = [one for one in strategies if one.quiet is not None]
    if place is None:
        return
    if not quiet:
        cause = "no strategy sets quiet_around, so it is not used"
        yield Finding(Level.INFO, "calendar.unused", _SUBJECT, cause)
        return
    if place.file is None and offline:
        return
    now = clock.now()
    try:
        content = read_place(place, now)
        document = read_document(content.text, place.zone)
    except CalendarUnreadable as error:
        cure = "signals go out marked until it can be; docs/filters.md says which forms are read"
        yield Finding(Level.ERROR, "calendar.unreadable", _SUBJECT, str(error), cure)
        return
    findings = [*_age(place, now - content.as_of), *_content(document, now), *_idle(document, quiet)]
    yield from findings
    if not findings:
        events, left_out = counted(len(document.events), "event"), sum(document.skipped.values())
        age = duration(max(0, int(now) - content.as_of))
        cause = f"{place.label}: {events}, {left_out} left out, of {age} ago"
        yield Finding(Level.OK, "calendar", _SUBJECT, cause)


def _age(place: CalendarPlace, age: float) -> Iterator[Finding]:
    if age > place.max_age:
        cause = f"{place.label} is {duration(age)} old, and max_age is {duration(place.max_age)}: signals go out marked"
        yield Finding(Level.WARNING, "calendar.old", _SUBJECT, cause, "have it written again, by a timer for instance")


def _content(document: Document, now: float) -> Iterator[Finding]:
    if not document.events or document.events[-1].time < now:
        last = f"the last one was at {format_instant(document.events[-1].time)}" if document.events else "there is none"
        cause = f"it names no event from now on, {last}: no signal is kept back"
        yield Finding(Level.WARNING, "calendar.past", _SUBJECT, cause, "take a calendar that reaches into the future")
    if count := document.skipped.get(NO_ZONE):
        cause = f"{counted(count, 'event')} of it have times without a time zone and are left out"
        yield Finding(
            Level.WARNING, "calendar.zone", _SUBJECT, cause, 'say which: [calendar] zone = "America/New_York"'
        )


def _idle(document: Document, quiet: Sequence[Strategy]) -> Iterator[Finding]:
    for one in quiet:
        if one.quiet is not None and not any(one.quiet.concerns(event, one.instrument) for event in document.events):
            cause = (
                f"none of its events is of impact {' or '.join(one.quiet.impact)} and of the currencies of {one.name}"
            )
            cure = "look at impact and currencies of its quiet_around"
            yield Finding(Level.WARNING, "calendar.idle", f"strategy {one.name}", cause, cure)
            return

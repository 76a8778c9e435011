"""The calendar of scheduled news as commands know it that judge candles again: what was kept, and what stands now."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from typing import Final

from ninja_daemon.adapters.journal.history.news import SqliteNews, news_path
from ninja_daemon.adapters.news.document import read_document
from ninja_daemon.adapters.news.place import CalendarPlace, read_place
from ninja_daemon.app.queues.opening import store_label
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import CalendarUnreadable
from ninja_daemon.core.market.news import NO_CALENDAR, Calendar, Known
from ninja_daemon.core.signals.strategy import Strategy

_NEVER: Final = 2**40
"""Seconds; later than any candle."""


def news_file(environment: Environment) -> SqliteNews:
    """Return the history of the calendar on this machine."""
    return SqliteNews(news_path(environment.state_dir, store_label(environment), environment.namespace))


def kept_calendar(environment: Environment, max_age: int = 0) -> Calendar | None:
    """Return what a daemon of this machine has kept; None when there is nothing. Makes no file."""
    with closing(news_file(environment)) as file:
        return file.calendar(max_age) if file.path.exists() else None


def known_calendar(environment: Environment, strategies: Iterable[Strategy]) -> Calendar:
    """Return the calendar by which closes are judged again.

    What the daemon has kept decides from its first reading on; the file as it stands decides before that, and where no
    daemon ever ran. An address is not asked.

    Raises:
        CalendarUnreadable: the file is not there, or not understood.
        JournalUnavailable: what was kept cannot be read.
    """
    from ninja_daemon.app.settings.servers.calendar import place_of_file  # noqa: PLC0415 - brings pydantic along

    place = place_of_file(environment) if any(one.quiet is not None for one in strategies) else None
    return NO_CALENDAR if place is None else calendar_of_place(environment, place)


def calendar_of_place(environment: Environment, place: CalendarPlace) -> Calendar:
    """Return the same of a calendar that is named."""
    kept = kept_calendar(environment, place.max_age)
    if place.file is None:
        if kept is None:
            message = "what the calendar's address said is known where a daemon has run; to judge without, name a file"
            raise CalendarUnreadable(message)
        return kept
    calendar = Calendar() if kept is None else kept
    known = {one.event for one in calendar.events}
    events = read_document(read_place(place, _NEVER).text, place.zone).events
    # They count for the time before the daemon's first reading only.
    more = [Known(event, _NEVER) for event in events if event not in known]
    return replace(calendar, events=sorted([*calendar.events, *more], key=lambda one: one.event)) if more else calendar

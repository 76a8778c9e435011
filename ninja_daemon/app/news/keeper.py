"""Reads the calendar of scheduled news in a thread of its own, so that no wake waits, and says when it is old."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import structlog

from ninja_daemon.adapters.journal.history.news import SqliteNews
from ninja_daemon.adapters.news.document import read_document
from ninja_daemon.adapters.news.place import ASKED_EVERY, CalendarPlace, read_place, written_at
from ninja_daemon.adapters.telemetry.recurring import Recurring
from ninja_daemon.app.background_writer import CLOSE_GRACE
from ninja_daemon.core.errors import CalendarUnreadable, JournalUnavailable
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.market.news import NO_CALENDAR, Calendar
from ninja_daemon.core.words import counted, duration
from ninja_daemon.usecases.ports import Clock

_LOOK: Final = 30.0
"""Seconds between two looks whether a file has changed, an address is due, or another process has read it."""
_REMIND: Final = 3_600.0
_TROUBLE: Final = "calendar"


class CalendarKeeper:
    """Keeps the calendar of a process; safe to use from several threads.

    Attributes:
        calendar: all that is known; what strategies are judged by.
        trouble: why the last reading failed; empty when it did not.
    """

    def __init__(self, file: SqliteNews, clock: Clock, alert: Callable[[str, str, str], None]) -> None:
        """Read nothing yet.

        Args:
            file: where it is kept.
            clock: time.
            alert: alerts the operator, given kind, severity and text.
        """
        self.calendar: Calendar = NO_CALENDAR
        self.trouble = ""
        self._file, self._clock, self._alert = file, clock, alert
        self._place: CalendarPlace | None = None
        self._written: float | None = None
        self._is_told = False
        self._log = structlog.get_logger("ninja.daemon")
        self._troubles = Recurring(clock, self._log, every=_REMIND)
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def keeps(self, place: CalendarPlace | None) -> None:
        """Choose the calendar, None for none; called again when the configuration changes."""
        with self._lock:
            self._place, self._written = place, None
            if place is None:
                self.calendar = NO_CALENDAR

    def start(self) -> None:
        """Read a file now, and look again and again from now on."""
        if self._place is not None and self._place.file is not None:
            self.look()
        else:
            self._with_lock(self._know)
        self._thread = threading.Thread(target=self._run, name="calendar", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.look()
        while not self._clock.wait(self._stop, _LOOK):
            self.look()

    def look(self) -> None:
        """Read the calendar if it is due; say so when it cannot be read, or has become old."""
        self._with_lock(self._look)

    def _with_lock(self, act: Callable[[CalendarPlace], None]) -> None:
        with self._lock:
            if self._place is None:
                return
            try:
                act(self._place)
            except JournalUnavailable as error:
                self._troubles.failed("calendar.file", str(error), event_id="journal.down")
            else:
                self._troubles.recovered("calendar.file", "the history of the calendar can be kept again")

    def _look(self, place: CalendarPlace) -> None:
        now = int(self._clock.now())
        self._file.begin(now)
        try:
            self._read(place, now)
        except CalendarUnreadable as error:
            self.trouble = str(error)
            self._troubles.failed(_TROUBLE, f"the calendar cannot be read: {error}", event_id="calendar.unreadable")
        self._know(place)
        self._judge_age(place, now)

    def _read(self, place: CalendarPlace, now: int) -> None:
        """Read it, unless it was read already and has not changed since."""
        written = None if place.file is None else written_at(place.file)
        is_due = written != self._written if written is not None else self._file.may_ask(now, ASKED_EVERY)
        if not is_due:
            return
        content = read_place(place, now)
        document = read_document(content.text, place.zone)
        self._file.take(document.events, now, content.as_of)
        self._written, self.trouble = written, ""
        self._troubles.recovered(_TROUBLE, "the calendar can be read again", event_id="calendar.read")
        left_out = ", ".join(f"{count} {reason}" for reason, count in sorted(document.skipped.items()))
        words = counted(len(document.events), "event") + (f"; left out: {left_out}" if left_out else "")
        self._log.info(f"the calendar was read: {words}", event_id="calendar.read")

    def _know(self, place: CalendarPlace) -> None:
        """Take up what is in the file, which another process may have read."""
        last = self._file.last_reading()
        known = self.calendar.readings[-1] if self.calendar.readings else None
        if last != known or self.calendar.begun is None or self.calendar.max_age != place.max_age:
            self.calendar = self._file.calendar(place.max_age)

    def _judge_age(self, place: CalendarPlace, now: int) -> None:
        is_old = self.calendar.is_old(now)
        if is_old and not self._is_told:
            last = self.calendar.last_reading(now)
            age = "has never been read" if last is None else f"is of {format_instant(last.as_of)}"
            reason = f": {self.trouble}" if self.trouble else ""
            text = (
                f"The calendar of scheduled news {age}, and should be at most {duration(place.max_age)} old{reason}. "
                "Signals go out marked, and none is kept back for news that it does not name."
            )
            self._log.warning(text, event_id="calendar.old")
            self._alert("calendar_old", "warning", text)
        elif self._is_told and not is_old:
            self._log.info("the calendar of scheduled news is new enough again", event_id="calendar.read")
            self._alert("calendar_back", "info", "The calendar of scheduled news is new enough again.")
        self._is_told = is_old

    def fields(self) -> dict[str, object]:
        """Return what the heartbeat says of it; nothing without a calendar."""
        if self._place is None:
            return {}
        now = int(self._clock.now())
        last = self.calendar.last_reading(now)
        return {
            "calendar": {
                "as_of": None if last is None else format_instant(last.as_of),
                "is_old": self.calendar.is_old(now),
                "events": sum(known.until is None for known in self.calendar.events),
                "trouble": self.trouble,
            }
        }

    def close(self) -> None:
        """Read no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CLOSE_GRACE)
        self._file.close()

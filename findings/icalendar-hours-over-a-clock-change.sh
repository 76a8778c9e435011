#!/usr/bin/env bash
# icalendar 7.3.0 and recurring-ical-events 3.8.2 (2026): an event with DURATION:PT48H ends 48 hours later by the clock on the wall, not
# 48 hours later. Over the change to summer time it lasts 47 hours, back from it 49. RFC 5545 3.3.6 makes the difference between
# P2D, two days of the calendar, and PT48H, exact hours; both packages give one end for both.
# Expected by a reader: PT48H from Friday 17:00 New York is over at 18:00 on Sunday in March. Who keeps out of a market for the
# exact hours that a calendar says comes back an hour early. Cure: add the duration in UTC. Seen on 2026-11-28, Python 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install icalendar==7.3.0 recurring-ical-events==3.8.2 tzdata==2026.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys
from datetime import UTC, datetime
from importlib.metadata import version

import recurring_ical_events
from icalendar import Calendar

LINES = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//made up//EN
BEGIN:VEVENT
UID:1
DTSTAMP:20260101T000000Z
SUMMARY:maintenance
DTSTART;TZID=America/New_York:{}T170000
DURATION:{}
END:VEVENT
END:VCALENDAR
"""


def hours(day: str, duration: str) -> list[float]:
    """How long the event lasts by the one package, and by the other."""
    calendar = Calendar.from_ical(LINES.format(day, duration).replace("\n", "\r\n"))
    event = calendar.events[0]
    (occurrence,) = recurring_ical_events.of(calendar).between(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    ends = (event.start, event.end), (occurrence["DTSTART"].dt, occurrence["DTEND"].dt)
    return [(end.astimezone(UTC) - start.astimezone(UTC)).total_seconds() / 3_600 for start, end in ends]


told = {f"{duration} from {day}": hours(day, duration) for day in ("20260306", "20261030") for duration in ("P2D", "PT48H")}
print(f"icalendar {version('icalendar')}, recurring-ical-events {version('recurring-ical-events')}: hours that an event lasts")
print(told)
sys.exit(0 if list(told.values()) == [[47, 47], [47, 47], [49, 49], [49, 49]] else 1)
PYTHON

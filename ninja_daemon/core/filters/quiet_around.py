"""``quiet_around``: no signals around scheduled news, as the calendar said at the close.

Where it said nothing, or is older than it should be, a cross passes and its signal is marked: silence is never a guess.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from ninja_daemon.core.filters.filter import Filter, Judge, Key, Moment, Settings, Shown, refuse_unknown
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.market.news import ANY_CURRENCY, IMPACTS, NO_CALENDAR, Calendar, Known, NewsEvent
from ninja_daemon.core.spans import span
from ninja_daemon.core.words import duration

NAME: Final = "quiet_around"
_PAIR: Final = "pair"
_KEYS: Final = ("impact", "before", "after", "currencies")
_LONGEST: Final = 86_400
_MOST: Final = 24
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Around which events there are no signals.

    Attributes:
        impact: of the events, some of ``IMPACTS``.
        before: seconds before an event from which a close is too near to it; that moment is.
        after: seconds after it from which a close is not too near any more.
        currencies: of the events; empty for those of the instrument.
    """

    impact: tuple[str, ...]
    before: int
    after: int
    currencies: tuple[str, ...] = ()

    @property
    def normal_form(self) -> dict[str, object]:
        """The settings as they enter the settings hash."""
        spans = {"before": f"{self.before} s", "after": f"{self.after} s"}
        return {"impact": list(self.impact), **spans, "currencies": list(self.currencies) or _PAIR}

    def concerns(self, event: NewsEvent, instrument: str) -> bool:
        """Tell whether an event is one of those that count for an instrument."""
        currencies = self.currencies or instrument.split("_")
        return event.impact in self.impact and event.currency in {ANY_CURRENCY, *currencies}


@dataclass(frozen=True, slots=True)
class QuietTimes:
    """The events of a calendar that count for a strategy.

    Attributes:
        quiet: how near is too near.
        calendar: whose they are.
        events: by their times.
        times: of the events.
    """

    quiet: Quiet | None = None
    calendar: Calendar = NO_CALENDAR
    events: Sequence[Known] = ()
    times: Sequence[Instant] = ()

    def at(self, close: Instant) -> NewsEvent | None:
        """Return the first event that is too near to a close, of those that the calendar said then."""
        if self.quiet is None:
            return None
        first = bisect_right(self.times, close - self.quiet.after)
        for known in self.events[first : bisect_right(self.times, close + self.quiet.before)]:
            if self.calendar.said(known, close):
                return known.event
        return None

    def times_at(self, closes: Iterable[Instant]) -> list[Instant]:
        """Return the time of that event for each of many closes; 0 where there is none."""
        return [0 if (event := self.at(close)) is None else event.time for close in closes]


NO_QUIET: Final = QuietTimes()


@lru_cache(maxsize=512)
def quiet_times(quiet: Quiet, instrument: str, calendar: Calendar) -> QuietTimes:
    """Pick the events of a calendar that count; once for all strategies with the same settings."""
    events = [known for known in calendar.events if quiet.concerns(known.event, instrument)]
    return QuietTimes(quiet, calendar, events, [known.event.time for known in events])


def _read(value: object) -> Quiet:
    if not isinstance(value, Mapping):
        raise ValueError  # noqa: TRY004 - for the caller the value is wrong, whatever its type
    refuse_unknown(value, _KEYS)
    impacts, currencies = value.get("impact"), value.get("currencies", _PAIR)
    if not isinstance(impacts, list) or not impacts or not all(one in IMPACTS for one in impacts):
        message = f"impact must be a list of {' '.join(IMPACTS)}"
        raise ValueError(message)
    named = () if currencies == _PAIR else _currencies(currencies)
    if named is None:
        message = f'currencies must be "{_PAIR}", or a list such as ["USD", "EUR"]'
        raise ValueError(message)
    before, after = (_seconds(name, value.get(name)) for name in ("before", "after"))
    return Quiet(tuple(one for one in IMPACTS if one in impacts), before, after, named)


def _currencies(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not 0 < len(value) <= _MOST:
        return None
    named = {one for one in value if isinstance(one, str) and _CURRENCY.fullmatch(one)}
    return tuple(sorted(named)) if all(one in named for one in value) else None


def _seconds(name: str, value: object) -> int:
    try:
        seconds = span(value, _LONGEST)
    except ValueError:
        seconds = None
    if seconds is None or seconds != int(seconds):
        message = f'{name} must be a length of time up to a day such as "15 min"'
        raise ValueError(message)
    return int(seconds)


def _shown(event: NewsEvent | None, *, is_old: bool) -> str:
    if event is None:
        return "none; the calendar was old" if is_old else "none"
    return f"{event.currency} {event.title} ({event.impact}) at {datetime.fromtimestamp(event.time, UTC):%H:%M}Z"


def _bind(_: Settings, instrument: Instrument, quiet: Quiet) -> Judge:
    """Go by the event that was found at the close."""
    currencies = " ".join(quiet.currencies or instrument.name.split("_"))
    limit = (
        f"none, from {duration(quiet.before)} before {' or '.join(quiet.impact)} news of {currencies} "
        f"to {duration(quiet.after)} after"
    )

    def compared(one: Moment) -> tuple[Shown, Shown]:
        return _shown(one.news, is_old=one.calendar_old), limit

    return Judge(compared, lambda one: one.news is None, lambda many: many.news == 0)


FILTER: Final = Filter(
    NAME,
    "the candle closes too near to scheduled news of `quiet_around`",
    _bind,
    Key(
        'a table such as { impact = ["high"], before = "15 min", after = "30 min", currencies = "pair" }',
        _read,
        lambda quiet: quiet.normal_form,
    ),
)

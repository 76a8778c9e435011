"""What may go wrong with a broker, on order: how an answer fails, and how its candles lie.

A ``Fault`` is an effect and when it strikes; a ``FaultScript`` holds the faults of a server and may be changed at any
time. A test says::

    server.faults.add(Fault(status(429, retry_after="2"), times=2, instrument="EUR_USD"))
    server.faults.add(Fault(late(at, until=at + 60)))

and the command line ``--fault 429,retry-after=2,times=2,instrument=EUR_USD``; docs/simulator.md lists the names.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from ninja_daemon.core.market.granularity import Granularity, new_york_day_start, trading_day
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.simulator.markets.quotes import Row
from ninja_daemon.simulator.markets.view import Window

HTML_502: Final = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad gateway</h1></body></html>\n"
_JSON: Final = "application/json"
_MEGABYTE: Final = 1 << 20
_FRIDAY: Final = 4


# ------------------------------------------------------------------------------------------ effects on the connection


@dataclass(frozen=True, slots=True)
class Delay:
    """Nothing is sent for some seconds, then all of it."""

    seconds: float


@dataclass(frozen=True, slots=True)
class SlowBody:
    """The headers at once, then ``size`` bytes of the body, a pause, the next bytes, and so on."""

    pause: float
    size: int = 16


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset without an answer."""


@dataclass(frozen=True, slots=True)
class CutBody:
    """The connection ends after ``keep`` bytes of a body whose length the headers promised."""

    keep: int = 40


@dataclass(frozen=True, slots=True)
class Skew:
    """The server's clock is wrong by some seconds: its Date, what it calls the future, what it calls complete."""

    seconds: float


# ----------------------------------------------------------------------------------------------- effects on the answer


@dataclass(frozen=True, slots=True)
class Answered:
    """Another answer than the broker's.

    Attributes:
        status: HTTP status.
        body: bytes of the body.
        content_type: of the body.
        headers: more headers. In values ``{date:30}`` becomes the HTTP date 30 seconds after the server's now.
    """

    status: int
    body: bytes
    content_type: str = _JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CutJson:
    """The first part of the JSON text, with headers to match it."""

    keep: int = 60


@dataclass(frozen=True, slots=True)
class GzipBomb:
    """A small gzip body that unpacks to many megabytes, sent whether or not gzip was asked for."""

    megabytes: int = 64


# ------------------------------------------------------------------------------------------------- effects on candles


@dataclass(frozen=True, slots=True)
class Missing:
    """The broker never has the candle that opens at ``at``."""

    at: Instant

    def rows(self, rows: list[Row], window: Window) -> list[Row]:
        """Take the candle out."""
        del window
        return [row for row in rows if row.time != self.at]


@dataclass(frozen=True, slots=True)
class Late:
    """The candle that opens at ``at`` is absent until ``until``."""

    at: Instant
    until: float

    def rows(self, rows: list[Row], window: Window) -> list[Row]:
        """Take the candle out as long as it is not published."""
        return rows if window.now >= self.until else [row for row in rows if row.time != self.at]


@dataclass(frozen=True, slots=True)
class Revised:
    """The candle that opens at ``at`` closes ``by`` price units higher than it did before ``since``."""

    at: Instant
    by: int
    since: float = 0.0

    def rows(self, rows: list[Row], window: Window) -> list[Row]:
        """Move the close, and the range as far as it must."""
        if window.now < self.since:
            return rows
        return [self._revised(row) if row.time == self.at else row for row in rows]

    def _revised(self, row: Row) -> Row:
        close = row.close + self.by
        return row._replace(close=close, high=max(row.high, close), low=min(row.low, close))


@dataclass(frozen=True, slots=True)
class StrayFriday:
    """A price or two after Friday's close: a candle on every Friday at 17:00 in New York (facts: 3.5)."""

    volume: int = 2

    def rows(self, rows: list[Row], window: Window) -> list[Row]:
        """Put the candles in where there are none."""
        grain = window.granularity
        opens = {grain.open_at(friday) for friday in self._fridays(window)}
        fresh = sorted(opens - {row.time for row in rows})
        strays = [stray for at in fresh if window.start <= at < window.end and (stray := self._stray(at, window))]
        return sorted([*rows, *strays])

    def _fridays(self, window: Window) -> list[Instant]:
        last = min(window.end, int(window.now) + 1)
        days = {trading_day(at) for at in range(window.start, last, 86_400)} | {trading_day(last - 1)}
        return [start for day in days if day.weekday() == _FRIDAY and (start := new_york_day_start(day)) < last]

    def _stray(self, at: Instant, window: Window) -> Row | None:
        price = window.close_before(at)
        return None if price is None else Row(at, price, price, price, price, self.volume)


class Shown(NamedTuple):
    """A candle on its way into an answer.

    Attributes:
        row: time, prices and volume.
        complete: what the broker says of it.
        close_text: the close, word for word; empty for the close of the row.
    """

    row: Row
    complete: bool
    close_text: str = ""


class Flaw(Enum):
    """How a candle of an answer is spoiled."""

    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out-of-order"
    OFF_GRID = "off-grid"
    HIGH_BELOW_LOW = "high-below-low"
    ZERO = "zero"
    NEGATIVE = "negative"


@dataclass(frozen=True, slots=True)
class Spoiled:
    """One candle of an answer is wrong; the one that opens at ``at``, or the newest complete one."""

    flaw: Flaw
    at: Instant | None = None

    def shown(self, candles: list[Shown]) -> list[Shown]:
        """Spoil the candle, if it is there."""
        place = _place(candles, self.at)
        if place is None:
            return candles
        before, it, after = candles[:place], candles[place], candles[place + 1 :]
        row = it.row
        match self.flaw:
            case Flaw.DUPLICATE:
                return [*before, it, it, *after]
            case Flaw.OUT_OF_ORDER:
                return [*before[:-1], it, *before[-1:], *after]
            case Flaw.OFF_GRID:
                row = row._replace(time=row.time + 1)
            case Flaw.HIGH_BELOW_LOW:
                row = row._replace(high=row.low - 1)
            case Flaw.ZERO:
                row = Row(row.time, 0, 0, 0, 0, row.volume)
            case Flaw.NEGATIVE:
                row = Row(row.time, -row.open, -row.high, -row.low, -row.close, row.volume)
        return [*before, it._replace(row=row), *after]


@dataclass(frozen=True, slots=True)
class CloseText:
    """The close of one candle is not a price but a text: ``NaN``, ``1e5``, ten thousand digits."""

    text: str
    at: Instant | None = None

    def shown(self, candles: list[Shown]) -> list[Shown]:
        """Replace the close, if the candle is there."""
        place = _place(candles, self.at)
        if place is None:
            return candles
        return [*candles[:place], candles[place]._replace(close_text=self.text), *candles[place + 1 :]]


HistoryChange: TypeAlias = Missing | Late | Revised | StrayFriday
"""What the broker's history is; it concerns every way of asking."""

AnswerFlaw: TypeAlias = Spoiled | CloseText
"""What is wrong with one answer."""

Effect: TypeAlias = (
    Delay | SlowBody | Reset | CutBody | Skew | Answered | CutJson | GzipBomb | HistoryChange | AnswerFlaw
)


def _place(candles: Sequence[Shown], at: Instant | None) -> int | None:
    fits = [place for place, it in enumerate(candles) if (it.complete if at is None else it.row.time == at)]
    return fits[-1] if fits else None


# ------------------------------------------------------------------------------------------------------ ready answers

_MESSAGES: Final = {
    400: "Invalid value specified for 'instrument'",
    401: "Insufficient authorization to perform request.",
    403: "The provided request was forbidden.",
    404: "The requested resource was not found.",
    429: "The request rate limit was exceeded.",
    500: "An unexpected error occurred.",
    503: "The service is temporarily unavailable.",
    504: "Timeout waiting for response.",
}


def status(code: int, *, retry_after: str | None = None, message: str | None = None) -> Answered:
    """Return the broker's answer with an error status; 502 is a gateway's page, all others JSON (facts: 4).

    Args:
        code: HTTP status.
        retry_after: value of that header; ``date:30`` for the HTTP date in 30 seconds.
        message: another text than the broker's.
    """
    headers = {}
    if retry_after is not None:
        headers["Retry-After"] = f"{{{retry_after}}}" if retry_after.startswith("date:") else retry_after
    if code == 502 and message is None:  # noqa: PLR2004 - the one that does not come from the broker itself
        return Answered(code, HTML_502, "text/html", headers)
    return Answered(code, _json({"errorMessage": message or _MESSAGES.get(code, "Error")}), _JSON, headers)


def redirect(location: str = "http://elsewhere.invalid/v3/") -> Answered:
    """Return an answer that sends the client to another host."""
    return Answered(307, b"", _JSON, {"Location": location})


def body(text: str | bytes, content_type: str = _JSON) -> Answered:
    """Return an answer of status 200 with this body."""
    return Answered(200, text.encode() if isinstance(text, str) else text, content_type)


def rendered_headers(answered: Answered, now: float) -> dict[str, str]:
    """Return the headers of an answer with dates filled in."""
    return {name: _dated(value, now) for name, value in answered.headers.items()}


def bomb(megabytes: int) -> bytes:
    """Return a gzip body that unpacks to so many megabytes of spaces: JSON text that goes on and on."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as stream:
        for _ in range(megabytes):
            stream.write(b" " * _MEGABYTE)
    return packed.getvalue()


def _dated(value: str, now: float) -> str:
    if value.startswith("{date:") and value.endswith("}"):
        return formatdate(now + float(value[6:-1]), usegmt=True)
    return value


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


# ------------------------------------------------------------------------------------------------------------- script


@dataclass(frozen=True, slots=True)
class Fault:
    """An effect and when it strikes.

    Attributes:
        effect: what happens.
        times: how many matching requests it strikes; None for all of them.
        skip: how many matching requests are spared first.
        share: which part of the requests that are due it strikes, 0 to 1; the others are spared.
        path: a part of the path; empty fits all.
        instrument: only requests that ask for it.
        granularity: only requests that ask for it.
    """

    effect: Effect
    times: int | None = None
    skip: int = 0
    share: float = 1.0
    path: str = ""
    instrument: str | None = None
    granularity: Granularity | None = None

    def fits(self, asked: Asked) -> bool:
        """Tell whether it concerns a request at all."""
        if self.path not in asked.path:
            return False
        if self.instrument is None and self.granularity is None:
            return True
        return any(self.concerns(instrument, granularity) for instrument, granularity in asked.series)

    def concerns(self, instrument: str, granularity: Granularity) -> bool:
        """Tell whether it concerns a series of a request."""
        return self.instrument in {None, instrument} and self.granularity in {None, granularity}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a fault may choose requests by.

    Attributes:
        path: of the URL, without the query.
        series: what candles are asked for, as far as it can be understood.
    """

    path: str
    series: Sequence[tuple[str, Granularity]] = ()


@dataclass(slots=True)
class _Planned:
    """A fault of a script, and how often it was looked at and struck."""

    fault: Fault
    seen: int = 0
    struck: int = 0
    is_over: bool = False


class FaultScript:
    """The faults of a server, in the order in which they were added. Safe to change while requests come."""

    def __init__(self, *faults: Fault, seed: int = 0) -> None:
        """Begin with these faults; ``seed`` decides what a share strikes."""
        self._lock = threading.Lock()
        self._luck = random.Random(seed)
        self._planned = [_Planned(fault) for fault in faults]

    def add(self, *faults: Fault) -> None:
        """Let these strike from now on."""
        with self._lock:
            self._planned += [_Planned(fault) for fault in faults]

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            for planned in self._planned:
                planned.is_over = True

    def strikes(self, fault: Fault) -> int:
        """Return how many requests a fault has struck."""
        with self._lock:
            return sum(planned.struck for planned in self._planned if planned.fault is fault)

    def take(self, asked: Asked) -> list[Fault]:
        """Return what strikes a request, and count it."""
        with self._lock:
            return [it.fault for it in self._planned if it.fault.fits(asked) and self._strikes_now(it)]

    def _strikes_now(self, planned: _Planned) -> bool:
        fault = planned.fault
        planned.seen += 1
        if planned.is_over or planned.seen <= fault.skip:
            return False
        if fault.times is not None and planned.struck >= fault.times:
            return False
        if fault.share < 1 and self._luck.random() >= fault.share:
            return False
        planned.struck += 1
        return True

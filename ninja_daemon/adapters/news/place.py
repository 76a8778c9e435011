"""Where a calendar is: a file, read when it has changed, or an address, asked at most once an hour."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ninja_daemon import __version__
from ninja_daemon.core.errors import CalendarUnreadable
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.messages.destination import Failure
from ninja_daemon.core.secret import Secret

ASKED_EVERY: Final = 3_600
"""Seconds between two requests to the same address."""
_LARGEST: Final = 8 << 20
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class CalendarPlace:
    """What the configuration says of a calendar.

    Attributes:
        file: where it lies; None for an address.
        url: where it is asked for; a secret, since it may hold a key.
        max_age: seconds after which it is older than it should be.
        zone: of times that name none.
        insecure: plain http and private addresses are allowed.
    """

    file: Path | None
    url: Secret | None
    max_age: int
    zone: ZoneInfo | None = None
    insecure: bool = False

    @property
    def label(self) -> str:
        """What it is called in messages, without what may be secret."""
        return str(self.file) if self.file is not None else "its address"


class Content(NamedTuple):
    """The text of a calendar.

    Attributes:
        text: as it came.
        as_of: when it was written, or sent.
    """

    text: bytes
    as_of: Instant


def written_at(file: Path) -> float:
    """Return when a file was written.

    Raises:
        CalendarUnreadable: it is not there, or may not be looked at.
    """
    try:
        return file.stat().st_mtime
    except OSError as error:
        message = f"{file} cannot be read ({error.strerror})"
        raise CalendarUnreadable(message) from error


def read_place(place: CalendarPlace, now: float) -> Content:
    """Return what lies there now.

    Raises:
        CalendarUnreadable: nothing that can be read.
    """
    if place.file is None:
        return Content(_asked(place), int(now))
    as_of = min(written_at(place.file), now)
    try:
        with place.file.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except OSError as error:
        message = f"{place.file} cannot be read ({error.strerror})"
        raise CalendarUnreadable(message) from error
    if len(text) > _LARGEST:
        message = f"{place.file} must be at most {_LARGEST >> 20} MB"
        raise CalendarUnreadable(message)
    return Content(text, int(as_of))


def _asked(place: CalendarPlace) -> bytes:
    from ninja_daemon.adapters.network.posting import Poster  # noqa: PLC0415 - files need no network

    assert place.url is not None  # noqa: S101 - one of both is there
    poster = Poster(place.url.reveal(), insecure=place.insecure)
    poster.largest = _LARGEST
    try:
        reply = poster.post(b"", {"User-Agent": f"ninja-daemon/{__version__}"}, method="GET")
    finally:
        poster.close()
    if isinstance(reply, Failure):
        raise CalendarUnreadable(reply.text)
    if reply.status != _OK:
        message = f"the server answered {reply.status}"
        raise CalendarUnreadable(message)
    return reply.body

"""What an answer over HTTP means: a table for all, and before it the table of a channel. Each row says who says so."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ninja_daemon.adapters.network.retry_after import retry_after
from ninja_daemon.core.messages.destination import Failure, Fault

_QUOTED: Final = 200
_LOOKED_AT: Final = 2_000
"""Bytes of an answer in which words are looked for."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Attributes:
        status: HTTP status.
        headers: names in lower case.
        body: its beginning.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Case(NamedTuple):
    """A kind of answer and the outcome that it means; a field left out matches everything."""

    fault: Fault
    source: str
    """Who says that such an answer means this."""
    status: int | None = None
    code: int | None = None
    """The service's own number."""
    words: str = ""
    """Part of the text, in lower case."""
    blames_message: bool = False
    """It names something in the message, so that another message may be accepted."""

    def matches(self, status: int, code: int | None, text: str) -> bool:
        """Tell whether an answer is of this kind; ``text`` is in lower case."""
        return self.status in {None, status} and self.code in {None, code} and self.words in text


def case_of(table: Sequence[Case], status: int, code: int | None, text: str) -> Case | None:
    """Return the first row that an answer matches; None when it matches none."""
    lowered = text.lower()
    return next((row for row in table if row.matches(status, code, lowered)), None)


def _gone(section: str, *statuses: int) -> tuple[Case, ...]:
    return tuple(Case(Fault.BROKEN, f"RFC 9110, {section}", status) for status in statuses)


_ALL: Final = (
    Case(Fault.THROTTLED, "Cloudflare's documentation, error 1015", words="error code: 1015"),
    Case(Fault.THROTTLED, "RFC 6585, 4", 429),
    *_gone("15.4: redirects, which are not followed", *range(300, 400)),
    *_gone("15.5.2 to 15.5.7: no access, no such place, no such method", 401, 402, 403, 404, 405, 406),
    *_gone("15.5.8, 15.5.11: a proxy in between, gone", 407, 410),
    *_gone("15.5.12, 15.5.16, 15.5.18, 15.5.20, 15.5.22: of every message alike", 411, 415, 417, 421, 426),
    Case(Fault.BROKEN, "RFC 7725, 3", 451),
    Case(Fault.AMBIGUOUS, "RFC 9110, 15.5.9", 408),
    Case(Fault.AMBIGUOUS, "RFC 8470, 5.2", 425),
    Case(Fault.REFUSED, "RFC 9110, 15.5.14: this content is too large", 413, blames_message=True),
    Case(Fault.REFUSED, "RFC 9110, 15.5.21: this content cannot be processed", 422, blames_message=True),
)
_OVERLOADED: Final = frozenset({429, 503, *range(520, 528), 530})
"""Too many requests, RFC 9110 15.6.4, and the pages of Cloudflare before a server that does not answer."""


def failure_of(reply: Reply, table: Sequence[Case] = (), *, said: str = "", code: int | None = None) -> Failure:
    """Say what an answer that is no success means.

    Args:
        reply: the answer.
        table: of the channel; it is asked first.
        said: what the service itself gives as the reason; the beginning of the body when empty.
        code: the service's own number.
    """
    status, page = reply.status, reply.body[:_LOOKED_AT].decode("utf-8", "replace")
    text = f"HTTP {status}" + (f": {said}" if said else _quoted(page))
    if 300 <= status < 400:  # noqa: PLR2004 - the family of redirects
        text = f"HTTP {status}: it redirects elsewhere, and redirects are not followed"
    row = case_of((*table, *_ALL), status, code, said or page)
    fault = _by_family(status) if row is None else row.fault
    wait = (
        None if fault in {Fault.BROKEN, Fault.REFUSED} else retry_after(reply.headers.get("retry-after"), time.time())
    )
    return Failure(
        fault,
        text,
        status,
        wait,
        blames_message=row is not None and row.blames_message,
        is_overload=fault is Fault.THROTTLED or status in _OVERLOADED,
    )


def _by_family(status: int) -> Fault:
    # Server errors, and bytes that are not HTTP.
    is_doubtful = status >= 500 or status < 300  # noqa: PLR2004 - families of statuses
    return Fault.AMBIGUOUS if is_doubtful else Fault.REFUSED


def _quoted(page: str) -> str:
    text = " ".join(page[: 2 * _QUOTED].split())
    printable = "".join(letter for letter in text if letter.isprintable())[:_QUOTED]
    return f": {printable}" if printable else ""

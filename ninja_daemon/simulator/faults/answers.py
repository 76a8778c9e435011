"""How the connection or the whole answer of a broker fails."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Final

HTML_502: Final = b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad gateway</h1></body></html>\n"
_JSON: Final = "application/json"
_MEGABYTE: Final = 1 << 20
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
    """Return a gzip body that unpacks to ``megabytes`` of spaces, which is valid JSON so far."""
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

"""What oandapyV20 has a session for: it only ever gets, without cookies, redirects, or anything of the environment.

To work these out anew takes ``requests`` a fifth of the time of a whole request, and to quote a long address another.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote_plus

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict


class Quoted(str):
    """A value that is written as addresses have it already."""

    __slots__ = ()


class Getter:
    """The session, as far as oandapyV20 uses it."""

    def __init__(self, transport: HTTPAdapter, headers: Mapping[str, str]) -> None:
        """Choose what sends, and the headers of every request."""
        self._transport = transport
        self._headers = dict(headers)

    def get(
        self, url: str, *, params: Mapping[str, object] | None, headers: Mapping[str, str], **_: object
    ) -> requests.Response:
        """Send a request."""
        request = requests.PreparedRequest()
        query = "&".join([f"{name}={_quoted(value)}" for name, value in (params or {}).items()])
        request.method, request.url = "GET", f"{url}?{query}" if query else url
        request.headers = CaseInsensitiveDict({**self._headers, **headers})
        return self._transport.send(request)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


def _quoted(value: object) -> str:
    return value if isinstance(value, Quoted) else quote_plus(str(value))

"""Requests to OANDA through oandapyV20, with the limits that the library does not have.

oandapyV20 0.7.2 brings no timeout and no retry, follows redirects with the token, logs addresses with account ids, and
knows two servers only. All of that is put right below it, in the transport adapter of its ``requests`` session: the
address is rewritten there, requests and new connections are counted and held to the broker's limits, bodies are read
with a deadline and a size limit, and nothing is followed. No exception that leaves this module carries a request, and
so none carries the token.
"""

from __future__ import annotations

import json
import logging
import random
import socket
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, cast

import oandapyV20
import requests
import urllib3
from oandapyV20.endpoints.apirequest import APIRequest
from oandapyV20.exceptions import V20Error
from requests.adapters import HTTPAdapter

from ninja_daemon.adapters.rate_limit import RateLimit
from ninja_daemon.core.errors import BrokerDenied, BrokerRefused, BrokerUnavailable, NinjaError
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.ports import Clock

REQUESTS_A_SECOND: Final = 100
CONNECTIONS_A_SECOND: Final = 2
CONNECT_TIMEOUT: Final = 5.0
READ_TIMEOUT: Final = 10.0
"""Seconds between two pieces of an answer."""
TOTAL_TIMEOUT: Final = 20.0
"""Seconds for a request as a whole, however slowly it trickles."""
LARGEST_BODY: Final = 32 * 1024 * 1024
"""Bytes of a decoded answer; 5,000 candles with three prices are about 1.5 MB."""
TRIES: Final = 3
_DENIED_PAUSE: Final = 1.0
_FIRST_PAUSE: Final = 0.5
_LONGEST_ASKED_PAUSE: Final = 30.0
_LONGEST_TEXT: Final = 200
_CHUNK: Final = 65_536
_PLACEHOLDER: Final = "https://api-fxpractice.oanda.com"
"""The address that oandapyV20 builds for its environment ``practice``; the transport puts the real one in its place."""

_UNAUTHORISED, _FORBIDDEN, _TOO_MANY, _SERVER_ERROR = 401, 403, 429, 500


@dataclass(frozen=True, slots=True)
class Traffic:
    """What has been sent and received since the start.

    Attributes:
        requests: by HTTP status; 0 for those that had no answer.
        bytes_received: of decoded bodies.
        connections: opened.
    """

    requests: Mapping[int, int]
    bytes_received: int
    connections: int


class Gate:
    """The limits and counts that all sessions of a process share."""

    def __init__(self, clock: Clock) -> None:
        """Begin with nothing sent."""
        self.clock = clock
        self.closed = threading.Event()
        self._requests = RateLimit(clock, REQUESTS_A_SECOND)
        self._connections = RateLimit(clock, CONNECTIONS_A_SECOND)
        self._statuses: Counter[int] = Counter()
        self._bytes = 0
        self._opened = 0
        self._lock = threading.Lock()

    def sending(self) -> None:
        """Wait until a request may be sent."""
        if not self._requests.take(self.closed):
            message = "the broker adapter is closed"
            raise BrokerUnavailable(message)

    def connecting(self) -> None:
        """Wait until a connection may be opened."""
        if not self._connections.take(self.closed):
            message = "the broker adapter is closed"
            raise BrokerUnavailable(message)
        with self._lock:
            self._opened += 1

    def answered(self, status: int, size: int) -> None:
        """Count an answer; status 0 for none."""
        with self._lock:
            self._statuses[status] += 1
            self._bytes += size

    @property
    def traffic(self) -> Traffic:
        """The counts so far."""
        with self._lock:
            return Traffic(dict(self._statuses), self._bytes, self._opened)


class OandaSession:
    """One kept connection to the broker, for one thread."""

    def __init__(self, token: Secret, api_url: str, gate: Gate) -> None:
        """Prepare; the connection is opened by the first request."""
        logging.getLogger("oandapyV20").setLevel(logging.CRITICAL + 1)
        self._gate = gate
        self._transport = _Transport(api_url, gate)
        self._api = oandapyV20.API(token.reveal(), request_params={"allow_redirects": False})
        self._api.client.trust_env = False
        self._api.client.mount("https://", self._transport)
        self._api.client.mount("http://", self._transport)

    def ask(self, request: APIRequest) -> dict[str, Any]:
        """Send a request, again when that can help, and return the JSON object that came back.

        Raises:
            BrokerUnavailable: no sound answer after a few tries; may work later.
            BrokerDenied: token or account are not accepted.
            BrokerRefused: the request itself is wrong.
        """
        attempt = 1
        while True:
            try:
                return self._once(request)
            except BrokerDenied:
                # A good token is refused now and then; twice more, then it is meant.
                is_passing = attempt < TRIES and self._transport.status == _UNAUTHORISED
                if not is_passing or self._gave_up(_DENIED_PAUSE):
                    raise
            except BrokerUnavailable as error:
                if attempt == TRIES or self._gave_up(self._pause_after(error, attempt)):
                    raise
            attempt += 1

    def close(self) -> None:
        """Close the connection."""
        self._api.close()

    def _gave_up(self, seconds: float | None) -> bool:
        """Wait; return whether there is no use in trying again: too long a pause (None), or the end of the process."""
        return seconds is None or self._gate.clock.wait(self._gate.closed, seconds)

    @staticmethod
    def _pause_after(error: BrokerUnavailable, attempt: int) -> float | None:
        jitter = random.uniform(0, _FIRST_PAUSE * 2**attempt)  # noqa: S311 - spreads load, guards nothing
        if error.retry_after is None:
            return jitter
        return error.retry_after + jitter / 10 if error.retry_after <= _LONGEST_ASKED_PAUSE else None

    def _once(self, request: APIRequest) -> dict[str, Any]:
        self._gate.sending()
        transport = self._transport
        try:
            answer = self._api.request(request)
        except V20Error as error:
            raise _refusal(error.code, str(error.msg), transport.retry_after) from None
        except NinjaError:
            raise
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            if transport.status == 0:
                self._gate.answered(0, 0)
            message = f"the broker did not answer ({_kind_of(error)})"
            raise BrokerUnavailable(message) from None
        except (ValueError, RecursionError) as error:
            message = f"the broker's answer (HTTP {transport.status}) must be JSON, was not ({type(error).__name__})"
            raise BrokerUnavailable(message) from None
        if not isinstance(answer, dict):
            message = f"the broker's answer must be a JSON object, was {type(answer).__name__}"
            raise BrokerUnavailable(message)
        return cast("dict[str, Any]", answer)


class _Transport(HTTPAdapter):
    """What lies under oandapyV20's session: the real address, the limits, a bounded body."""

    def __init__(self, api_url: str, gate: Gate) -> None:
        self._base = api_url.rstrip("/")
        self._gate = gate
        self._connection: urllib3.connection.HTTPConnection | None = None
        self.status = 0
        self.retry_after: float | None = None
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - requests' own shape
        super().init_poolmanager(*arguments, **named)
        transport = self

        class Plain(urllib3.connection.HTTPConnection):
            def connect(self) -> None:
                transport._gate.connecting()
                transport._connection = self
                super().connect()

        class Encrypted(urllib3.connection.HTTPSConnection):
            def connect(self) -> None:
                transport._gate.connecting()
                transport._connection = self
                super().connect()

        class PlainPool(urllib3.HTTPConnectionPool):
            ConnectionCls = Plain

        class EncryptedPool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Encrypted

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}

    def send(self, request: requests.PreparedRequest, *_: Any, **named: Any) -> requests.Response:  # noqa: ANN401
        """Send to the real address and read the whole answer, within its limits."""
        self.status, self.retry_after = 0, None
        request.url = self._base + str(request.url).removeprefix(_PLACEHOLDER)
        deadline = threading.Timer(TOTAL_TIMEOUT, self._cut)
        deadline.daemon = True
        deadline.start()
        try:
            response = super().send(
                request, stream=True, timeout=(CONNECT_TIMEOUT, READ_TIMEOUT), verify=named.get("verify", True)
            )
            self.status = response.status_code
            self.retry_after = _asked_pause(response.headers.get("Retry-After"), self._gate.clock.now())
            body = self._body(response)
        finally:
            deadline.cancel()
        self._gate.answered(self.status, len(body))
        if response.is_redirect or 300 <= self.status < 400:  # noqa: PLR2004 - redirections
            message = f"the broker's address must answer itself, was a redirect (HTTP {self.status}); see OANDA_API_URL"
            raise BrokerRefused(message)
        response._content = body  # noqa: SLF001 - requests offers no other way to hand a body in
        return response

    def _body(self, response: requests.Response) -> bytes:
        pieces, size = [], 0
        try:
            for piece in response.raw.stream(_CHUNK, decode_content=True):
                pieces.append(piece)
                size += len(piece)
                _require_bounded(size)
        except BrokerUnavailable:
            response.raw.close()
            raise
        response.raw.release_conn()
        return b"".join(pieces)

    def _cut(self) -> None:
        """End a request that has taken too long, wherever it is: every read of its socket fails from now on."""
        connection = self._connection
        sock = connection.sock if connection is not None else None
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


def _require_bounded(size: int) -> None:
    if size > LARGEST_BODY:
        message = f"the broker's answer must be at most {LARGEST_BODY // 2**20} MB, was larger"
        raise BrokerUnavailable(message)


def _refusal(code: int, body: str, retry_after: float | None) -> NinjaError:
    """Turn an HTTP error into ours."""
    text = _error_text(body)
    said = f"HTTP {code}: {text}" if text else f"HTTP {code}"
    if code == _UNAUTHORISED:
        return BrokerDenied(f"the broker does not accept OANDA_ACCESS_TOKEN for this environment ({said})")
    if code == _FORBIDDEN:
        return BrokerDenied(f"the broker does not let this token use OANDA_ACCOUNT_ID ({said})")
    if code == _TOO_MANY:
        return BrokerUnavailable(f"the broker asks for fewer requests ({said})", retry_after=retry_after)
    if code >= _SERVER_ERROR:
        return BrokerUnavailable(f"the broker is in trouble ({said})", retry_after=retry_after)
    return BrokerRefused(f"the broker refuses the request ({said})")


def _error_text(body: str) -> str:
    """Return what the broker says in its error, on one line and short; nothing for a page of HTML."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return "not JSON" if body.strip() else ""
    text = fields.get("errorMessage") if isinstance(fields, dict) else None
    if not isinstance(text, str):
        return ""
    return "".join(character if character.isprintable() else " " for character in text[:_LONGEST_TEXT])


def _asked_pause(text: str | None, now: float) -> float | None:
    """Read Retry-After: seconds or a date; None for none or nonsense."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= 12:  # noqa: PLR2004 - more digits are nonsense
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    aware = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.fromtimestamp(now, UTC)).total_seconds())


def _kind_of(error: Exception) -> str:
    """Say what kind of failure it was, in words that hold nothing of the request."""
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (requests.exceptions.SSLError, "the encrypted connection failed: certificate or protocol"),
        (requests.exceptions.ConnectTimeout, f"no connection within {CONNECT_TIMEOUT:g} s"),
        (requests.exceptions.Timeout, f"nothing for {READ_TIMEOUT:g} s"),
        (requests.exceptions.ContentDecodingError, "a body that cannot be unpacked"),
        (urllib3.exceptions.DecodeError, "a body that cannot be unpacked"),
        (urllib3.exceptions.ReadTimeoutError, f"nothing for {READ_TIMEOUT:g} s"),
        (urllib3.exceptions.ProtocolError, "the answer broke off"),
        (requests.exceptions.ConnectionError, "no connection, or it broke off"),
    )
    return next((words for kind, words in kinds if isinstance(error, kind)), type(error).__name__)

"""Requests to OANDA through oandapyV20, with the limits that the library does not have.

oandapyV20 0.7.2 brings no timeout and no retry, follows redirects with the token, logs addresses with account ids, and
knows two servers only. All of that is put right below it, in the transport adapter of its ``requests`` session: the
address is rewritten there, requests and new connections are counted and held to the broker's limits, bodies are read
with a deadline and a size limit, JSON is read strictly, and nothing is followed. No exception that leaves this module
carries a request, neither as its cause nor as its context, and so none carries the token.
"""

from __future__ import annotations

import logging
import random
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, cast

import oandapyV20
import requests
import urllib3
from oandapyV20.endpoints.apirequest import APIRequest
from oandapyV20.exceptions import V20Error
from requests.adapters import HTTPAdapter

from ninja_daemon.adapters.network.connecting import Forbidden, Unreached, connected
from ninja_daemon.adapters.network.host_names import addresses_of
from ninja_daemon.adapters.network.proxy import Proxy, proxy_of
from ninja_daemon.adapters.network.redaction import HIDDEN, Redaction
from ninja_daemon.adapters.network.retry_after import retry_after
from ninja_daemon.adapters.oanda.answers import ERROR, UNAUTHORISED, plain_json, refusal, unreadable
from ninja_daemon.adapters.oanda.getting import Getter
from ninja_daemon.adapters.oanda.limits import CLOSED, Gate
from ninja_daemon.core.errors import BrokerDenied, BrokerRefused, BrokerUnavailable
from ninja_daemon.core.secret import Secret

CONNECT_TIMEOUT: Final = 5.0
READ_TIMEOUT: Final = 10.0
"""Seconds between two pieces of an answer."""
TOTAL_TIMEOUT: Final = 20.0
"""Seconds for a request as a whole, however slowly it trickles."""
LARGEST_BODY: Final = 32 * 1024 * 1024
"""Bytes of a decoded answer; 5,000 candles with three prices are about 1.5 MB."""
LARGEST_PACKED: Final = 8 * 1024 * 1024
"""Bytes of an answer as it travels."""
TRIES: Final = 3
_DENIED_PAUSE: Final = 1.0
_FIRST_PAUSE: Final = 0.5
LONGEST_ASKED_PAUSE: Final = 30.0
"""Seconds that a call waits at most because the broker asks for it; longer ones are left to the caller."""
_CHUNK: Final = 65_536
_ADDRESSES_TRIED: Final = 3
_SHORTEST_SECRET: Final = 8
"""Shorter ones are no secrets, and may stand anywhere in an answer."""
_PLACEHOLDER: Final = "https://api-fxpractice.oanda.com"
"""The address that oandapyV20 builds for its environment ``practice``; the transport puts the real one in its place."""

_KEPT_AWAKE: Final = (
    *urllib3.connection.HTTPConnection.default_socket_options,
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), seconds)
        for name, seconds in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 3))
        if hasattr(socket, name)
    ),
)
"""A router that forgets an idle connection says nothing: without probes the next candle would cost a read timeout."""


def _nothing(record: logging.LogRecord) -> bool:
    """Let no record through: the library logs addresses with account ids. A filter outlives changes of the level."""
    del record
    return False


_library: Final = logging.getLogger("oandapyV20.oandapyV20")


class OandaSession:
    """One kept connection to the broker, for one thread."""

    def __init__(
        self, token: Secret, api_url: str, gate: Gate, account_id: str | None = None, proxy: Secret | None = None
    ) -> None:
        """Prepare; the connection is opened by the first request."""
        _library.addFilter(_nothing)
        self._gate = gate
        secrets = [token] if account_id is None else [token, Secret(account_id)]
        self._redaction = Redaction(secrets)
        self._transport = _Transport(api_url, gate, secrets, None if proxy is None else proxy_of(proxy))
        self._api = oandapyV20.API(token.reveal(), request_params={"allow_redirects": False})
        self._api.client = Getter(self._transport, self._api.client.headers)

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
                is_passing = attempt < TRIES and self.status == UNAUTHORISED
                if not is_passing or self._gave_up(_DENIED_PAUSE):
                    raise
            except BrokerUnavailable as error:
                if attempt == TRIES or self._gave_up(self._pause_after(error, attempt)):
                    raise
            attempt += 1

    @property
    def status(self) -> int:
        """HTTP status of the last answer; 0 for none."""
        return self._transport.status

    def abort(self) -> None:
        """End what is under way, from any thread."""
        self._transport.cut()

    def close(self) -> None:
        """Close the connection; for the thread that has used it."""
        self._api.close()

    def _gave_up(self, seconds: float | None) -> bool:
        """Wait; return whether there is no use in trying again: too long a pause (None), or the end of the process."""
        return seconds is None or self._gate.clock.wait(self._gate.closed, seconds)

    @staticmethod
    def _pause_after(error: BrokerUnavailable, attempt: int) -> float | None:
        jitter = random.uniform(0, _FIRST_PAUSE * 2**attempt)  # noqa: S311 - spreads load, guards nothing
        if error.retry_after is None:
            return jitter
        return error.retry_after + jitter / 10 if error.retry_after <= LONGEST_ASKED_PAUSE else None

    def _once(self, request: APIRequest) -> dict[str, Any]:
        self._gate.sending()
        transport, failure = self._transport, None
        answer: object = None
        try:
            self._api.request(request)
            answer, transport.answer = transport.answer, None
        except V20Error as error:
            failure = refusal(error.code, str(error.msg), transport.retry_after)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = BrokerUnavailable(CLOSED if self._gate.closed.is_set() else transport.why_not(error))
        except (ValueError, RecursionError) as error:
            failure = unreadable(transport.status, error, transport.retry_after)
        # Raise outside the except blocks, so the library's exception (which contains the token) is not chained.
        if failure is not None:
            # What the broker says in an error may hold what it was sent.
            failure.args = tuple(self._redaction.text(str(part)) for part in failure.args)
            raise failure
        if not isinstance(answer, dict):
            message = f"the broker's answer must be a JSON object, was {type(answer).__name__}"
            raise BrokerUnavailable(message)
        return cast("dict[str, Any]", answer)


class _Named(urllib3.connection.HTTPConnection):
    """A connection whose name is looked up within a time limit; urllib3's own look-up has none."""

    way: Proxy | None = None

    def _new_conn(self) -> socket.socket:
        host = self._dns_host
        if self.way is not None:
            return self._through(self.way, host)
        try:
            found = addresses_of(host, int(self.port or 0), CONNECT_TIMEOUT)
        except TimeoutError as error:
            raise urllib3.exceptions.ConnectTimeoutError(self, str(error)) from error
        except (OSError, UnicodeError) as error:
            raise urllib3.exceptions.NameResolutionError(host, self, socket.gaierror(*error.args[:2])) from error
        try:
            return self._first_of([str(where[0]) for _, where in found[:_ADDRESSES_TRIED]])
        finally:
            self._dns_host = host

    def _through(self, way: Proxy, host: str) -> socket.socket:
        try:
            deadline = time.monotonic() + CONNECT_TIMEOUT
            return connected(host, int(self.port or 0), insecure=True, deadline=deadline, proxy=way)
        except (Unreached, Forbidden) as error:
            raise urllib3.exceptions.NewConnectionError(self, str(error)) from error

    def _first_of(self, addresses: Sequence[str]) -> socket.socket:
        for address in addresses[:-1]:
            self._dns_host = address
            with suppress(urllib3.exceptions.NewConnectionError):
                return super()._new_conn()
        self._dns_host = addresses[-1]
        return super()._new_conn()


class _Unlooked(urllib3.HTTPConnectionPool):
    """A pool that sends the transport's target."""

    asker: _Transport

    def _make_request(self, conn: Any, method: str, url: str, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        del url
        return super()._make_request(conn, method, self.asker.target, *arguments, **named)


class _Transport(HTTPAdapter):
    """What lies under oandapyV20's session: the real address, the limits, a bounded body."""

    def __init__(self, api_url: str, gate: Gate, secrets: Sequence[Secret], proxy: Proxy | None) -> None:
        self._proxy = proxy
        self._base = api_url.rstrip("/")
        self._secrets = [secret.reveal().encode() for secret in secrets if len(secret.reveal()) >= _SHORTEST_SECRET]
        self._gate = gate
        self._connection: urllib3.connection.HTTPConnection | None = None
        self._is_cut = False
        self.status = 0
        self.retry_after: float | None = None
        self.answer: object = None
        self.target = "/"
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - requests' own shape
        super().init_poolmanager(*arguments, **named, socket_options=_KEPT_AWAKE)
        transport = self

        class Plain(_Named, urllib3.connection.HTTPConnection):
            way = transport._proxy

            def connect(self) -> None:
                transport.connecting(self)
                super().connect()
                transport.connected()

        class Encrypted(_Named, urllib3.connection.HTTPSConnection):
            way = transport._proxy

            def connect(self) -> None:
                transport.connecting(self)
                super().connect()
                transport.connected()

        class PlainPool(_Unlooked, urllib3.HTTPConnectionPool):
            ConnectionCls = Plain
            asker = transport

        class EncryptedPool(_Unlooked, urllib3.HTTPSConnectionPool):
            ConnectionCls = Encrypted
            asker = transport

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}

    def request_url(self, request: requests.PreparedRequest, proxies: object) -> str:
        """Keep urllib3 from going through the address letter by letter: it is sent as it is."""
        self.target = super().request_url(request, proxies)  # type: ignore[arg-type]
        return "/"

    def connecting(self, connection: urllib3.connection.HTTPConnection) -> None:
        """Wait until a connection may be opened."""
        self._gate.connecting()
        self._connection = connection

    def connected(self) -> None:
        """Look at the deadline, which cannot end the opening of a connection: there is no socket to shut before."""
        if self._is_cut:
            raise TimeoutError

    def send(self, request: requests.PreparedRequest, *_: Any, **named: Any) -> requests.Response:  # noqa: ANN401
        """Send to the real address and read the whole answer, within its limits."""
        self.status, self.retry_after, self.answer, self._is_cut = 0, None, None, False
        request.url = self._base + str(request.url).removeprefix(_PLACEHOLDER)
        body = b""
        self._gate.deadlines.begin(self.cut, TOTAL_TIMEOUT)
        try:
            response = super().send(
                request, stream=True, timeout=(CONNECT_TIMEOUT, READ_TIMEOUT), verify=named.get("verify", True)
            )
            self.status = response.status_code
            self.retry_after = retry_after(response.headers.get("Retry-After"), self._gate.clock.now())
            body = self._without_secrets(self._body(response))
        finally:
            self._gate.deadlines.end(self.cut)
            self._gate.answered(self.status, len(body))
        if 300 <= self.status < ERROR:  # noqa: PLR2004 - redirections
            message = f"the broker's address must answer itself, was a redirect (HTTP {self.status}); see OANDA_API_URL"
            raise BrokerRefused(message)
        if self.status < ERROR:
            # Read here, strictly; the library would read it a second time.
            self.answer, body = plain_json(body), b"null"
        response._content = body  # noqa: SLF001 - requests offers no other way to hand a body in
        return response

    def cut(self) -> None:
        """End a request that has taken too long, wherever it is: every read of its socket fails from now on."""
        self._is_cut = True
        connection = self._connection
        sock = connection.sock if connection is not None else None
        if sock is not None:
            try:
                # Not SSLSocket.shutdown: it would tear down TLS while another thread is reading.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                return

    def why_not(self, error: Exception) -> str:
        """Say why there was no answer, in words that hold nothing of the request."""
        if isinstance(_reason_of(error), urllib3.exceptions.NameResolutionError):
            return "the broker did not answer (its name has no address; is the network up, and OANDA_API_URL right?)"
        if self._is_cut:
            return f"the broker did not answer within {TOTAL_TIMEOUT:g} s"
        return f"the broker did not answer ({_kind_of(error)})"

    def _without_secrets(self, body: bytes) -> bytes:
        """Blank what was sent out of what comes back: a value that is refused is quoted, in logs and in Redis."""
        for secret in self._secrets:
            body = body.replace(secret, HIDDEN.encode())
        return body

    def _body(self, response: requests.Response) -> bytes:
        pieces, size = [], 0
        is_whole = False
        try:
            for piece in response.raw.stream(_CHUNK, decode_content=True):
                pieces.append(piece)
                size += len(piece)
                _require_bounded(size, response.raw.tell())
            if self._is_cut:
                raise TimeoutError
            is_whole = True
        finally:
            if is_whole:
                response.raw.release_conn()
            else:
                response.raw.close()
        return b"".join(pieces)


def _require_bounded(size: int, packed: int) -> None:
    for limit, actual in ((LARGEST_BODY, size), (LARGEST_PACKED, packed)):
        if actual > limit:
            message = f"the broker's answer must be at most {limit / 2**20:.3g} MB, was larger"
            raise BrokerUnavailable(message)


def _reason_of(error: Exception) -> object:
    """Return what requests and urllib3 have wrapped."""
    inner = error.args[0] if error.args else None
    return getattr(inner, "reason", inner)


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

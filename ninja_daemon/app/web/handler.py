"""One connection to the page: a request is read within limits, checked, and answered by the site."""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import socket
from collections.abc import Collection
from http import HTTPStatus
from http.client import LineTooLong
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from ninja_daemon.app.web.limits import IDLE, SECONDS, LimitedInput
from ninja_daemon.app.web.site import Response, Site

_PORT: Final = re.compile(r":\d{1,5}", re.ASCII)
_LONGEST_LINE: Final = 4_096
_MOST_FIELDS: Final = 16
_WORTH_PACKING: Final = 1_000
_LINGER: Final = 0.5
_LINGERING_READS: Final = 16
HEADERS: Final = (
    (
        "Content-Security-Policy",
        (
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)
"""Of every answer."""


class SiteServer(ThreadingHTTPServer):
    """A server that shows a site, asked for by its names only."""

    site: Site
    hosts: Collection[str]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: SiteServer
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # what is no request is answered with a status line, too
    # Without both, every answer on a kept connection would wait 40 ms for the reader's acknowledgement.
    wbufsize = 65_536
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Put the limits between the connection and the reader of requests."""
        super().setup()
        self._input = LimitedInput(self.connection)
        self.rfile = io.BufferedReader(self._input, 8_192)
        self._begun = self._refused = False

    def handle_one_request(self) -> None:
        """Read a request within its limits and answer it."""
        self.close_connection = True
        self._input.begin(IDLE if self._begun else SECONDS)
        self._begun = True
        self.requestline, self.request_version, self.command = "", "", ""
        try:
            self.raw_requestline = self.rfile.readline(_LONGEST_LINE + 1)
            if not self.raw_requestline:
                return
            self._input.finish_within(SECONDS)
            if len(self.raw_requestline) > _LONGEST_LINE:
                self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            elif self.parse_request():
                self.connection.settimeout(SECONDS)
                self._answer()
            self.wfile.flush()
        except LineTooLong:
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        except OSError:  # gone, or too slow
            self.close_connection = True

    def _answer(self) -> None:
        if (refusal := self._refusal()) is not None:
            self.close_connection = True
            self.send_error(refusal)
            return
        address = urlsplit(self.path)
        try:
            query = dict(parse_qsl(address.query, max_num_fields=_MOST_FIELDS))
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        if address.path == "/events":
            self._stream()
            return
        self._send(self.server.site.answer(address.path, query, self._origin()))

    def _origin(self) -> str:
        """Return how the reader names this server: as its proxy says, where there is one."""
        host = self.headers.get("Host", "").strip().lower()
        port = host.removeprefix(_name_in(host)).removeprefix(".")
        scheme = "https" if self.headers.get("X-Forwarded-Proto", "").strip().lower() == "https" else "http"
        return f"{scheme}://{_name_in(host)}{port if _PORT.fullmatch(port) else ''}"

    def _refusal(self) -> HTTPStatus | None:
        """Return why a request is not answered; None for one that is."""
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or not self.path.startswith("/"):
            return HTTPStatus.BAD_REQUEST
        if _name_in(hosts[0]) not in self.server.hosts:
            return HTTPStatus.MISDIRECTED_REQUEST
        if self.command not in {"GET", "HEAD"}:
            return HTTPStatus.METHOD_NOT_ALLOWED
        if "Transfer-Encoding" in self.headers or self.headers.get("Content-Length", "0") != "0":
            return HTTPStatus.BAD_REQUEST
        return None

    def _send(self, response: Response) -> None:
        body = response.body
        packed = len(body) > _WORTH_PACKING and "gzip" in self.headers.get("Accept-Encoding", "")
        if packed:
            body = gzip.compress(body, 6, mtime=0)
        self.send_response(response.status)
        self.send_header("Content-Type", response.kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Vary", "Accept-Encoding")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _stream(self) -> None:
        stream = self.server.site.stream
        self.close_connection = True
        if self.command == "HEAD" or not stream.take_place():
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        try:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("X-Accel-Buffering", "no")
            self.send_header("Connection", "close")
            self.end_headers()
            for piece in stream.read(self.headers.get("Last-Event-ID", "").strip()[:64]):
                self.wfile.write(piece)
                self.wfile.flush()
        finally:
            stream.leave()

    def finish(self) -> None:
        """Let the reader take an error before the connection goes: closed with bytes unread, it would be reset."""
        with contextlib.suppress(OSError):  # The reader may have gone before the end of its answer.
            super().finish()
        if self._refused:
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_WR)
                self.connection.settimeout(_LINGER)
                for _ in range(_LINGERING_READS):
                    if not self.connection.recv(65_536):
                        break

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer an error in one line, with the headers of every other answer."""
        del message, explain
        self.close_connection = self._refused = True
        status = HTTPStatus(code)
        body = f"{status.value} {status.phrase}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", "30")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        """Name the product, and no version of anything."""
        return "ninja-daemon"

    def end_headers(self) -> None:
        """Add what every answer has."""
        for name, value in HEADERS:
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing of each request."""


def _name_in(host: str) -> str:
    """Return the name of a Host header without its port."""
    name = host.strip().lower()
    end = name.rfind("]") if name.startswith("[") else name.find(":")
    if name.startswith("["):
        return name[: end + 1]
    return (name if end < 0 else name[:end]).rstrip(".")

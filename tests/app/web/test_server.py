"""The server itself: who is answered, and what nobody can make it do."""

from __future__ import annotations

import contextlib
import http.client
import socket
import socketserver
import threading
import time

import pytest

from ninja_daemon.app.web import handler, limits, server as module
from ninja_daemon.app.web.events import READERS
from ninja_daemon.app.web.handler import HEADERS
from tests.app.web.conftest import Site, Start


def raw(site: Site, text: bytes, *, wait: float = 5.0) -> bytes:
    """What comes back for some bytes until the connection is closed."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=wait) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(text)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(65_536):
                answer += piece
        return answer


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:9465", 200),
        ("[::1]:9465", 200),
        ("SIGNALS.example.org.", 200),
        ("evil.example.org", 421),
        ("127.0.0.1.evil.example.org", 421),
        ("localhost@evil.example.org", 421),
        ("", 421),
    ],
)
def test_a_foreign_host_is_turned_away(start: Start, host: str, status: int) -> None:
    assert start(hosts=("signals.example.org",)).get("/style.css", Host=host).status == status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
def test_only_reading_methods_are_known(start: Start, method: str) -> None:
    answer = start().get("/", method)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_every_answer_has_the_strict_headers_and_no_cookie(start: Start) -> None:
    site = start()
    for path in ("/", "/style.css", "/page.js", "/feed.json", "/healthz", "/nothing"):
        answer = site.get(path)
        for name, value in HEADERS:
            assert answer.headers[name] == value
        assert "Set-Cookie" not in answer.headers
    assert "unsafe" not in dict(HEADERS)["Content-Security-Policy"]


def test_head_has_the_headers_of_get_and_no_body(start: Start) -> None:
    site = start()
    head, whole = site.get("/style.css", "HEAD"), site.get("/style.css")
    assert head.body == ""
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 200 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", b"400"),
        (b"GET http://evil/ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"GET /signals?" + b"a=1&" * 40 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", b"400"),
    ],
)
def test_odd_requests_are_refused_and_the_server_goes_on(start: Start, request_: bytes, status: bytes) -> None:
    site = start()
    assert raw(site, request_).split(b"\r\n")[0].split()[1:2] == [status]
    assert site.get("/style.css").status == 200


def test_paths_lead_nowhere_but_to_pages(start: Start) -> None:
    site = start()
    for path in ("/../static/style.css", "/static/style.css", "/strategies/..%2f..%2fetc%2fpasswd", "//evil/", "/%00"):
        assert site.get(path).status == 404


def test_a_request_that_trickles_in_is_cut_off(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "SECONDS", 0.4)
    site = start()
    with socket.create_connection(("127.0.0.1", site.port), timeout=5) as connection:
        begun = time.monotonic()
        with contextlib.suppress(OSError):
            for letter in b"GET / HTTP/1.1\r\nHost: localhost\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":
                connection.sendall(bytes([letter]))
                time.sleep(0.05)
                if time.monotonic() - begun > 3:
                    pytest.fail("the connection is still open")
            assert connection.recv(1) == b""


def test_many_answers_come_over_one_connection(start: Start) -> None:
    site = start()
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    sockets = set()
    for _ in range(20):
        connection.request("GET", "/style.css")
        assert connection.getresponse().read()
        sockets.add(id(connection.sock))
    connection.close()
    assert len(sockets) == 1


def test_more_event_readers_than_there_are_places_are_turned_away(start: Start) -> None:
    site = start()
    opened = []
    try:
        for _ in range(READERS):
            connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
            connection.request("GET", "/events")
            opened.append((connection, connection.getresponse()))
        assert {answer.status for _, answer in opened} == {200}
        refused = site.get("/events")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
        assert site.get("/style.css").status == 200
    finally:
        site.server.stop()
        for connection, answer in opened:
            answer.close()
            connection.close()


def test_more_connections_than_there_are_places_are_turned_away(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECTIONS", 3)
    site = start()
    held = [socket.create_connection(("127.0.0.1", site.port), timeout=5) for _ in range(3)]
    try:
        for connection in held:
            connection.sendall(b"GET /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(15).startswith(b"HTTP/1.1 200")
        assert b"503 Service Unavailable" in raw(site, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    finally:
        for connection in held:
            connection.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if site.get("/style.css").status == 200:
                break
        time.sleep(0.05)
    else:
        pytest.fail("the places did not come free")


def test_an_unexpected_error_is_told_and_ends_one_request_only(
    start: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = start()

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(site.server.site, "answer", broken)
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            site.get("/")
    assert site.get("/style.css").status == 200
    assert capsys.readouterr().out.count("\n") == 1


def test_a_reader_who_goes_before_the_end_is_no_error(
    start: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = start()
    finish = socketserver.StreamRequestHandler.finish

    def gone(request: socketserver.StreamRequestHandler) -> None:
        finish(request)
        raise BrokenPipeError

    monkeypatch.setattr(socketserver.StreamRequestHandler, "finish", gone)
    assert site.get("/style.css").status == 200
    _wait_for_no_request()
    assert capsys.readouterr().out == ""


def test_stopping_ends_every_thread(start: Start) -> None:
    site = start()
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    connection.request("GET", "/events")
    answer = connection.getresponse()
    site.server.stop()
    answer.read()
    connection.close()
    _wait_for_no_request()


def _wait_for_no_request() -> None:
    deadline = time.monotonic() + 5
    while any("process_request_thread" in each.name for each in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_limits_of_input_are_told_by_its_errors() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reader = limits.LimitedInput(ours)
        reader.begin(5)
        theirs.sendall(b"x" * 20_000)
        assert [reader.readinto(bytearray(8_192)) for _ in range(2)] == [8_192, 8_192]
        with pytest.raises(http.client.LineTooLong):
            reader.readinto(bytearray(8_192))
        reader.begin(0)
        with pytest.raises(TimeoutError):
            reader.readinto(bytearray(1))

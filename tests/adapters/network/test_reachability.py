"""Looking whether somebody is there, without saying anything."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme

from ninja_daemon.adapters.network.reachability import Endpoint, clock_ahead, unreachable_because
from tests.fakes.clock import FakeClock


class Dated(BaseHTTPRequestHandler):
    """Says what time it is."""

    def do_GET(self) -> None:
        self.send_response_only(404)
        self.send_header("Date", formatdate(1_700_000_100, usegmt=True))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Dated) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def here(port: int, *, tls: bool = False, insecure: bool = True) -> Endpoint:
    return Endpoint("127.0.0.1", port, tls, insecure)


def test_a_server_that_answers_is_reachable(web: ThreadingHTTPServer) -> None:
    assert unreachable_because(here(web.server_port)) is None


def test_an_address_that_must_not_be_posted_to_is_not_even_tried(web: ThreadingHTTPServer) -> None:
    reason = unreachable_because(here(web.server_port, insecure=False))
    assert reason is not None
    assert "not public" in reason


def test_a_closed_port_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert unreachable_because(here(port)) == "127.0.0.1 does not accept connections (Connection refused)"


def test_a_name_that_cannot_be_one_has_no_address() -> None:
    assert unreachable_because(Endpoint("a..b", 443, tls=True, insecure=False)) is not None


def test_a_certificate_that_nobody_vouches_for_is_not_accepted() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_greet_once, args=(listener, context))
        thread.start()
        reason = unreachable_because(here(listener.getsockname()[1], tls=True))
        thread.join()
    assert reason is not None
    assert reason.startswith("the certificate of 127.0.0.1 is not accepted")


def _greet_once(listener: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    with connection, pytest.raises(OSError), context.wrap_socket(connection, server_side=True) as secured:  # noqa: PT011
        secured.recv(1)


def test_the_clock_of_a_server_is_compared_with_ours(web: ThreadingHTTPServer) -> None:
    ahead = clock_ahead(f"http://127.0.0.1:{web.server_port}", FakeClock(1_700_000_000.0))
    assert ahead == pytest.approx(100.5)


def test_a_server_that_does_not_answer_has_no_clock() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert clock_ahead(f"http://127.0.0.1:{port}", FakeClock()) is None

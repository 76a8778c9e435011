"""Names, certificates and refusals: what lies between the product and its broker, at its worst.

What a broker can do with an answer is in tests/adapters/oanda, what candles can do in
tests/end_to_end/test_t5_broker.py; here is the rest of the way.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.network import host_names as names
from ninja_daemon.adapters.network.posting import Poster
from ninja_daemon.adapters.oanda import transport as oanda_transport
from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.core.errors import BrokerUnavailable
from ninja_daemon.core.messages.destination import Failure, Fault
from ninja_daemon.core.secret import Secret
from tests.adapters.oanda.test_transport import PAGE, asked, http, source_of, wire
from tests.faults.tally import Row, Tally

# --- names -----------------------------------------------------------------------------------------------------------


class Resolver:
    """The system's look-up, which does not answer before it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = threading.Event()
        self._real = socket.getaddrinfo

    def __call__(self, host: str, port: int, **options: Any) -> Any:
        if host.endswith(".example"):
            self.asked.append(host)
            self.answers.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self._real(host, port, **options)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    """Every name in .example hangs."""
    hanging = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    yield hanging
    hanging.answers.set()
    for thread in threading.enumerate():
        if thread.name.startswith("look-up"):
            thread.join(5)


def test_a_look_up_that_hangs_ends_in_time_and_costs_one_thread(resolver: Resolver, tally: Tally) -> None:
    began = time.monotonic()
    for _ in range(5):
        with pytest.raises(TimeoutError, match=r"the look-up of the name broker\.example took longer than 0\.05 s"):
            names.addresses_of("broker.example", 443, 0.05)
    assert time.monotonic() - began < 2
    assert resolver.asked == ["broker.example"]
    assert [thread.name for thread in threading.enumerate()].count("look-up broker.example") == 1
    tally.record(Row("name look-up hangs", injected=5, recovery=0.05))


def test_an_address_needs_no_look_up_while_names_hang(resolver: Resolver) -> None:
    with pytest.raises(TimeoutError):
        names.addresses_of("broker.example", 443, 0.01)
    assert names.addresses_of("127.0.0.1", 443, 0.0) == [(socket.AF_INET, ("127.0.0.1", 443))]
    assert names.addresses_of("::1", 443, 0.0)[0][1][0] == "::1"
    assert resolver.asked == ["broker.example"]


def test_a_name_that_is_found_again_is_asked_again(resolver: Resolver) -> None:
    resolver.answers.set()
    for _ in range(2):
        with pytest.raises(socket.gaierror, match="Temporary failure"):
            names.addresses_of("broker.example", 443, 5.0)
    assert len(resolver.asked) == 2


@pytest.mark.parametrize("host", ["x" * 70, "a..b", "\udcff", "."])
def test_what_can_be_no_name_is_an_error_like_an_unknown_one(host: str) -> None:
    with pytest.raises((OSError, UnicodeError)):
        names.addresses_of(host, 443, 5.0)


def test_a_broker_whose_name_hangs_holds_nobody_up(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oanda_transport, "CONNECT_TIMEOUT", 0.05)
    with source_of("https://broker.example") as source:
        began = time.monotonic()
        answer = asked(source)
        assert time.monotonic() - began < 5
    assert isinstance(answer, BrokerUnavailable)
    assert "no connection within" in str(answer)
    assert len(resolver.asked) == 1


def test_a_broker_whose_name_is_gone_is_said_in_one_line(resolver: Resolver) -> None:
    resolver.answers.set()
    with source_of("https://broker.example") as source:
        answer = asked(source)
    assert str(answer) == (
        "the broker did not answer (its name has no address; is the network up, and OANDA_API_URL right?)"
    )


def test_a_destination_whose_name_hangs_was_certainly_not_reached(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    del resolver
    monkeypatch.setattr("ninja_daemon.adapters.network.connecting.CONNECT_LIMIT", 0.05)
    failure = Poster("https://hooks.example/x").post(b"{}", {})
    assert isinstance(failure, Failure)
    assert failure.fault is Fault.UNREACHED


def test_the_first_address_that_answers_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with wire(http(PAGE.encode())) as server:
        real = socket.getaddrinfo

        def resolve(host: str, port: int, *more: Any, **options: Any) -> Any:
            if host != "broker.example":
                return real(host, port, *more, **options)
            return [*real("127.0.0.9", port, **options), *real("127.0.0.1", port, **options)]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with source_of(f"http://broker.example:{server.port}") as source:
            assert not isinstance(asked(source), Exception)
        assert f"Host: broker.example:{server.port}".encode() in server.heads[0]


# --- certificates ----------------------------------------------------------------------------------------------------


def secured(kind: str) -> tuple[ssl.SSLContext | None, trustme.CA]:
    """A server's end that a client must not trust."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    options: dict[str, Any] = {"not_after": datetime.now(UTC) - timedelta(days=1)} if kind == "expired" else {}
    authority.issue_cert("elsewhere.invalid" if kind == "wrong host" else "localhost", **options).configure_cert(
        context
    )
    return (None if kind == "plain http" else context), authority


@pytest.mark.parametrize("kind", ["expired", "wrong host", "self-signed", "plain http"])
def test_a_server_that_is_not_proven_to_be_the_broker_never_sees_the_token(
    kind: str, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    context, authority = secured(kind)
    monkeypatch.setattr(oanda_transport, "CONNECT_TIMEOUT", 0.5)  # a handshake that is not answered
    with (
        authority.cert_pem.tempfile() as bundle,
        wire(http(PAGE.encode()), context=context) as server,
        source_of(f"https://localhost:{server.port}") as source,
    ):
        if kind != "self-signed":
            monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", bundle)
        answer = asked(source)
        assert isinstance(answer, BrokerUnavailable)
        assert not any(b"Bearer" in head for head in server.heads)
    tally.record(Row(f"TLS: {kind}", injected=1))


# --- a broker that says no -------------------------------------------------------------------------------------------


def test_a_storm_of_429_is_answered_by_fewer_requests(tally: Tally) -> None:
    """Three tries, each after the wait that was asked for, and then nothing until the next look."""
    with wire(http(b"{}", 429, Retry_After="0")) as server:
        source = OandaSource(Secret("t"), server.url, account_id=None, clock=SystemClock())
        try:
            for look in (1, 2):
                assert isinstance(asked(source), BrokerUnavailable)
                assert len(server.heads) == 3 * look
        finally:
            source.close()
        tally.record(Row("429 without end", injected=len(server.heads)))

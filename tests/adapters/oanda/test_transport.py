"""How requests to the broker travel: limits, faults on the wire, encryption, and what no error may carry."""

from __future__ import annotations

import gzip
import json
import logging
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import oandapyV20
import pytest
import trustme
from hypothesis import HealthCheck, example, given, settings, strategies as st

from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.core.errors import BrokerDenied, BrokerRefused, BrokerUnavailable, ConfigError, NinjaError
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.instrument import PriceSide, Series
from ninja_daemon.core.secret import Secret
from ninja_daemon.simulator import faults
from ninja_daemon.simulator.answers.broker import DEFAULT_ACCOUNT
from ninja_daemon.simulator.clock import SimulatedClock
from ninja_daemon.simulator.faults import BrokerFault
from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from ninja_daemon.usecases.candle_ports import Fetched, Wanted
from tests.fakes.clock import FakeClock

TOKEN = "0123456789abcdef-very-secret"
NOW = parse_instant("2024-03-06T12:00:01Z")
H1 = Series("EUR_USD", Granularity.H1, PriceSide.MID)
CURSOR = parse_instant("2024-03-06T10:00:00Z")
WANTED = Wanted(H1, CURSOR)
CANDLE = '{"complete":true,"volume":1,"time":"%s","mid":{"o":"1.1","h":"1.1","l":"1.1","c":"1.1"}}'
PAGE = '{"instrument":"EUR_USD","granularity":"H1","candles":[%s]}' % (CANDLE % "2024-03-06T11:00:00Z")


class Wire:
    """A server that answers each request with bytes, and ends the connection after any that are not kept alive."""

    def __init__(self, reply: bytes, *, context: ssl.SSLContext | None = None) -> None:
        self.reply = reply
        self.connections = 0
        self.heads: list[bytes] = []
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            with connection, self._secured(connection) as stream:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += (received := stream.recv(65_536))
                    if not received:
                        return
                self.heads.append(head)
                stream.sendall(self.reply)
                stream.shutdown(socket.SHUT_WR)
                while stream.recv(65_536):
                    pass
        except OSError:
            return

    def _secured(self, connection: socket.socket) -> socket.socket:
        return connection if self._context is None else self._context.wrap_socket(connection, server_side=True)


@contextmanager
def wire(reply: bytes, *, context: ssl.SSLContext | None = None) -> Iterator[Wire]:
    server = Wire(reply, context=context)
    try:
        yield server
    finally:
        server.close()


def http(body: bytes, status: int = 200, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} It", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(*pieces: bytes, **headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    chunks = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in (*pieces, b""))
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + chunks


@contextmanager
def source_of(url: str, account_id: str | None = None, clock: FakeClock | None = None) -> Iterator[OandaSource]:
    source = OandaSource(Secret(TOKEN), url, account_id=account_id, clock=clock or FakeClock(float(NOW)))
    try:
        yield source
    finally:
        source.close()


def asked(source: OandaSource, wanted: Wanted = WANTED) -> Fetched | NinjaError:
    return source.newer([wanted])[wanted]


def answer_to(reply: bytes) -> Fetched | NinjaError:
    with wire(reply) as server, source_of(server.url) as source:
        return asked(source)


@pytest.fixture(scope="module")
def market() -> RandomMarket:
    return RandomMarket(seed=3)


@pytest.fixture
def broker(market: RandomMarket) -> Iterator[SimulatorServer]:
    with SimulatorServer(market, token=TOKEN, clock=SimulatedClock.fixed(NOW)) as server:
        yield server


# --- whatever comes ---------------------------------------------------------------------------------------------------


@given(st.binary(max_size=200) | st.binary(max_size=80).map(lambda tail: b"HTTP/1.1 200 OK\r\n" + tail))
@example(b"")
@example(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n[]")
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
@example(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip")
@example(b"HTTP/1.1 999999 ?\r\n\r\n")
@example(b"HTTP/1.1 200 OK\r\n" + b"X" * 70_000 + b"\r\n\r\n")
@example(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 150 + b"\r\n")
@example(b"HTTP/1.1 302 Found\r\nLocation: http://[::\r\n\r\n")
@example(b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff=\xfe; expires=never\r\n\r\n{}")
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_on_the_wire_become_an_error_of_ours(reply: bytes) -> None:
    answer = answer_to(reply)

    assert isinstance(answer, BrokerUnavailable | BrokerRefused)
    assert "\n" not in str(answer)


@given(
    st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from([200, 201, 204, 206, 301, 400, 401, 403, 404, 405, 416, 429, 500, 502, 503, 504, 599]),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_any_body_is_judged_by_its_status(body: bytes, status: int) -> None:
    answer = answer_to(http(b"" if status == 204 else body, status))

    if status in {401, 403}:
        assert isinstance(answer, BrokerDenied)
    elif 300 <= status < 500 and status != 429:
        assert isinstance(answer, BrokerRefused)
    else:
        assert isinstance(answer, BrokerUnavailable)


@pytest.mark.parametrize(
    "body",
    [
        b'{"candles":[],"candles":[]}',
        b'{"instrument":"EUR_USD","candles":[{"time":"1","time":"2"}]}',
        b'{"candles":[NaN]}',
        b'{"candles":[],"x":-Infinity}',
        b'{"candles":[],"x":' + b"9" * 5_000 + b"}",
        b"[" * 50_000 + b"]" * 50_000,
        b'{"a":' * 50_000,
        b"\xef\xbb\xbf" + PAGE.encode(),
        PAGE.encode("utf-16"),
        b'{"candles":"\xed\xa0\x80"}',
        PAGE.encode()[:-1],
        PAGE.encode() + b"x",
    ],
    ids=str.split("twice twice-inside nan infinity digits deep-list deep-object bom utf-16 surrogate cut tail"),
)
def test_json_that_could_mean_anything_means_nothing(body: bytes) -> None:
    answer = answer_to(http(body))

    assert isinstance(answer, BrokerUnavailable)
    # Python reads a deep list since 3.14; what it reads is no object.
    assert "must be JSON" in str(answer) or "must be a JSON object" in str(answer)


def test_a_lone_surrogate_in_an_error_can_be_printed() -> None:
    answer = answer_to(http(rb'{"errorMessage":"\ud800\u0007\u001b[31mno\nway"}', 400))

    assert isinstance(answer, BrokerRefused)
    assert str(answer).isprintable()
    assert str(answer).encode().endswith(b"[31mno way)")


def test_an_errors_words_are_cut_to_two_hundred_characters() -> None:
    answer = answer_to(http(json.dumps({"errorMessage": "no " * 5_000}).encode(), 400))

    assert len(str(answer)) < 260


@pytest.mark.parametrize("packed", [False, True])
def test_a_chunked_answer_is_read_whole(packed: bool) -> None:
    body = gzip.compress(PAGE.encode()) if packed else PAGE.encode()
    headers = {"Content_Encoding": "gzip"} if packed else {}

    answer = answer_to(chunked(body[:20], body[20:], **headers))

    assert isinstance(answer, Fetched)
    assert [candle.time for candle in answer.candles] == [CURSOR + 3_600]


def test_an_answer_that_is_too_large_before_it_is_unpacked_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ninja_daemon.adapters.oanda.transport.LARGEST_PACKED", 100_000)
    body = gzip.compress(os.urandom(300_000))

    answer = answer_to(http(body, Content_Encoding="gzip"))

    assert isinstance(answer, BrokerUnavailable)
    assert "at most" in str(answer)


# --- what errors carry ------------------------------------------------------------------------------------------------


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


REPLIES: dict[str, bytes] = {
    "401": http(b'{"errorMessage":"no"}', 401),
    "400": http(b'{"errorMessage":"no"}', 400),
    "503": http(b"down", 503),
    "empty": b"",
    "not http": b"hello\r\n\r\n",
    "cut": http(PAGE.encode())[:-10],
    "not json": http(b"hello"),
    "not gzip": http(b"hello", Content_Encoding="gzip"),
    "redirect": http(b"", 302, Location="http://elsewhere.invalid/"),
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_no_error_drags_a_request_along(reply: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    answer = answer_to(reply)

    assert isinstance(answer, NinjaError)
    for error in chain_of(answer):
        assert isinstance(error, NinjaError), "a foreign error holds the request, and that the token"
    assert TOKEN not in caplog.text


def test_the_librarys_logger_says_nothing_whatever_its_level_is_set_to(
    broker: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    broker.faults.add(BrokerFault(faults.status(500), path="/instruments", times=3))
    with source_of(broker.url, DEFAULT_ACCOUNT) as source:
        asked(source)
        caplog.set_level(logging.DEBUG)
        for name in ("oandapyV20", "oandapyV20.oandapyV20"):
            caplog.set_level(logging.DEBUG, logger=name)
        asked(source)
        source.account_instruments()

    assert [record for record in caplog.records if record.name.startswith("oandapyV20")] == []


def test_a_token_that_no_header_can_hold_is_refused_without_being_shown() -> None:
    for token in ("", "tok\u00e9n\u20ac", "two\nlines", "a b"):
        with pytest.raises(ConfigError, match="OANDA_ACCESS_TOKEN must be") as caught:
            OandaSource(Secret(token), "http://127.0.0.1:1", account_id=None, clock=FakeClock())
        assert not token or token not in str(caught.value)


# --- counts and limits ------------------------------------------------------------------------------------------------


def test_everything_that_was_sent_is_counted() -> None:
    with wire(http(PAGE.encode())[:-10]) as server, source_of(server.url) as source:
        asked(source)
        torn = source.traffic
        server.reply = http(PAGE.encode())
        assert isinstance(asked(source), Fetched)
        whole = source.traffic
        server.reply = b""
        asked(source)
        silent = source.traffic

    assert dict(torn.requests) == {200: 3}
    assert torn.candles == 0
    assert dict(whole.requests) == {200: 4}
    assert (whole.candles, whole.bytes_received - torn.bytes_received) == (1, len(PAGE))
    assert dict(silent.requests) == {200: 4, 0: 3}
    assert silent.connections == server.connections == 7


def test_reconnecting_keeps_to_two_connections_a_second_whatever_fails() -> None:
    clock = FakeClock(float(NOW))
    moments: list[float] = []
    with wire(b"") as server, source_of(server.url, clock=clock) as source:
        gate = source._gate
        opened = gate.connecting

        def connecting() -> None:
            opened()
            moments.append(clock.time)

        gate.connecting = connecting  # type: ignore[method-assign]
        for _ in range(4):
            asked(source)

    assert len(moments) == server.connections == 12
    assert all(later - earlier >= 1 for earlier, later in zip(moments, moments[2:], strict=False))


def test_a_connection_is_kept_awake_so_that_a_silent_end_is_noticed(broker: SimulatorServer) -> None:
    with source_of(broker.url) as source:
        asked(source)
        (session,) = source._sessions.sessions
        connection = session._transport._connection
        assert connection is not None
        assert connection.sock is not None
        assert connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_proxies_and_netrc_of_the_environment_are_ignored(
    broker: SimulatorServer, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w", encoding="utf-8") as file:  # noqa: PTH123 - one line
        file.write("default login somebody password else\n")
    monkeypatch.setenv("NETRC", netrc)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    with source_of(broker.url) as source:
        assert isinstance(asked(source), Fetched)


def test_two_brokers_in_one_process_do_not_mix(market: RandomMarket, broker: SimulatorServer) -> None:
    before = json.dumps(oandapyV20.oandapyV20.TRADING_ENVIRONMENTS)
    with (
        SimulatorServer(market, token=TOKEN, clock=SimulatedClock.fixed(NOW)) as other,
        source_of(broker.url) as one,
        source_of(other.url) as two,
    ):
        for _ in range(2):
            assert isinstance(asked(one), Fetched)
        assert isinstance(asked(two), Fetched)

        assert (len(broker.requests), len(other.requests)) == (2, 1)
    assert json.dumps(oandapyV20.oandapyV20.TRADING_ENVIRONMENTS) == before


def test_a_long_wait_that_the_broker_asks_of_one_is_kept_by_all(broker: SimulatorServer) -> None:
    broker.faults.add(BrokerFault(faults.status(429, retry_after="600")))
    wanted = [Wanted(H1._replace(instrument=name), CURSOR) for name in ("EUR_USD", "GBP_USD", "AUD_USD", "USD_JPY")]
    wanted += [Wanted(H1._replace(granularity=granularity), CURSOR) for granularity in (Granularity.M5, Granularity.M1)]

    with source_of(broker.url) as source:
        answers = source.newer(wanted)

    for answer in answers.values():
        assert isinstance(answer, BrokerUnavailable)
        assert answer.retry_after == 600
    assert len(broker.requests) <= 2


# --- the end ----------------------------------------------------------------------------------------------------------


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("oanda-")]


def test_closing_ends_a_request_that_is_under_way_and_lets_the_threads_go(market: RandomMarket) -> None:
    received = threading.Event()
    with SimulatorServer(market, token=TOKEN, clock=SimulatedClock.fixed(NOW)) as server:
        server.faults.add(BrokerFault(faults.SlowBody(0.5, size=1)))
        source = OandaSource(Secret(TOKEN), server.url, account_id=None, clock=FakeClock(float(NOW)))
        server._on_request = lambda _: received.set()
        others = set(workers())
        answers: list[Fetched | NinjaError] = []
        caller = threading.Thread(target=lambda: answers.append(asked(source)))
        caller.start()
        assert received.wait(5)
        mine = [thread for thread in workers() if thread not in others]

        source.close()

        caller.join(5)
        for thread in mine:
            thread.join(5)
    assert mine
    assert not any(thread.is_alive() for thread in mine)
    (answer,) = answers
    assert str(answer) == "the broker adapter is closed"


def test_what_nobody_expected_ends_the_call_and_not_the_worker(
    broker: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        message = "a mistake of ours"
        raise ZeroDivisionError(message)

    with source_of(broker.url) as source:
        with monkeypatch.context() as patched:
            patched.setattr("ninja_daemon.adapters.oanda.source.read_page", broken)
            with pytest.raises(ZeroDivisionError, match="a mistake of ours"):
                asked(source)
        for _ in range(3):
            assert isinstance(asked(source), Fetched)


def test_a_request_that_trickles_is_said_to_have_taken_too_long(
    broker: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninja_daemon.adapters.oanda.transport.TOTAL_TIMEOUT", 0.2)
    broker.faults.add(BrokerFault(faults.SlowBody(0.02, size=1), times=3))

    with source_of(broker.url) as source:
        assert str(asked(source)) == "the broker did not answer within 0.2 s"
        assert isinstance(asked(source), Fetched)


# --- encryption -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("trusted", "name", "is_good"),
    [(True, "localhost", True), (True, "elsewhere.invalid", False), (False, "localhost", False)],
    ids=["good", "another name", "unknown authority"],
)
def test_certificates_are_checked(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, *, trusted: bool, name: str, is_good: bool
) -> None:
    with (
        authority.cert_pem.tempfile() as bundle,
        wire(http(PAGE.encode()), context=tls(authority, name)) as server,
        source_of(f"https://localhost:{server.port}") as source,
    ):
        if trusted:
            monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", bundle)
        answer = asked(source)

    if is_good:
        assert isinstance(answer, Fetched)
        assert server.heads[0].startswith(b"GET /v3/instruments/EUR_USD/candles?")
    else:
        assert str(answer) == "the broker did not answer (the encrypted connection failed: certificate or protocol)"
        assert not server.heads, "nothing may be sent to a server that is not the broker"

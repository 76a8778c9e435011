"""Addresses that may be posted to, and waits that somebody else names."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import pytest
import trustme
from hypothesis import given, strategies as st

from ninja_daemon.adapters.network.answers import Reply
from ninja_daemon.adapters.network.connecting import is_public, tls_context, url_complaint
from ninja_daemon.adapters.network.posting import Poster
from ninja_daemon.core.messages.destination import Failure, Fault
from tests.fakes.receiver import Receiver, receiver

AUTHORITY = trustme.CA()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "ff02::1",
        "not an address",
    ],
)
def test_addresses_inside_are_told_from_the_public_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "162.159.135.232", "2606:4700::6810:84e5", "64:ff9b::808:808"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.org/", "https"),
        ("ftp://example.org/", "https"),
        ("https://user:pw@example.org/", "user or password"),
        ("https://user@example.org/", "user or password"),
        ("https:///path", "host"),
        ("https://exa mple.org/", "spaces"),
        ("https://example.org/\r\nX: y", "control"),
        ("https://example.org:0/", "port"),
        ("https://example.org:99999/", "URL"),
        ("https://127.0.0.1/", "not an address"),
        ("https://[::1]/", "not an address"),
        ("https://ex\u00e4mple.org/", "control"),
        ("", "URL"),
    ],
)
def test_an_url_that_must_not_be_posted_to_is_refused_without_quoting_it(url: str, words: str) -> None:
    complaint = url_complaint(url, insecure=False)
    assert words in complaint
    assert "pw" not in complaint


@pytest.mark.parametrize("url", ["https://example.org", "https://example.org:8443/a?b=c"])
def test_an_ordinary_url_is_fine(url: str) -> None:
    assert not url_complaint(url, insecure=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/x", "http://localhost/", "https://[::1]:1/"])
def test_insecure_allows_plain_http_and_addresses(url: str) -> None:
    assert not url_complaint(url, insecure=True)
    assert url_complaint(url, insecure=False)


@given(st.text())
def test_any_text_is_either_fine_or_complained_about(url: str) -> None:
    assert isinstance(url_complaint(url, insecure=True), str)


# --- TLS -------------------------------------------------------------------------------------------------------------


def secured(*names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver(secured("localhost", "127.0.0.1")) as made:
        yield made


def trusting() -> ssl.SSLContext:
    context = tls_context()
    AUTHORITY.configure_trust(context)
    return context


def test_a_server_with_a_good_certificate_is_posted_to_and_kept_connected(server: Receiver) -> None:
    poster = Poster(f"https://localhost:{server.port}/x", insecure=True, context=trusting())
    for _ in range(3):
        reply = poster.post(b"{}", {})
        assert isinstance(reply, Reply)
        assert reply.status == 200
    assert {post.connection for post in server.posts} == {1}
    assert server.posts[0].headers["host"] == f"localhost:{server.port}"
    poster.close()


def test_a_certificate_of_nobody_is_refused_before_anything_is_sent(server: Receiver) -> None:
    failure = Poster(f"https://localhost:{server.port}/x", insecure=True).post(b"{}", {})
    assert isinstance(failure, Failure)
    assert failure.fault is Fault.UNREACHED
    assert not server.posts


def test_a_certificate_of_another_name_is_refused_before_anything_is_sent() -> None:
    with receiver(secured("example.org")) as server:
        failure = Poster(f"https://localhost:{server.port}/x", insecure=True, context=trusting()).post(b"{}", {})
        assert isinstance(failure, Failure)
        assert failure.fault is Fault.UNREACHED
        assert not server.posts


# --- names -----------------------------------------------------------------------------------------------------------


def answers(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Have every name lead to these addresses."""

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        del host
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("169.254.169.254",)])
def test_a_name_that_leads_inside_is_refused_whatever_else_it_leads_to(
    monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    answers(monkeypatch, *addresses)
    failure = Poster("https://hooks.example.org/x").post(b"{}", {})
    assert isinstance(failure, Failure)
    assert failure.fault is Fault.BROKEN
    assert "not public" in failure.text


def test_a_name_that_has_no_address_was_certainly_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    failure = Poster("https://hooks.example.org/x").post(b"{}", {})
    assert isinstance(failure, Failure)
    assert failure.fault is Fault.UNREACHED


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch, server: Receiver) -> None:
    """A name that leads elsewhere when it is asked again changes nothing: it is not asked again."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, **_: object) -> object:
        asked.append(host)
        return real("127.0.0.1", port, type=socket.SOCK_STREAM)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    poster = Poster(f"https://localhost:{server.port}/x", insecure=True, context=trusting())
    assert isinstance(poster.post(b"{}", {}), Reply)
    assert asked == ["localhost"]
    poster.close()


def test_an_address_that_does_not_answer_gives_way_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as server:
        answers(monkeypatch, "127.0.0.2", "127.0.0.1")
        poster = Poster(f"http://localhost:{server.port}/x", insecure=True)
        assert isinstance(poster.post(b"{}", {}), Reply)
        poster.close()

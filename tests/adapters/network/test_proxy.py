"""The way through a proxy: a tunnel where one is named, and what its refusals mean."""

from __future__ import annotations

import ssl

import pytest
import trustme

from ninja_daemon.adapters.channels.registry import open_channel
from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.network.answers import Reply
from ninja_daemon.adapters.network.posting import Poster
from ninja_daemon.adapters.network.proxy import proxy_complaint
from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.core.errors import BrokerUnavailable
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, Sent
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.secret import Secret
from tests.adapters.channels.options import ROWS
from tests.fakes.messages import a_bundle
from tests.fakes.receiver import OK, Answer, receiver
from tests.fakes.tunnel import tunnel_proxy

AUTHORITY = trustme.CA()


def test_an_encrypted_post_goes_through_the_tunnel_to_the_receiver_it_names() -> None:
    theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(theirs)
    AUTHORITY.configure_trust(ours)
    with receiver(theirs) as server, tunnel_proxy() as proxy:
        poster = Poster(server.url, insecure=True, context=ours, proxy=Secret(f"http://{proxy.address}"))
        assert isinstance(poster.post(b"{}", {}), Reply)
        assert isinstance(poster.post(b"{}", {}), Reply)
        poster.close()
        assert proxy.asked == [f"127.0.0.1:{server.port}"], "one tunnel, kept"


@pytest.mark.parametrize("kind", ["webhook", "discord", "telegram"])
def test_every_channel_over_http_takes_the_proxy_of_its_destination(kind: str) -> None:
    with receiver() as server, tunnel_proxy("user:pass word") as proxy:
        server.answers(OK)
        way = Secret(f"http://user:pass%20word@{proxy.address}")
        channel = open_channel(Destination("desk", kind, ROWS[kind](server.url), proxy=way))
        assert isinstance(channel.send(a_bundle()), Sent)
        channel.close()
        assert proxy.asked


@pytest.mark.parametrize("kind", ["webhook", "email"])
def test_a_proxy_that_lets_nobody_through_is_the_destinations_fault(kind: str) -> None:
    with tunnel_proxy("user:word") as proxy:
        way = Secret(f"http://user:guessed@{proxy.address}")
        channel = open_channel(Destination("desk", kind, ROWS[kind]("http://127.0.0.1:9"), proxy=way))
        failure = channel.send(a_bundle())
        assert isinstance(failure, Failure)
        assert failure.fault is Fault.BROKEN
        assert "407" in failure.text
        assert "guessed" not in failure.text


def test_a_proxy_that_is_not_there_is_no_delivery() -> None:
    way = Secret("http://127.0.0.1:9")
    failure = open_channel(Destination("desk", "webhook", ROWS["webhook"]("http://127.0.0.1:9"), proxy=way)).send(
        a_bundle()
    )
    assert isinstance(failure, Failure)
    assert failure.fault is Fault.UNREACHED


def test_the_broker_is_asked_through_its_proxy() -> None:
    with tunnel_proxy() as proxy, receiver() as server:
        server.answers(Answer(503))
        source = OandaSource(
            Secret("t" * 20), server.url, account_id="1", clock=SystemClock(), proxy=Secret(f"http://{proxy.address}")
        )
        with pytest.raises(BrokerUnavailable):
            source.account_instruments()
        source.close()
        assert set(proxy.asked) == {f"127.0.0.1:{server.port}"}


def test_a_post_ends_at_the_timeout_of_its_destination() -> None:
    with receiver() as server:
        server.answers(Answer(how="hang"))
        policy = SendPolicy(timeout=0.2)
        failure = open_channel(Destination("desk", "webhook", ROWS["webhook"](server.url), policy)).send(a_bundle())
        assert isinstance(failure, Failure)
        assert failure.text == "no complete answer within 0.2 s"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://proxy.example.org:3128", ""),
        ("http://u:p%40@10.0.0.1:8080/", ""),
        ("https://proxy.example.org:3128", "plain http"),
        ("socks5://proxy.example.org:1080", "plain http"),
        ("proxy.example.org:3128", "plain http"),
        ("http://proxy.example.org", "with a port"),
        ("http://proxy.example.org:99999", "must be a proxy"),
        ("http://proxy.example.org:3128/path", "nothing behind it"),
    ],
)
def test_an_address_of_a_proxy_is_checked_when_it_is_read(url: str, words: str) -> None:
    complaint = proxy_complaint(url)
    assert words in complaint
    assert bool(complaint) is bool(words)

"""What an ntfy server gets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ninja_daemon.adapters.channels.ntfy import KIND, NtfyChannel
from ninja_daemon.core.messages.destination import Destination, Sent
from ninja_daemon.core.messages.message import Severity
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.secret import Secret
from tests.adapters.channels.options import ROWS, TOKEN
from tests.fakes.messages import a_bundle, a_notice_entry, a_signal, an_entry
from tests.fakes.receiver import Answer, Receiver, receiver


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def channel_to(server: Receiver, **options: Any) -> NtfyChannel:
    destination = Destination("desk", "ntfy", ROWS["ntfy"](server.url) | options, SendPolicy(time_zone="Europe/Berlin"))
    assert not KIND.complaints(destination)
    return NtfyChannel(destination)


def test_a_signal_has_priority_tags_a_page_and_the_id_by_which_it_is_updated(server: Receiver) -> None:
    server.answers(Answer.of(200, {"id": "xE73Iyuabi", "event": "message"}))
    channel = channel_to(server, priority="high", tags=("robot",), click="https://n.example/signals/{id}")
    assert channel.send(a_bundle()) == Sent("xE73Iyuabi")
    channel.close()
    (post,) = server.posts
    identity = a_signal(1).id
    assert (post.path, post.headers["authorization"]) == ("/", f"Bearer {TOKEN}")
    assert post.json == {
        "topic": "club-4f7a",
        "title": "▼ SELL EUR/USD H4",
        "message": "The fast average crossed below the slow one\n"
        "Entry        1.09259\nStop         1.10084 (82.5 pips)\n"
        "Target       1.08022 (123.7 pips)\nRisk/reward  1 : 1.5\nATR          41.2 pips\n"
        f"2022-03-04 19:00 CET, 3 s after the close\nEUR_USD_H4 · {identity[:8]}",
        "priority": 4,
        "tags": ["chart_with_downwards_trend", "robot"],
        "sequence_id": identity,
        "click": f"https://n.example/signals/{identity}",
    }


def test_a_server_that_knows_the_sequence_id_is_told_later_changes_by_it(server: Receiver) -> None:
    server.answers(Answer.of(200, {"id": "xE73Iyuabi", "sequence_id": a_signal(1).id}))
    channel = channel_to(server)
    assert channel.send(a_bundle()) == Sent(a_signal(1).id)
    channel.close()


def test_a_repeat_has_the_sequence_id_of_the_first(server: Receiver) -> None:
    channel = channel_to(server)
    channel.send(a_bundle())
    channel.send(a_bundle(repeat=True))
    channel.close()
    assert len({post.json["sequence_id"] for post in server.posts}) == 1
    assert {post.path for post in server.posts} == {"/"}


def test_alerts_have_the_priority_of_their_severity_and_late_ones_an_hourglass(server: Receiver) -> None:
    channel = channel_to(server, click="https://n.example/{id}")
    for severity in Severity:
        channel.send(a_bundle(a_notice_entry(severity=severity, id="a.b")))
    channel.send(a_bundle(an_entry(late=True)))
    channel.close()
    *alerts, late = [post.json for post in server.posts]
    assert [alert["priority"] for alert in alerts] == [2, 3, 4, 5]
    assert {alert["sequence_id"] for alert in alerts} == {"a_b"}
    assert "click" not in alerts[0]
    assert late["tags"][0] == "hourglass"


def test_a_text_that_is_too_long_is_cut_to_what_ntfy_shows_as_text(server: Receiver) -> None:
    channel = channel_to(server)
    channel.send(a_bundle(a_notice_entry(text="ü" * 4_096)))
    channel.close()
    assert len(server.posts[0].json["message"].encode()) <= 4_096


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("topic", Secret("a b")),
        ("url", "ftp://x"),
        ("priority", "urgent"),
        ("tags", ("a,b",)),
        ("click", "javascript:alert(1)"),
    ],
)
def test_options_that_cannot_be_are_refused(option: str, value: Any) -> None:
    options = ROWS["ntfy"]("http://127.0.0.1:9") | {option: value}
    assert [key for key, _ in KIND.complaints(Destination("desk", "ntfy", options))] == [option]

"""``notify --preview``: what is shown is what would be posted, to the byte, and nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ninja_daemon.adapters.channels.registry import KINDS, open_channel
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.app.notifier.preview import made_up_signals, preview
from ninja_daemon.core.messages.destination import Destination, Sent
from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.core.messages.send_policy import LatePolicy, SendPolicy
from ninja_daemon.core.messages.style import Style
from ninja_daemon.core.secret import Secret
from tests.adapters.channels.options import ROWS, TOKEN
from tests.fakes.messages import CLOSE_TIME, a_bundle, an_entry
from tests.fakes.receiver import Receiver, receiver

NOW = CLOSE_TIME + 11_520.0


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def shown(destination: Destination) -> dict[str, str]:
    lines = list(preview(destination, (), made_up_signals(), NOW))
    assert lines[0] == f"== {destination.name} ({destination.channel}) =="
    return dict(zip([line.strip("\n- ") for line in lines[1::2]], lines[2::2], strict=True))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"console", "email", "apprise"}])
def test_what_is_shown_is_what_is_posted(server: Receiver, kind: str) -> None:
    destination = Destination("desk", kind, ROWS[kind](server.url), SendPolicy(time_zone="Europe/Berlin"))
    signal = made_up_signals()[-1]
    channel = open_channel(destination)
    entry = replace(an_entry(), id=signal.id, signal=signal)
    entry = replace(entry, text=encode_signal(signal))
    assert isinstance(channel.send(Bundle("desk", (entry,), sent_at=signal.created_at + 3.0)), Sent)
    channel.close()
    (post,) = server.posts
    text = shown(destination)["a signal"]
    assert text.endswith("\n" + post.body.decode().replace("club-4f7a", "***"))
    assert len(server.posts) == 1


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_channel_shows_all_four_and_no_secret(kind: str) -> None:
    destination = Destination("desk", kind, ROWS[kind]("http://127.0.0.1:9"))
    parts = shown(destination)
    assert list(parts) == ["a signal", "a late signal", "a group", "an alert"]
    assert "1.09259" in parts["a signal"]
    if kind != "webhook":
        assert "3 h 12 min" in parts["a late signal"]
    assert "sample" in parts["an alert"]
    assert TOKEN not in str(parts)


def test_what_would_not_be_posted_says_why() -> None:
    secret: dict[str, Any] = {"license": Secret("60123456789012")}
    options = ROWS["webhook"]("http://127.0.0.1:9") | {"preset": "pineconnector", "fields": secret}
    parts = shown(Destination("desk", "webhook", options))
    assert parts["a signal"].endswith("\n***,sell,GBPUSD,sl_pips=82.5,tp_pips=123.7")
    assert parts["a late signal"].startswith("not sent: an order")
    assert parts["an alert"] == "none: its body is made of a signal"


def test_a_group_and_late_ones_are_shown_as_the_destination_wants_them() -> None:
    console = Destination("desk", "console", {}, SendPolicy(group=True, late=LatePolicy.DIGEST))
    parts = shown(console)
    assert len(parts["a group"].splitlines()) == 2
    without = Destination("desk", "console", {}, SendPolicy(late=LatePolicy.DROP))
    assert shown(without)["a late signal"].startswith("left out")
    programs = SendPolicy(style=Style.COPIER)
    copier = shown(Destination("desk", "telegram", ROWS["telegram"]("http://127.0.0.1:9"), programs))
    assert "SELL GBPUSD\\nEntry NOW\\nSL 1.10084\\nTP 1.08022" in copier["a signal"]
    assert "No order" in copier["a late signal"]


def test_a_parcel_is_written_as_it_is_sent_also_when_grouped(server: Receiver) -> None:
    channel = open_channel(Destination("desk", "webhook", {"url": Secret(server.url), "insecure": True}))
    bundle = a_bundle(an_entry(1), an_entry(2), grouped=True)
    written = channel.written(bundle)
    channel.send(bundle)
    channel.close()
    assert written is not None
    assert server.posts[0].body.decode() == written.body  # type: ignore[union-attr]

"""Server-sent events: each signal once, in order, also after a break."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from hypothesis import given, strategies as st

from ninja_daemon.adapters.stored.signal import decode_signal, encode_signal
from ninja_daemon.app.web.events import EventStream
from ninja_daemon.core.signals.signal import Signal
from tests.app.web.conftest import Site, Start
from tests.core.pictures.views import view_of

SIGNAL = view_of().signal


@contextmanager
def events(site: Site, last: str = "") -> Iterator[Iterator[dict[str, str]]]:
    """The events that come over a connection, as fields."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
    connection.request("GET", "/events", headers={"Last-Event-ID": last} if last else {})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream")

    def read() -> Iterator[dict[str, str]]:
        fields: dict[str, str] = {}
        while line := answer.readline().decode():
            if line == "\n":
                if "event" in fields:
                    yield fields
                fields = {}
            else:
                name, _, value = line.rstrip("\n").partition(": ")
                fields[name] = value

    try:
        yield read()
    finally:
        answer.close()
        connection.close()


def test_a_new_signal_comes_within_two_seconds(start: Start, client: redis.Redis, listed: list[dict[str, Any]]) -> None:
    site = start()
    with events(site) as coming:
        time.sleep(0.5)
        text = json.dumps({**listed[-1], "id": "f" * 32})
        begun = time.monotonic()
        client.rpush("{ninja}:history", text)
        event = next(coming)
        assert time.monotonic() - begun < 2
    assert (event["event"], event["id"]) == ("signal", "f" * 32)
    assert json.loads(event["data"]) == json.loads(text)


def test_a_reader_that_comes_back_gets_what_it_missed(start: Start, listed: list[dict[str, Any]]) -> None:
    with events(start(), last=listed[2]["id"]) as coming:
        assert [next(coming)["id"] for _ in listed[3:]] == [each["id"] for each in listed[3:]]


def test_an_unknown_last_signal_brings_all_that_is_known(start: Start, listed: list[dict[str, Any]]) -> None:
    with events(start(), last="0" * 32) as coming:
        assert [next(coming)["id"] for _ in listed] == [each["id"] for each in listed]


def entry(number: int) -> tuple[Signal, str]:
    signal = SIGNAL._replace(id=f"{number:032x}")
    text = encode_signal(signal)
    return decode_signal(text), text


@given(st.lists(st.lists(st.integers(0, 40), max_size=6), max_size=6), st.integers(0, 40))
def test_every_signal_comes_once_in_the_order_of_appearance(rounds: list[list[int]], last: int) -> None:
    shown: list[tuple[Signal, str]] = []
    stream = EventStream(lambda: shown)
    appeared: list[int] = []
    for numbers in rounds:
        for number in numbers:
            if number not in appeared:
                appeared.append(number)
                shown.append(entry(number))
        stream._look()
    place = stream._place_after(f"{last:032x}")
    _, fresh = stream._after(place)
    expected = appeared[appeared.index(last) + 1 :] if last in appeared else appeared
    assert [int(identity, 16) for identity, _ in fresh] == expected

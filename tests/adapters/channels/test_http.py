"""Addresses that may be posted to, and waits that somebody else names."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.adapters.channels.http import is_public, retry_after, seconds_of, url_complaint


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


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0),
        ("0.75", 0.75),
        (" 5 ", 5.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("1e999", None),
    ],
)
def test_retry_after_in_seconds(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}) == seconds


def test_retry_after_as_a_date() -> None:
    wait = retry_after({"retry-after": formatdate(time.time() + 30, usegmt=True)})
    assert wait is not None
    assert 25 < wait < 31
    assert retry_after({"retry-after": formatdate(time.time() - 30, usegmt=True)}) == 0.0


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_a_wait_that_somebody_sends_is_a_number_of_seconds_or_nothing(value: object) -> None:
    seconds = seconds_of(value)
    assert seconds is None or 0 <= seconds < float("inf")

"""No secret survives in a text, in whatever spelling, and no text can forge a line."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.adapters.network.redaction import Redaction, escaped
from ninja_daemon.core.secret import Secret

TOKEN = "3f9c-ab/cd+ef=gh ü'\"x"
SPELLINGS = {
    "as it is": TOKEN,
    "in a URL": quote(TOKEN, safe=""),
    "in a path": quote(TOKEN),
    "in a form": quote_plus(TOKEN),
    "in JSON": json.dumps(TOKEN),
    "in a repr": repr([TOKEN]),
    "inside of a word": f"xx{TOKEN}yy",
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_secret_is_found_in_every_spelling(text: str) -> None:
    clean = Redaction([Secret(TOKEN)]).text(f"before {text} after")
    assert "3f9c" not in clean
    assert clean.startswith("before ")
    assert clean.endswith(" after")
    assert "***" in clean


@given(st.binary(max_size=8), st.binary(max_size=8), st.text(st.characters(codec="ascii"), min_size=12, max_size=40))
def test_a_secret_is_found_at_any_offset_in_base64(before: bytes, after: bytes, secret: str) -> None:
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    clean = Redaction([Secret(secret)]).text(encoded)
    assert "***" in clean
    # What is left holds at most the bits that the secret shares with its neighbours.
    assert len(clean) - len("***") <= (len(before) + len(after)) * 4 / 3 + 8


def test_a_short_secret_is_blanked_as_a_word_and_leaves_other_words_alone() -> None:
    redaction = Redaction([Secret("red"), Secret("ab")])
    assert redaction.text("red: pw=red, reduced, ab") == "***: pw=***, reduced, ab"


def test_the_longer_of_two_secrets_goes_first() -> None:
    assert Redaction([Secret("12345678"), Secret("123456789abc")]).text("x123456789abcx") == "x***x"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abc.def-1", "Authorization: Bearer ***"),
        ("authorization basic dXNlcjpwdw==", "authorization basic ***"),
        ("the basic averages", "the basic averages"),
        ("https://discord.com/api/webhooks/123/aB-c_d", "https://discord.com/api/webhooks/***"),
        ("https://discord.com/api/v10/webhooks/123/aB-c_d?wait=1", "https://discord.com/api/v10/webhooks/***?wait=1"),
        ("https://api.telegram.org/bot123:AB-c/sendMessage", "https://api.telegram.org/bot***/sendMessage"),
        ("redis://user:p@ss@h:1/0", "redis://***@ss@h:1/0"),
        ("rediss://:pw@h/0 refused", "rediss://***@h/0 refused"),
        ("https://me:pw@example.org/x", "https://***@example.org/x"),
        ("tgram://123:AB/456", "tgram://***"),
        ("GET /v3/accounts/101-001-1/candles", "GET /v3/accounts/***/candles"),
        ("https://h/x?api_key=abc&y=2", "https://h/x?api_key=***&y=2"),
        ("{'password': 'hunter2', 'user': 'me'}", "{'password': '***', 'user': 'me'}"),
        ("redis 127.0.0.1:6379/0", "redis 127.0.0.1:6379/0"),
        (
            "https://api-fxpractice.oanda.com/v3/instruments/EUR_USD",
            "https://api-fxpractice.oanda.com/v3/instruments/EUR_USD",
        ),
    ],
)
def test_what_looks_like_a_secret_is_blanked_without_being_known(text: str, clean: str) -> None:
    assert Redaction().text(text) == clean


def test_fields_are_cleaned_by_name_and_in_depth() -> None:
    redaction = Redaction([Secret("hunter2222")])
    assert redaction.field("candles", 3) == 3
    assert redaction.field("token", "anything") == "***"
    assert redaction.field("reason", {"a": ["hunter2222", {"password": "x"}], "b": 1.5}) == {
        "a": ["***", {"password": "***"}],
        "b": 1.5,
    }


@given(st.text())
def test_escaped_text_is_one_line_without_control_characters(text: str) -> None:
    safe = escaped(text)
    assert len(safe.splitlines()) <= 1
    assert safe.isprintable() or all(
        not char.isspace() or char == " " or char.isprintable() for char in safe if ord(char) < 160
    )
    safe.encode()


def test_direction_marks_and_escape_sequences_are_written_out() -> None:
    assert escaped("a\nb\x1b[31m\u202ec") == r"a\nb\x1b[31m\x202ec"

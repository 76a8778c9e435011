"""Every language says everything, with the same fields; no language changes a number."""

from __future__ import annotations

import re

import pytest

from ninja_daemon.adapters.channels.wording.discord_embeds import embeds_of
from ninja_daemon.adapters.channels.wording.languages import LANGUAGES, incomplete, texts
from ninja_daemon.adapters.channels.wording.mail_html import mail_html
from ninja_daemon.adapters.channels.wording.plain import plain_text, subject
from ninja_daemon.adapters.channels.wording.telegram_html import telegram_html
from ninja_daemon.core.messages.send_policy import SendPolicy
from tests.fakes.messages import a_bundle, a_notice_entry, an_entry

PARCELS = [
    a_bundle(),
    a_bundle(an_entry(late=True), repeat=True),
    a_bundle(an_entry(1), an_entry(2), grouped=True),
    a_bundle(an_entry(1, late=True), digest=True),
    a_bundle(an_entry(1, late=True), an_entry(2, late=True), digest=True),
    a_bundle(a_notice_entry(topic="heartbeat")),
    a_bundle(a_notice_entry(topic="test")),
]


def test_english_and_german_are_there() -> None:
    assert {"en", "de"} <= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text_with_the_same_fields(language: str) -> None:
    assert not incomplete(texts(language), texts("en"))


def test_what_is_missing_or_has_other_fields_is_named() -> None:
    english = {"a": "one {x}", "b": "two", "c": "three"}
    assert incomplete({"a": "eins {y}", "b": " ", "d": "vier"}, english) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("layout", [plain_text, telegram_html, mail_html, subject, embeds_of])
def test_numbers_are_the_same_in_every_language(language: str, layout: object) -> None:
    for bundle in PARCELS:
        english, other = (str(layout(bundle, SendPolicy(language=each))) for each in ("en", language))  # type: ignore[operator]
        assert re.findall(r"\d[\d.:]*", other) == re.findall(r"\d[\d.:]*", english)


def test_a_german_message_is_german() -> None:
    text = plain_text(a_bundle(), SendPolicy(language="de", time_zone="Europe/Berlin"))
    for part in (
        "▼ VERKAUFEN EUR/USD H4",
        "kreuzt den langsamen nach unten",
        "Ziel",
        "82.5 Pips",
        "3 Sek. nach dem Schluss",
    ):
        assert part in text

"""A secret shows itself nowhere but where it is asked to."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.secret import Secret

TEXT = "tok-3n-v3ry-secret"


def test_every_accidental_way_out_shows_stars() -> None:
    secret = Secret(TEXT)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>40}",
        f"{secret:>40}",
        "%s %r" % (secret, secret),  # noqa: UP031 - the way of logging
        repr({"key": [secret]}),
        logging.makeLogRecord({"msg": "token %s", "args": (secret,)}).getMessage(),
    ]
    assert all(TEXT not in text for text in shown)
    assert str(secret) == repr(secret) == f"{secret:>40}" == "***"


def test_the_text_is_there_for_whoever_asks() -> None:
    assert Secret(TEXT).reveal() == TEXT


@given(st.text(), st.text())
def test_secrets_are_equal_when_their_texts_are(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) == (one == other)
    assert Secret(one) == Secret(one)
    assert hash(Secret(one)) == hash(Secret(one))
    assert len({Secret(one), Secret(one)}) == 1


def test_a_secret_is_not_equal_to_its_text() -> None:
    assert Secret(TEXT) != TEXT


@pytest.mark.parametrize("escape", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps], ids=lambda way: way.__name__)
def test_a_secret_cannot_be_copied_out_of_the_process(escape: object) -> None:
    assert callable(escape)
    with pytest.raises(TypeError) as caught:
        escape(Secret(TEXT))
    assert TEXT not in "".join(traceback.format_exception(caught.value))


def test_an_empty_secret_is_false() -> None:
    assert not Secret("")
    assert Secret(" ")

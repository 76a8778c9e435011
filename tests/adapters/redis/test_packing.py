"""Pipelines are packed as redis-py would pack them, only quicker."""

from __future__ import annotations

import gc
import weakref
from typing import Any

from hypothesis import given, strategies as st
from redis.connection import Connection

from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.deadline import TIMED
from ninja_daemon.adapters.redis.scripts import Call, run_scripts, script

names = st.sampled_from(["GET", "EVALSHA_RO", "CONFIG GET", "CLIENT NO-EVICT", "MULTI"])
arguments = st.one_of(st.text(), st.binary(), st.integers(), st.floats(allow_nan=False))
commands = st.lists(st.tuples(names, st.lists(arguments, max_size=8)), min_size=1, max_size=40)


@given(commands)
def test_whatever_is_sent_is_the_same_bytes_as_from_redis_py(drawn: list[tuple[str, list[Any]]]) -> None:
    pipeline = [(name, *rest) for name, rest in drawn]
    pieces = {kind: b"".join(kind().pack_commands(pipeline)) for kind in (Connection, TIMED[Connection])}

    assert pieces[TIMED[Connection]] == pieces[Connection]


def test_a_long_pipeline_goes_in_pieces_that_the_server_can_begin_with() -> None:
    pieces = list(TIMED[Connection]().pack_commands([("GET", "k")] * 100))

    assert 5 <= len(pieces) <= 10
    assert {piece.count(b"*2\r\n") for piece in pieces[:-1]} == {16}


escaped = st.binary(max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


@given(st.lists(st.tuples(names, st.lists(escaped, max_size=4)), min_size=1, max_size=5))
def test_bytes_that_were_no_text_are_sent_as_these_bytes(drawn: list[tuple[str, list[str]]]) -> None:
    texts = [(name, *rest) for name, rest in drawn]
    as_bytes = [(name, *(text.encode("utf-8", "surrogateescape") for text in rest)) for name, rest in drawn]
    connection = TIMED[Connection]()

    assert b"".join(connection.pack_commands(texts)) == b"".join(connection.pack_commands(as_bytes))


def test_a_single_command_sends_them_as_these_bytes_too(redis_url: str) -> None:
    with connect(redis_url, name="test") as client:
        client.rpush("junk", b"\xff\xfe no text")
        (text,) = client.lrange("junk", 0, -1)
        assert client.lrem("junk", 1, text) == 1


class _Arguments:
    def __call__(self) -> list[str]:
        return ["1"]


def test_calls_that_were_refused_at_first_are_let_go_at_once(redis_url: str) -> None:
    """The frames of an error held everything that was sent."""
    client, arguments = connect(redis_url, name="test"), _Arguments()
    gone = weakref.ref(arguments)
    client.script_flush()
    gc.disable()
    try:
        run_scripts(
            client,
            [Call(script("look", reads_only=True), tuple(f"{{ninja}}:{place}" for place in range(4)), arguments)],
        )
        del arguments
        assert gone() is None
    finally:
        gc.enable()
        client.close()

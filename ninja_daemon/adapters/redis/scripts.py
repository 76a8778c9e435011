"""Lua scripts as files, called by their digest, many in one round trip."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, Final, NamedTuple

import redis
from redis.exceptions import NoScriptError, RedisError

from ninja_daemon.adapters.redis.client import translated_errors, unavailable
from ninja_daemon.adapters.redis.deadline import Later, knows_later
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.words import counted


class Script(NamedTuple):
    """A script's text and digest."""

    text: str
    digest: str
    reads_only: bool


class Call(NamedTuple):
    """One call of a script; its arguments may be a function, called when the call is packed if that can be."""

    script: Script
    keys: Sequence[str]
    arguments: Sequence[str | int] | Callable[[], Sequence[str | int]]


class Replicated(NamedTuple):
    """What makes writes count: that many replicas have them.

    Attributes:
        replicas: how many.
        key: written behind the calls, since a call that was made before writes nothing that could be waited for.
    """

    replicas: int
    key: str


_PROVING: Final = ("load", "commit")
"""Scripts before which ``proof.lua`` stands."""
_REPLICAS_MAY_TAKE: Final = 1_000
"""Milliseconds; with the calls it must stay within the time of a command."""


@lru_cache(maxsize=64)
def script(name: str, *, reads_only: bool = False) -> Script:
    """Return the script in ``lua/<name>.lua``."""
    folder = resources.files("ninja_daemon.adapters.redis").joinpath("lua")
    files = ("proof", name) if name in _PROVING else (name,)
    text = "".join(folder.joinpath(f"{one}.lua").read_text(encoding="utf-8") for one in files)
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return Script(text, digest, reads_only)


def run_scripts(client: redis.Redis, calls: Sequence[Call], replicated: Replicated | None = None) -> list[Any]:
    """Run the calls in one round trip; replies in their order, an exception in the place of a call that failed.

    A server that does not know a script refuses that call before it does anything; then the scripts are loaded and
    the refused calls, and only these, are sent again. One more round trip, once after a server's start.

    Args:
        client: made by ``client.connect``.
        calls: in order.
        replicated: which replicas must have what the calls write; None for none.

    Raises:
        StoreUnavailable: the connection failed, or too few replicas have it: nothing is known of any call.
    """
    replies, have = _send(client, calls, replicated)
    unknown = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if unknown:
        with translated_errors():
            for text in {calls[index].script.text for index in unknown}:
                client.script_load(text)
        again, have = _send(client, [calls[index] for index in unknown], replicated)
        for index, reply in zip(unknown, again, strict=True):
            replies[index] = reply
    if replicated is not None and have < replicated.replicas:
        those = f"{have} of {counted(replicated.replicas, 'working replica')} had it within a second"
        message = f'Redis took a commit, but {those} (durability = "replicas")'
        raise StoreUnavailable(message)
    return replies


def add_call(pipeline: redis.client.Pipeline, call: Call, *, is_later: bool = False) -> None:
    """Add a call to what is sent in one round trip.

    Args:
        pipeline: of a client by ``client.connect``.
        call: which.
        is_later: whether the connection works arguments out when it packs.
    """
    command = "EVALSHA_RO" if call.script.reads_only else "EVALSHA"
    pipeline.execute_command(  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
        command, call.script.digest, len(call.keys), *call.keys, *_arguments(call, is_later=is_later)
    )


def _send(client: redis.Redis, calls: Sequence[Call], replicated: Replicated | None) -> tuple[list[Any], int]:
    """Return the replies, and how many replicas have what was written."""
    with translated_errors():
        pipeline, is_later = client.pipeline(transaction=False), knows_later(client)
        for call in calls:
            add_call(pipeline, call, is_later=is_later)
        if replicated is not None:
            pipeline.set(replicated.key, "1")
            pipeline.wait(replicated.replicas, _REPLICAS_MAY_TAKE)
        replies = [_bare(reply) for reply in pipeline.execute(raise_on_error=False)]
    if replicated is None:
        return replies, 0
    *replies, written, have = replies
    for reply in (written, have):
        if isinstance(reply, RedisError):
            raise unavailable(reply) from reply
    return replies, int(have)


def _bare(reply: Any) -> Any:  # noqa: ANN401 - whatever a script returns
    """Return a reply; an error without its frames, which hold all commands and answers until garbage is looked for."""
    return reply.with_traceback(None) if isinstance(reply, Exception) else reply


def _arguments(call: Call, *, is_later: bool) -> Sequence[str | int | Later]:
    arguments = call.arguments
    if not callable(arguments):
        return arguments
    return (Later(arguments),) if is_later else arguments()


def answered(reply: Any) -> Any:  # noqa: ANN401 - what a script returns
    """Return a script's reply.

    Raises:
        StoreUnavailable: it is an error.
    """
    if isinstance(reply, RedisError):
        raise unavailable(reply) from reply
    return reply

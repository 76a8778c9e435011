"""Lua scripts as files, called by their digest, many in one round trip."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple

import redis
from redis.exceptions import NoScriptError

from ninja_daemon.adapters.redis.client import translated_errors
from ninja_daemon.adapters.redis.deadline import Later, knows_later


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


@lru_cache(maxsize=64)
def script(name: str, *, reads_only: bool = False) -> Script:
    """Return the script in ``lua/<name>.lua``."""
    text = resources.files("ninja_daemon.adapters.redis").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return Script(text, digest, reads_only)


def run_scripts(client: redis.Redis, calls: Sequence[Call]) -> list[Any]:
    """Run the calls in one round trip; replies in their order, an exception in the place of a call that failed.

    A server that does not know a script refuses that call before it does anything; then the scripts are loaded and
    the refused calls, and only these, are sent again. One more round trip, once after a server's start.

    Raises:
        StoreUnavailable: the connection failed, so that nothing is known of any call.
    """
    replies = _send(client, calls)
    unknown = [index for index, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if unknown:
        with translated_errors():
            for text in {calls[index].script.text for index in unknown}:
                client.script_load(text)
        for index, reply in zip(unknown, _send(client, [calls[index] for index in unknown]), strict=True):
            replies[index] = reply
    return replies


def _send(client: redis.Redis, calls: Sequence[Call]) -> list[Any]:
    with translated_errors():
        pipeline, is_later = client.pipeline(transaction=False), knows_later(client)
        for call in calls:
            command = "EVALSHA_RO" if call.script.reads_only else "EVALSHA"
            pipeline.execute_command(  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
                command, call.script.digest, len(call.keys), *call.keys, *_arguments(call, is_later=is_later)
            )
        return list(pipeline.execute(raise_on_error=False))


def _arguments(call: Call, *, is_later: bool) -> Sequence[str | int | Later]:
    arguments = call.arguments
    if not callable(arguments):
        return arguments
    return (Later(arguments),) if is_later else arguments()

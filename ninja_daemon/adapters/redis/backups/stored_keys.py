"""Keys as a backup holds them, and how they are written back: in pieces that a server takes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from redis.client import Pipeline

_T = TypeVar("_T")
_Commands = Iterator[tuple[str, Sequence[bytes]]]
_MOST_AT_ONCE: Final = 500
"""Elements in one command; even, so that pairs stay together."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key with all that is in it.

    Attributes:
        name: without the namespace.
        kind: ``string``, ``list``, ``set``, ``hash`` or ``zset``.
        expires_at: epoch milliseconds, None when it stays.
        value: elements; for a hash fields and values in turn, for a sorted set members and scores. Bytes that are no
            UTF-8 are lone surrogates.
    """

    name: str
    kind: str
    expires_at: int | None
    value: tuple[str, ...]


def write_key(pipeline: Pipeline, prefix: str, key: StoredKey) -> None:
    """Write a key with its content."""
    name = f"{prefix}{key.name}".encode("utf-8", "surrogateescape")
    parts = [part.encode("utf-8", "surrogateescape") for part in key.value]
    for command, arguments in WRITERS[key.kind](parts):
        pipeline.execute_command(command, name, *arguments)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    if key.expires_at is not None:
        pipeline.execute_command("PEXPIREAT", name, key.expires_at)  # type: ignore[no-untyped-call]


def in_pieces(command: str) -> Callable[[Sequence[bytes]], _Commands]:
    """Return what writes elements by a command, some at a time."""

    def pieces(parts: Sequence[bytes]) -> _Commands:
        for some in batched(parts):
            yield command, some

    return pieces


def scored(parts: Sequence[bytes]) -> _Commands:
    """Write the members of a sorted set, whose scores come first in the command."""
    turned = [part for member, score in zip(parts[::2], parts[1::2], strict=True) for part in (score, member)]
    yield from in_pieces("ZADD")(turned)


def batched(parts: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Go through elements some at a time."""
    for start in range(0, len(parts), _MOST_AT_ONCE):
        yield parts[start : start + _MOST_AT_ONCE]


def whole(text: str) -> int:
    """Read a whole number; what is none counts as 0."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0  # noqa: PLR2004 - below 2^53


WRITERS: Final[Mapping[str, Callable[[Sequence[bytes]], _Commands]]] = {
    "string": in_pieces("SET"),
    "list": in_pieces("RPUSH"),
    "set": in_pieces("SADD"),
    "hash": in_pieces("HSET"),
    "zset": scored,
}


KINDS: Final = frozenset(WRITERS)

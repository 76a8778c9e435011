"""What a server says of itself and of our keys."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WrongType:
    """A key that is in the way of ours."""

    key: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of itself. A figure that it keeps to itself is None.

    Attributes:
        product: ``redis`` or ``valkey``.
        version: as it writes it, the Redis version that a Valkey speaks for.
        numbers: major and minor.
        role: ``master`` or ``slave``.
        max_memory: bytes, 0 for no limit.
        used_memory: bytes.
        eviction: its ``maxmemory-policy``.
        append_only: whether every write goes to a file.
        snapshots_fail: the last snapshot could not be written.
        append_only_fails: the last write to the append-only file failed.
        default_user_lacks: rights that the default user has not, in whose name the append-only file is read at a start.
        clock_ahead: seconds by which its clock is ahead of ours.
        wrong_types: keys of ours that hold something else.
        denied: ``COMMAND key`` pairs that our user may not run.
        rights_unknown: why the rights could not be asked for, None when they could.
    """

    product: str
    version: str
    numbers: tuple[int, int]
    role: str | None
    max_memory: int | None
    used_memory: int | None
    eviction: str | None
    append_only: bool | None
    snapshots_fail: bool
    append_only_fails: bool
    default_user_lacks: tuple[str, ...]
    clock_ahead: float | None
    wrong_types: tuple[WrongType, ...]
    denied: tuple[str, ...]
    rights_unknown: str | None

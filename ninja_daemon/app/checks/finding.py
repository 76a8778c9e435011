"""A finding: cause, consequence and cure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How bad it is, the worst highest."""

    OK = 0
    """Looked at and good."""
    INFO = 1
    """Worth knowing; nothing to do."""
    WARNING = 2
    """It works, and probably not as meant."""
    ERROR = 3
    """It does not work, or loses signals."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check.

    Attributes:
        level: how bad it is.
        code: short name that never changes, for automation: ``redis.eviction``.
        subject: what was looked at, for people: ``Redis 127.0.0.1:6379/0``.
        cause: what is so, in one sentence.
        cure: what to do about it; empty where there is nothing to do.
    """

    level: Level
    code: str
    subject: str
    cause: str
    cure: str = ""


def exit_code(findings: Iterable[Finding], *, strict: bool) -> int:
    """Return the exit code of the contract: 0 clean, 1 warnings when they count, 2 errors."""
    worst = max((finding.level for finding in findings), default=Level.OK)
    if worst is Level.ERROR:
        return 2
    return 1 if strict and worst is Level.WARNING else 0

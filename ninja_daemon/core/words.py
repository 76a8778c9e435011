"""Numbers and names in sentences."""

from __future__ import annotations

from collections.abc import Iterable


def counted(number: int, noun: str) -> str:
    """Write a number with what it counts: ``1 strategy``, ``16 strategies``, ``0 dead letters``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("gy") else f"{number} {noun}s"


def duration(seconds: float) -> str:
    """Write a span of time as people say it: ``4.2 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.3g} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - digits that matter
    whole = int(seconds)
    for large, unit, small, rest in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= large:
            head, tail = whole // large, whole % large // small
            return f"{head} {unit} {tail} {rest}" if tail else f"{head} {unit}"
    return f"{whole} s"


def not_a_key(key: str, allowed: Iterable[str]) -> str:
    """Say that a key is unknown, which one was probably meant, and which there are."""
    return f"is not a key{meant(key.lower(), allowed)}; allowed are {', '.join(allowed)}"


def meant(name: str, known: Iterable[str]) -> str:
    """Ask whether the known name that resembles ``name`` was meant; empty when none does."""
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

    close = get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""

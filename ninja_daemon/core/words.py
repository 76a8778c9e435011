"""Numbers in sentences."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Write a number with what it counts: ``1 strategy``, ``16 strategies``, ``0 dead letters``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("gy") else f"{number} {noun}s"

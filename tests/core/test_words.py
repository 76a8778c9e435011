"""Numbers in sentences."""

from __future__ import annotations

import pytest

from ninja_daemon.core.words import counted


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (0, "dead letter", "0 dead letters"),
        (1, "strategy", "1 strategy"),
        (16, "strategy", "16 strategies"),
        (2, "new candle", "2 new candles"),
    ],
)
def test_one_is_one(number: int, noun: str, text: str) -> None:
    assert counted(number, noun) == text

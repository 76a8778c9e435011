"""Colours of pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as SVG writes them.

    Attributes:
        paper: the background; empty for none.
        ink: text that matters.
        pale: text and lines that explain.
        grid: lines behind the candles.
        up: rising candles, BUY, the target.
        down: falling candles, SELL, the stop.
        fast: the fast average.
        slow: the slow average.
        entry: the entry price.
        on_tag: text on a coloured tag.
    """

    paper: str
    ink: str
    pale: str
    grid: str
    up: str
    down: str
    fast: str
    slow: str
    entry: str
    on_tag: str


DARK: Final = Theme(
    paper="#14181f",
    ink="#eef1f5",
    pale="#a3acb9",
    grid="#2a313c",
    up="#3fb68b",
    down="#f0706a",
    fast="#f2b84b",
    slow="#6fb1ff",
    entry="#d5dae2",
    on_tag="#0d1015",
)
LIGHT: Final = Theme(
    paper="#ffffff",
    ink="#171b22",
    pale="#59616e",
    grid="#e3e7ec",
    up="#0f7a54",
    down="#c0342d",
    fast="#a35f00",
    slow="#1a5fc4",
    entry="#3a4250",
    on_tag="#ffffff",
)
PAGE: Final = Theme(
    paper="",
    ink="var(--ink)",
    pale="var(--pale)",
    grid="var(--line)",
    up="var(--buy)",
    down="var(--sell)",
    fast="var(--fast)",
    slow="var(--link)",
    entry="var(--pale)",
    on_tag="var(--paper)",
)
"""Inside a page: the colours are those of its style sheet, dark or light."""
THEMES: Final = {"dark": DARK, "light": LIGHT}
"""The themes of files, by the name that people give them."""

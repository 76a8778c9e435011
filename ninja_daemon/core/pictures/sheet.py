"""Several pictures of signals as one, one below the other, for a message that holds several signals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from ninja_daemon.core.pictures.chart import HEIGHT, WIDTH
from ninja_daemon.core.pictures.signal_picture import signal_picture
from ninja_daemon.core.pictures.signal_view import SignalView
from ninja_daemon.core.pictures.theme import Theme

MOST: Final = 6
"""Pictures on a sheet: what services show without cutting it, and what a phone scrolls through."""
_APART: Final = 150


def sheet_of(views: Sequence[SignalView], theme: Theme, zone: tzinfo) -> str:
    """Draw signals as one SVG text; a single one as its picture alone.

    Raises:
        PictureRefused: the last candle of one is not its signal's.
    """
    pictures = [signal_picture(view, theme, zone) for view in views]
    if len(pictures) == 1:
        return pictures[0]
    height = len(pictures) * (HEIGHT + _APART) - _APART
    placed = (
        text.replace("<svg ", f'<svg y="{place * (HEIGHT + _APART)}" ', 1)
        .replace(f'width="{WIDTH // 10}"', f'width="{WIDTH}"', 1)
        .replace(f'height="{HEIGHT // 10}"', f'height="{HEIGHT}"', 1)
        for place, text in enumerate(pictures)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH // 10}" '
        f'height="{height // 10}" role="img" aria-label="{len(pictures)} signals">\n{"".join(placed)}</svg>\n'
    )

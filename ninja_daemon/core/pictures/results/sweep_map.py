"""A sweep as a heat map: a field a pair of periods, the redder the more it lost, the greener the more it won."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ninja_daemon.core.pictures.canvas import Box, Canvas, label_box, shortened, text_width
from ninja_daemon.core.pictures.theme import Theme

_WIDTH, _HEIGHT = 9_600, 6_500
_MARGIN: Final = 200
_LEFT, _TOP, _BOTTOM = 1_000, 1_500, 5_500
_TITLE, _TEXT, _SMALL = 400, 290, 210
_PALEST, _STRONGEST = 8, 70
"""Opacity of a field in percent, of nothing and of the largest sum."""


@dataclass(frozen=True, slots=True)
class SweepView:
    """What a map of a sweep shows.

    Attributes:
        title: what was replayed, such as "EUR/USD H4".
        strategy: the strategy's name.
        fasts: periods of the fast average, ascending.
        slows: periods of the slow average, ascending.
        sums: net R of each pair that was tried, one at least.
        words: a line above the map, and one below it.
    """

    title: str
    strategy: str
    fasts: Sequence[int]
    slows: Sequence[int]
    sums: Mapping[tuple[int, int], Decimal]
    words: tuple[str, str]


def sweep_map(view: SweepView, theme: Theme) -> str:
    """Draw a sweep as SVG text."""
    return drawn(view, theme).svg()


def drawn(view: SweepView, theme: Theme) -> Canvas:
    """Draw a sweep on a sheet."""
    canvas = Canvas(_WIDTH, _HEIGHT, f"{view.title}, {view.strategy}: {view.words[0]}")
    if theme.paper:
        canvas.rectangle(Box(0, 0, _WIDTH, _HEIGHT), theme.paper)
    title = canvas.label(view.title, (_MARGIN, 540), _TITLE, theme.ink)
    if name := shortened(view.strategy, _TEXT, _WIDTH - _MARGIN - title.right - 300):
        canvas.label(name, (_WIDTH - _MARGIN, 540), _TEXT, theme.pale, anchor="end")
    canvas.label(shortened(view.words[0], _TEXT, _WIDTH - 2 * _MARGIN), (_MARGIN, 980), _TEXT, theme.ink)
    canvas.label(shortened(view.words[1], _SMALL, 7_600), (_MARGIN, _HEIGHT - 120), _SMALL, theme.pale)
    canvas.label("ninja-daemon", (_WIDTH - _MARGIN, _HEIGHT - 120), _SMALL, theme.pale, anchor="end")
    _fields(canvas, view, theme)
    _axes(canvas, view, theme)
    return canvas


def _edges(count: int, start: int, end: int) -> list[int]:
    """Return where fields begin, and where the last one ends."""
    return [start + (end - start) * place // count for place in range(count + 1)]


def _fields(canvas: Canvas, view: SweepView, theme: Theme) -> None:
    """Paint the fields; those that are wide enough name their sums."""
    largest = max(abs(one) for one in view.sums.values()) or Decimal(1)
    rows, columns = _edges(len(view.fasts), _TOP, _BOTTOM), _edges(len(view.slows), _LEFT, _WIDTH - _MARGIN)
    for row, fast in enumerate(view.fasts):
        for column, slow in enumerate(view.slows):
            value = view.sums.get((fast, slow))
            if value is None:
                continue
            box = Box(columns[column], rows[row], columns[column + 1] - 20, rows[row + 1] - 20)
            strength = _PALEST + round((_STRONGEST - _PALEST) * abs(value) / largest)
            canvas.rectangle(box, theme.up if value > 0 else theme.down, f"{strength / 100:g}")
            at = ((box.left + box.right) // 2, (box.top + box.bottom) // 2 + _SMALL * 35 // 100)
            text = label_box(f"{value:+.1f}", at, _SMALL, "middle")
            if text.left > box.left and text.right < box.right and text.top >= box.top and text.bottom <= box.bottom:
                canvas.label(f"{value:+.1f}", at, _SMALL, theme.ink, anchor="middle")


def _axes(canvas: Canvas, view: SweepView, theme: Theme) -> None:
    """Name the periods, as many as there is room for."""
    canvas.label("fast", (_MARGIN, _TOP - 150), _SMALL, theme.pale)
    canvas.label("slow", (_MARGIN, _BOTTOM + 300), _SMALL, theme.pale)
    rows, columns = _edges(len(view.fasts), _TOP, _BOTTOM), _edges(len(view.slows), _LEFT, _WIDTH - _MARGIN)
    for row in _named(rows, _TEXT):
        at = (_LEFT - 120, (rows[row] + rows[row + 1]) // 2 + 100)
        canvas.label(str(view.fasts[row]), at, _TEXT, theme.pale, anchor="end")
    for column in _named(columns, text_width(str(view.slows[-1]), _TEXT) + 120):
        at = ((columns[column] + columns[column + 1]) // 2, _BOTTOM + 300)
        if label_box(str(view.slows[column]), at, _TEXT, "middle").right <= _WIDTH:
            canvas.label(str(view.slows[column]), at, _TEXT, theme.pale, anchor="middle")


def _named(edges: Sequence[int], room: int) -> range:
    """Return which fields of an axis are named: every one, or every that many that a name has room."""
    return range(0, len(edges) - 1, -(-room // max(1, edges[1] - edges[0])))

"""A report as a picture: the sum of R over the years, the falls below its peak, and the report's verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from ninja_daemon.core.errors import PictureRefused
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.pictures.axes import Scale, time_labels
from ninja_daemon.core.pictures.canvas import Box, Canvas, label_box, shortened
from ninja_daemon.core.pictures.results.r_curve import curve_words, paint_curve
from ninja_daemon.core.pictures.theme import Theme

_WIDTH, _HEIGHT = 9_600, 5_400
_MARGIN: Final = 200
_TOP, _BOTTOM, _RIGHT = 1_340, 4_480, 8_300
_TITLE, _TEXT, _SMALL = 400, 290, 210
_TIMES_AT_MOST: Final = 6
_TICKS: Final = 1_000


@dataclass(frozen=True, slots=True)
class CurveView:
    """What a picture of a report shows.

    Attributes:
        title: whose signals they are.
        outcomes: in the order of their ends.
        verdict: what may be said of them.
    """

    title: str
    outcomes: Sequence[Outcome]
    verdict: str


def curve_picture(view: CurveView, theme: Theme, zone: tzinfo) -> str:
    """Draw a report as SVG text.

    Raises:
        PictureRefused: no signal has ended.
    """
    return drawn(view, theme, zone).svg()


def drawn(view: CurveView, theme: Theme, zone: tzinfo) -> Canvas:
    """Draw a report on a sheet; the arguments and errors are those of ``curve_picture``."""
    if not view.outcomes:
        message = "a picture of a report needs at least one closed signal, there was none"
        raise PictureRefused(message)
    canvas = Canvas(_WIDTH, _HEIGHT, f"{view.title}: {curve_words(view.outcomes)}")
    if theme.paper:
        canvas.rectangle(Box(0, 0, _WIDTH, _HEIGHT), theme.paper)
    begin, end = min(one.time for one in view.outcomes), view.outcomes[-1].exit_time
    times = Scale(begin, max(end, begin + 1), _MARGIN, _RIGHT)
    _name_times(canvas, theme, times, zone)
    paint_curve(canvas, theme, view.outcomes, times, (_TOP, _BOTTOM))
    _words(canvas, theme, view, [datetime.fromtimestamp(time, zone) for time in (begin, end)])
    return canvas


def _words(canvas: Canvas, theme: Theme, view: CurveView, span: Sequence[datetime]) -> None:
    right = _WIDTH - _MARGIN
    dates = canvas.label(f"{span[0]:%d %b %Y} – {span[1]:%d %b %Y}", (right, 540), _SMALL, theme.pale, anchor="end")
    name = shortened(view.title, _TITLE, dates.left - _MARGIN - 300)
    canvas.label(name, (_MARGIN, 540), _TITLE, theme.ink)
    canvas.label(curve_words(view.outcomes), (_MARGIN, 980), _TEXT, theme.ink)
    canvas.label(shortened(view.verdict, _SMALL, 7_600), (_MARGIN, _HEIGHT - 120), _SMALL, theme.pale)
    canvas.label("ninja-daemon", (right, _HEIGHT - 120), _SMALL, theme.pale, anchor="end")


def _name_times(canvas: Canvas, theme: Theme, times: Scale, zone: tzinfo) -> None:
    ticks = [times.lowest + (times.highest - times.lowest) * tick // _TICKS for tick in range(_TICKS + 1)]
    for index, words in time_labels(ticks, zone, _TIMES_AT_MOST):
        x = times.at(ticks[index])
        canvas.path(f"M{x} {_TOP}V{_BOTTOM}", stroke=theme.grid, width=10)
        at = (x, _BOTTOM + 360)
        box = label_box(words, at, _TEXT, "middle")
        apart = Box(box.left - 100, box.top, box.right + 100, box.bottom)
        if box.left >= _MARGIN // 2 and box.right <= _WIDTH and canvas.is_free(apart):
            canvas.label(words, at, _TEXT, theme.pale, anchor="middle")

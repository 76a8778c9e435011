"""The running sum of R as a curve, and how far it is below its peak."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Final

from ninja_daemon.core.outcomes.outcome import R_DIGITS, Outcome
from ninja_daemon.core.pictures.axes import Scale, nice_prices
from ninja_daemon.core.pictures.canvas import Canvas, label_box
from ninja_daemon.core.pictures.theme import Theme

_TEXT: Final = 290
_EDGE: Final = 200
_LABELS_HIGH: Final = 480
"""Height of the room that one label of the axis is given."""
_ROOM: Final = 120


def curve_words(outcomes: Sequence[Outcome]) -> str:
    """Write the sum of outcomes, in the order of their ends, and the deepest fall below a peak."""
    sums, peaks = _sums(outcomes)
    deepest = Decimal(max(peak - one for peak, one in zip(peaks, sums, strict=True))).scaleb(-R_DIGITS)
    total = Decimal(sums[-1]).scaleb(-R_DIGITS)
    return f"{total:+.2f} R of {len(outcomes)} closed, drawdown {deepest:.2f}"


def paint_curve(canvas: Canvas, theme: Theme, outcomes: Sequence[Outcome], times: Scale, band: tuple[int, int]) -> None:
    """Draw the sum as steps: it moves when a signal ends, and stands between. The fall below its peak is shaded.

    Args:
        canvas: the sheet.
        theme: its colours.
        outcomes: one at least, in the order of their ends.
        times: where instants are drawn.
        band: upper and lower end of the room; the axis is named at the sheet's right edge.
    """
    sums, peaks = _sums(outcomes)
    top, bottom = band
    scale = Scale(min(sums), max(*sums, min(sums) + 1), bottom - _ROOM, top + _ROOM)
    for units in nice_prices(scale.lowest, scale.highest, max(2, (bottom - top) // _LABELS_HIGH)):
        y = scale.at(units)
        canvas.path(f"M{times.start} {y}H{times.end}", stroke=theme.grid, width=10)
        at = (canvas.width - _EDGE, y + _TEXT * 35 // 100)
        words = f"{Decimal(units).scaleb(-R_DIGITS).normalize():f} R"
        if canvas.is_free(label_box(words, at, _TEXT, "end")):
            canvas.label(words, at, _TEXT, theme.pale, anchor="end")
    ends = [times.at(min(one.exit_time, times.highest)) for one in outcomes]
    lower, upper = (_steps(ends, values, scale, times) for values in (sums, peaks))
    shaded = "".join(f"H{x}V{y}" for x, y in (*lower, *reversed(upper)))
    canvas.path(f"M{times.start} {scale.at(0)}{shaded}z", fill=theme.down, pale="0.3")
    curve = "".join(f"H{x}V{scale.at(units)}" for x, units in zip(ends, sums[1:], strict=True))
    canvas.path(f"M{times.start} {scale.at(0)}{curve}H{times.end}", stroke=theme.fast, width=30)


def _sums(outcomes: Sequence[Outcome]) -> tuple[list[int], list[int]]:
    """Return the sum and its peak so far, before the first outcome and after each."""
    sums = list(accumulate((int(one.r.scaleb(R_DIGITS)) for one in outcomes), initial=0))
    return sums, list(accumulate(sums, max))


def _steps(ends: Sequence[int], values: Sequence[int], scale: Scale, times: Scale) -> list[tuple[int, int]]:
    """Return the corners of a line that moves at ``ends`` and stands between."""
    corners = [(times.start, scale.at(values[0]))]
    for x, before, after in zip(ends, values, values[1:], strict=False):
        corners += [(x, scale.at(before)), (x, scale.at(after))]
    return [*corners, (times.end, scale.at(values[-1]))]

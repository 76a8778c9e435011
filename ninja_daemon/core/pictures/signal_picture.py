"""A signal as a picture: the candles up to its own, both averages, and the levels of entry, stop and target."""

from __future__ import annotations

from datetime import tzinfo

from ninja_daemon.core.errors import PictureRefused
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.pictures.canvas import Box, Canvas
from ninja_daemon.core.pictures.chart import HEIGHT, WIDTH
from ninja_daemon.core.pictures.signal_drawing import SignalDrawing
from ninja_daemon.core.pictures.signal_view import SignalView, units_of
from ninja_daemon.core.pictures.theme import Theme


def signal_picture(view: SignalView, theme: Theme, zone: tzinfo) -> str:
    """Draw a signal as SVG text.

    Args:
        view: what to show.
        theme: its colours.
        zone: whose clock the time axis goes by.

    Raises:
        PictureRefused: the last candle is not the signal's.
    """
    return drawn(view, theme, zone).svg()


def drawn(view: SignalView, theme: Theme, zone: tzinfo) -> Canvas:
    """Draw a signal on a sheet; the arguments and errors are those of ``signal_picture``."""
    _require_its_candle(view)
    signal = view.signal
    words = f"{signal.side.name} {signal.instrument} {signal.timeframe}, close {signal.close:f}"
    canvas = Canvas(WIDTH, HEIGHT, f"{words}, stop {signal.stop_loss:f}, target {signal.take_profit:f}")
    if theme.paper:
        canvas.rectangle(Box(0, 0, WIDTH, HEIGHT), theme.paper)
    SignalDrawing(canvas, view, theme, zone).paint()
    return canvas


def _require_its_candle(view: SignalView) -> None:
    signal = view.signal
    close = units_of(signal.close, view.decimals)
    last = view.candles[-1] if view.candles else None
    if last is None or (last.time, last.close) != (signal.time, close):
        shown = "none" if last is None else f"that of {format_instant(last.time)}, closed at {last.close}"
        wanted = f"that of {format_instant(signal.time)}, closed at {close}"
        message = f"the last candle of the picture must be the signal's, {wanted}; the broker's is {shown}"
        raise PictureRefused(message)

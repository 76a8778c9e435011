"""How the picture of a signal is painted: zones, levels and words around its candles."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

from ninja_daemon.core.pictures.canvas import Box, Canvas, label_box, shortened
from ninja_daemon.core.pictures.chart import MARGIN, TEXT, TITLE, WIDTH, Chart
from ninja_daemon.core.pictures.signal_view import PriceLevel, SignalView, units_of
from ninja_daemon.core.pictures.theme import Theme
from ninja_daemon.core.signals.crossover import Side

_AHEAD: Final = 26
"""Width of the zones behind the last candle, in candles."""


class SignalDrawing:
    """One picture while it is made; the steps are painted one over the other."""

    def __init__(self, canvas: Canvas, view: SignalView, theme: Theme, zone: tzinfo) -> None:
        self._canvas, self._view, self._theme, self._zone = canvas, view, theme, zone
        signal, decimals = view.signal, view.decimals
        self._levels = [
            PriceLevel(name, price, units_of(price, decimals), colour)
            for name, price, colour in (
                ("target", signal.take_profit, theme.up),
                ("entry", signal.close, theme.entry),
                ("stop", signal.stop_loss, theme.down),
            )
        ]
        self._chart = Chart(canvas, view, theme, zone, self._levels, _AHEAD)

    def paint(self) -> None:
        """Paint everything; what comes later lies above."""
        self._chart.shades()
        self._chart.price_axis()
        self._chart.time_axis()
        self._zones()
        self._chart.candles()
        self._entry()
        self._heading()
        self._chart.legend(*self._ending())
        closed = datetime.fromtimestamp(self._view.signal.close_time, self._zone)
        self._chart.footer(f"closed {closed:%d %b %Y %H:%M} {closed.tzname()}")

    def _zones(self) -> None:
        at_price, right = self._chart.prices.at, self._chart.right
        entry = at_price(self._levels[1].units)
        signal = self._view.signal
        for level, words in ((self._levels[0], f"+{signal.tp_pips:f}"), (self._levels[2], f"−{signal.sl_pips:f}")):
            edge = at_price(level.units)
            box = Box(self._chart.last, min(entry, edge), right, max(entry, edge))
            self._canvas.rectangle(box, level.colour, "0.22")
            at = ((box.left + box.right) // 2, (box.top + box.bottom) // 2 + TEXT * 35 // 100)
            written = label_box(words, at, TEXT, "middle")
            fits = written.left >= box.left and written.right <= box.right
            if fits and written.top >= box.top and written.bottom <= box.bottom:
                self._canvas.label(words, at, TEXT, level.colour, anchor="middle")

    def _entry(self) -> None:
        """Draw the entry's line, and the marker at the candle."""
        entry = self._levels[1]
        y = self._chart.prices.at(entry.units)
        steps = f"M{self._chart.last} {y}H{self._chart.right}"
        self._canvas.path(steps, stroke=entry.colour, width=24, dashes="90 60")
        self._chart.marker(len(self._view.candles) - 1, self._view.signal.side)

    def _heading(self) -> None:
        signal = self._view.signal
        arrow = "▲" if signal.side is Side.BUY else "▼"
        colour = self._chart.colour_of(signal.side)
        side = self._canvas.label(f"{arrow} {signal.side.name}", (MARGIN, 540), TITLE, colour)
        what = f"{signal.instrument.replace('_', '/')} {signal.timeframe}"
        pair = self._canvas.label(what, (side.right + 180, 540), TITLE, self._theme.ink)
        room = WIDTH - MARGIN - pair.right - 300
        if name := shortened(signal.strategy, TEXT, room):
            self._canvas.label(name, (WIDTH - MARGIN, 540), TEXT, self._theme.pale, anchor="end")

    def _ending(self) -> tuple[str, str]:
        """Return what became of the signal, or what it risks while that is not known, and the colour of it."""
        outcome = self._view.outcome
        if outcome is None:
            return f"risk/reward {self._view.signal.shown_ratio:.2f}", self._theme.pale
        colour = self._theme.up if outcome.r > 0 else self._theme.down
        return f"{outcome.result.value} {outcome.r:+.2f} R", colour

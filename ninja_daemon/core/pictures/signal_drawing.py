"""How the picture of a signal is painted: zones, axes, candles, averages, levels and words on a canvas."""

from __future__ import annotations

from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Final

from ninja_daemon.core.pictures.axes import Scale, nice_prices, spread, time_labels
from ninja_daemon.core.pictures.canvas import Box, Canvas, label_box, shortened, text_width
from ninja_daemon.core.pictures.signal_view import AverageLine, Level, SignalView, units_of
from ninja_daemon.core.pictures.theme import Theme
from ninja_daemon.core.signals.crossover import Side

WIDTH, HEIGHT = 9_600, 6_500
_MARGIN: Final = 200
_TOP, _BOTTOM = 1_340, 5_580
_TITLE, _TEXT = 400, 290
_SMALLER: Final = (290, 250, 210)
_TAG: Final = 400
_PRICES_AT_MOST: Final = 7
_TIMES_AT_MOST: Final = 5
_AHEAD: Final = 26
"""Width of the zones behind the last candle, in candles."""
_ROOM_PERCENT: Final = 4
_SOURCE: Final = "ninja-daemon"


class SignalDrawing:
    """One picture while it is made; the steps are painted one over the other."""

    def __init__(self, canvas: Canvas, view: SignalView, theme: Theme, zone: tzinfo) -> None:
        self._canvas, self._view, self._theme, self._zone = canvas, view, theme, zone
        signal, decimals = view.signal, view.decimals
        self._levels = [
            Level(name, price, units_of(price, decimals), colour)
            for name, price, colour in (
                ("target", signal.take_profit, theme.up),
                ("entry", signal.close, theme.entry),
                ("stop", signal.stop_loss, theme.down),
            )
        ]
        prices = [*view.prices(), *(level.units for level in self._levels)]
        lowest, highest = min(prices), max(prices)
        room = max(1, (highest - lowest) * _ROOM_PERCENT // 100)
        self._prices = Scale(lowest - room, highest + room, _BOTTOM, _TOP)
        named = [self._written(price) for price in (self._prices.lowest, self._prices.highest)]
        named += [f"{level.price:f}" for level in self._levels]
        self._gutter = max(text_width(text, _TEXT) for text in named) + 160
        self._right = WIDTH - _MARGIN // 2 - self._gutter
        self._step = (self._right - _MARGIN) // (len(view.candles) + _AHEAD)

    def paint(self) -> None:
        """Paint everything; what comes later lies above."""
        self._price_axis()
        self._time_axis()
        self._zones()
        self._candles()
        self._average(self._view.slow, self._theme.slow)
        self._average(self._view.fast, self._theme.fast)
        self._entry()
        self._heading()
        self._legend()
        self._footer()

    def _x(self, index: int) -> int:
        """Return the middle of a candle."""
        return _MARGIN + index * self._step + self._step // 2

    @property
    def _last(self) -> int:
        return self._x(len(self._view.candles) - 1)

    def _written(self, units: int) -> str:
        return f"{Decimal(units).scaleb(-self._view.decimals):f}"

    def _zones(self) -> None:
        entry = self._prices.at(self._levels[1].units)
        signal = self._view.signal
        for level, words in ((self._levels[0], f"+{signal.tp_pips:f}"), (self._levels[2], f"−{signal.sl_pips:f}")):
            edge = self._prices.at(level.units)
            box = Box(self._last, min(entry, edge), self._right, max(entry, edge))
            self._canvas.rectangle(box, level.colour, "0.22")
            at = ((box.left + box.right) // 2, (box.top + box.bottom) // 2 + _TEXT * 35 // 100)
            written = label_box(words, at, _TEXT, "middle")
            fits = written.left >= box.left and written.right <= box.right
            if fits and written.top >= box.top and written.bottom <= box.bottom:
                self._canvas.label(words, at, _TEXT, level.colour, anchor="middle")

    def _price_axis(self) -> None:
        wanted = [self._prices.at(level.units) for level in self._levels]
        middles = spread(wanted, _TAG, _TOP - _TAG // 2, _BOTTOM + _TAG // 2)
        left, right = self._right + 60, WIDTH - _MARGIN // 2
        for level, middle, edge in zip(self._levels, middles, wanted, strict=True):
            box = Box(left, middle - _TAG // 2, right, middle - _TAG // 2 + _TAG)
            self._canvas.path(f"M{self._right} {edge}L{left} {middle}", stroke=level.colour, width=20)
            self._canvas.rectangle(box, level.colour, corner=50)
            at = ((left + right) // 2, middle + _TEXT * 35 // 100)
            self._canvas.label(f"{level.price:f}", at, _TEXT, self._theme.on_tag, anchor="middle")
        tags = [Box(left, middle - _TAG // 2, right, middle + _TAG // 2) for middle in middles]
        for price in nice_prices(self._prices.lowest, self._prices.highest, _PRICES_AT_MOST):
            y = self._prices.at(price)
            self._canvas.path(f"M{_MARGIN} {y}H{self._right}", stroke=self._theme.grid, width=10)
            at = ((left + right) // 2, y + _TEXT * 35 // 100)
            text = self._written(price)
            box = label_box(text, at, _TEXT, "middle")
            if not any(box.meets(tag) for tag in tags):
                self._canvas.label(text, at, _TEXT, self._theme.pale, anchor="middle")

    def _time_axis(self) -> None:
        times = [candle.time for candle in self._view.candles]
        for index, words in time_labels(times, self._zone, _TIMES_AT_MOST):
            x = self._x(index) - self._step // 2
            self._canvas.path(f"M{x} {_TOP}V{_BOTTOM}", stroke=self._theme.grid, width=10)
            at = (x, _BOTTOM + 360)
            box = label_box(words, at, _TEXT, "middle")
            apart = Box(box.left - 100, box.top, box.right + 100, box.bottom)
            if box.left >= _MARGIN // 2 and box.right <= self._right and self._canvas.is_free(apart):
                self._canvas.label(words, at, _TEXT, self._theme.pale, anchor="middle")

    def _candles(self) -> None:
        half = max(10, self._step * 36 // 100)
        for is_up, colour in ((True, self._theme.up), (False, self._theme.down)):
            bodies, wicks = [], []
            for index, candle in enumerate(self._view.candles):
                if (candle.close >= candle.open) is is_up:
                    x, top = self._x(index), self._prices.at(max(candle.open, candle.close))
                    height = max(10, self._prices.at(min(candle.open, candle.close)) - top)
                    wicks.append(f"M{x} {self._prices.at(candle.high)}V{self._prices.at(candle.low)}")
                    bodies.append(f"M{x - half} {top}h{2 * half}v{height}h{-2 * half}z")
            self._canvas.path("".join(wicks), stroke=colour, width=12)
            self._canvas.path("".join(bodies), fill=colour)

    def _average(self, line: AverageLine, colour: str) -> None:
        points = [
            f"{self._x(index)} {self._prices.at(*value)}"
            for index, value in enumerate(line.values)
            if value is not None
        ]
        self._canvas.path("M" + "L".join(points) if points else "", stroke=colour, width=30)

    def _entry(self) -> None:
        """Draw the entry's line, and a triangle at the candle that points to where the trade goes."""
        entry, candle = self._levels[1], self._view.candles[-1]
        y = self._prices.at(entry.units)
        self._canvas.path(f"M{self._last} {y}H{self._right}", stroke=entry.colour, width=24, dashes="90 60")
        is_buy = self._view.signal.side is Side.BUY
        tip = self._prices.at(candle.low) + 70 if is_buy else self._prices.at(candle.high) - 70
        rise = 210 if is_buy else -210
        steps = f"M{self._last} {tip}l120 {rise}h-240z"
        self._canvas.path(steps, fill=self._side_colour, stroke=self._theme.ink, width=16)

    @property
    def _side_colour(self) -> str:
        return self._theme.up if self._view.signal.side is Side.BUY else self._theme.down

    def _heading(self) -> None:
        signal = self._view.signal
        arrow = "▲" if signal.side is Side.BUY else "▼"
        side = self._canvas.label(f"{arrow} {signal.side.name}", (_MARGIN, 540), _TITLE, self._side_colour)
        what = f"{signal.instrument.replace('_', '/')} {signal.timeframe}"
        pair = self._canvas.label(what, (side.right + 180, 540), _TITLE, self._theme.ink)
        room = WIDTH - _MARGIN - pair.right - 300
        if name := shortened(signal.strategy, _TEXT, room):
            self._canvas.label(name, (WIDTH - _MARGIN, 540), _TEXT, self._theme.pale, anchor="end")

    def _legend(self) -> None:
        """Name both averages by their colours, in the largest type in which they fit into the line."""
        both = ((self._view.fast.name, self._theme.fast), (self._view.slow.name, self._theme.slow))
        words, colour_of_words = self._ending()
        texts = [*(name for name, _ in both), words]
        room = WIDTH - 2 * _MARGIN - 2 * 840
        fitting = (size for size in _SMALLER if sum(text_width(text, size) for text in texts) <= room)
        size = next(fitting, _SMALLER[-1])
        x = _MARGIN
        for name, colour in both:
            self._canvas.path(f"M{x} {980 - size // 3}h420", stroke=colour, width=50)
            x = self._canvas.label(name, (x + 520, 980), size, self._theme.ink).right + 320
        end = (WIDTH - _MARGIN, 980)
        if label_box(words, end, size, "end").left > x:
            self._canvas.label(words, end, size, colour_of_words, anchor="end")

    def _ending(self) -> tuple[str, str]:
        """Return what became of the signal, or what it risks while that is not known, and the colour of it."""
        outcome = self._view.outcome
        if outcome is None:
            return f"risk/reward {self._view.signal.shown_ratio:.2f}", self._theme.pale
        colour = self._theme.up if outcome.r > 0 else self._theme.down
        return f"{outcome.result.value} {outcome.r:+.2f} R", colour

    def _footer(self) -> None:
        closed = datetime.fromtimestamp(self._view.signal.close_time, self._zone)
        words = f"closed {closed:%d %b %Y %H:%M} {closed.tzname()}"
        self._canvas.label(words, (_MARGIN, HEIGHT - 120), _TEXT, self._theme.pale)
        end = (WIDTH - _MARGIN, HEIGHT - 120)
        self._canvas.label(_SOURCE, end, _SMALLER[-1], self._theme.pale, anchor="end")

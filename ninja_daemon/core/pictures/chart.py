"""What all pictures of candles have: axes, candles, averages, shades and markers on a canvas."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal
from itertools import groupby
from typing import Final

from ninja_daemon.core.pictures.axes import Scale, nice_prices, spread, time_labels
from ninja_daemon.core.pictures.canvas import Box, Canvas, label_box, text_width
from ninja_daemon.core.pictures.signal_view import AverageLine, CandleView, PriceLevel, prices_of
from ninja_daemon.core.pictures.theme import Theme
from ninja_daemon.core.signals.crossover import Side

WIDTH, HEIGHT = 9_600, 6_500
MARGIN: Final = 200
TOP, BOTTOM = 1_340, 5_580
TITLE, TEXT = 400, 290
SMALLER: Final = (290, 250, 210)
_TAG: Final = 400
_PRICES_AT_MOST: Final = 7
_TIMES_AT_MOST: Final = 5
_ROOM_PERCENT: Final = 4
_SOURCE: Final = "ninja-daemon"
_SHADED: Final = "shaded: sessions"


class Chart:
    """One picture while it is made; the steps are painted one over the other."""

    def __init__(
        self, canvas: Canvas, view: CandleView, theme: Theme, zone: tzinfo, levels: Sequence[PriceLevel], ahead: int
    ) -> None:
        """Lay the axes out.

        Args:
            canvas: what is painted on.
            view: the candles.
            theme: colours.
            zone: whose clock the time axis goes by.
            levels: prices with a tag.
            ahead: room behind the last candle, in candles.
        """
        self.canvas, self.theme, self.zone = canvas, theme, zone
        self._view, self._levels = view, levels
        prices = [*prices_of(view), *(level.units for level in levels)]
        lowest, highest = min(prices), max(prices)
        room = max(1, (highest - lowest) * _ROOM_PERCENT // 100)
        self.prices = Scale(lowest - room, highest + room, BOTTOM, TOP)
        named = [self._written(price) for price in (self.prices.lowest, self.prices.highest)]
        named += [f"{level.price:f}" for level in levels]
        gutter = max(text_width(text, TEXT) for text in named) + 160
        self.right = WIDTH - MARGIN // 2 - gutter
        self._step = (self.right - MARGIN) // (len(view.candles) + ahead)

    def x(self, index: int) -> int:
        """Return the middle of a candle."""
        return MARGIN + index * self._step + self._step // 2

    @property
    def last(self) -> int:
        """The middle of the last candle."""
        return self.x(len(self._view.candles) - 1)

    def _written(self, units: int) -> str:
        return f"{Decimal(units).scaleb(-self._view.decimals):f}"

    def shades(self) -> None:
        """Paint a background behind runs of candles."""
        index = 0
        for is_shaded, run in groupby(self._view.shaded):
            count = len(list(run))
            if is_shaded:
                left = MARGIN + index * self._step
                self.canvas.rectangle(Box(left, TOP, left + count * self._step, BOTTOM), self.theme.grid, "0.5")
            index += count

    def price_axis(self) -> None:
        """Name round prices, and the levels on tags that make room for each other."""
        wanted = [self.prices.at(level.units) for level in self._levels]
        middles = spread(wanted, _TAG, TOP - _TAG // 2, BOTTOM + _TAG // 2)
        left, right = self.right + 60, WIDTH - MARGIN // 2
        for level, middle, edge in zip(self._levels, middles, wanted, strict=True):
            box = Box(left, middle - _TAG // 2, right, middle - _TAG // 2 + _TAG)
            self.canvas.path(f"M{self.right} {edge}L{left} {middle}", stroke=level.colour, width=20)
            self.canvas.rectangle(box, level.colour, corner=50)
            at = ((left + right) // 2, middle + TEXT * 35 // 100)
            self.canvas.label(f"{level.price:f}", at, TEXT, self.theme.on_tag, anchor="middle")
        tags = [Box(left, middle - _TAG // 2, right, middle + _TAG // 2) for middle in middles]
        for price in nice_prices(self.prices.lowest, self.prices.highest, _PRICES_AT_MOST):
            y = self.prices.at(price)
            self.canvas.path(f"M{MARGIN} {y}H{self.right}", stroke=self.theme.grid, width=10)
            at = ((left + right) // 2, y + TEXT * 35 // 100)
            text = self._written(price)
            box = label_box(text, at, TEXT, "middle")
            if not any(box.meets(tag) for tag in tags):
                self.canvas.label(text, at, TEXT, self.theme.pale, anchor="middle")

    def time_axis(self) -> None:
        """Name times of the reader's clock."""
        times = [candle.time for candle in self._view.candles]
        for index, words in time_labels(times, self.zone, _TIMES_AT_MOST):
            x = self.x(index) - self._step // 2
            self.canvas.path(f"M{x} {TOP}V{BOTTOM}", stroke=self.theme.grid, width=10)
            at = (x, BOTTOM + 360)
            box = label_box(words, at, TEXT, "middle")
            apart = Box(box.left - 100, box.top, box.right + 100, box.bottom)
            if box.left >= MARGIN // 2 and box.right <= self.right and self.canvas.is_free(apart):
                self.canvas.label(words, at, TEXT, self.theme.pale, anchor="middle")

    def candles(self) -> None:
        """Paint the candles, and both averages over them."""
        half = max(10, self._step * 36 // 100)
        for is_up, colour in ((True, self.theme.up), (False, self.theme.down)):
            bodies, wicks = [], []
            for index, candle in enumerate(self._view.candles):
                if (candle.close >= candle.open) is is_up:
                    x, top = self.x(index), self.prices.at(max(candle.open, candle.close))
                    height = max(10, self.prices.at(min(candle.open, candle.close)) - top)
                    wicks.append(f"M{x} {self.prices.at(candle.high)}V{self.prices.at(candle.low)}")
                    bodies.append(f"M{x - half} {top}h{2 * half}v{height}h{-2 * half}z")
            self.canvas.path("".join(wicks), stroke=colour, width=12)
            self.canvas.path("".join(bodies), fill=colour)
        self._average(self._view.slow, self.theme.slow)
        self._average(self._view.fast, self.theme.fast)

    def _average(self, line: AverageLine, colour: str) -> None:
        points = [
            f"{self.x(index)} {self.prices.at(*value)}" for index, value in enumerate(line.values) if value is not None
        ]
        self.canvas.path("M" + "L".join(points) if points else "", stroke=colour, width=30)

    def marker(self, index: int, side: Side, *, is_filled: bool = True) -> None:
        """Paint a triangle at a candle that points to where the trade goes."""
        candle, colour = self._view.candles[index], self.colour_of(side)
        is_buy = side is Side.BUY
        tip = self.prices.at(candle.low) + 70 if is_buy else self.prices.at(candle.high) - 70
        steps = f"M{self.x(index)} {tip}l120 {210 if is_buy else -210}h-240z"
        fill, stroke = (colour, self.theme.ink) if is_filled else (self.theme.paper or "none", colour)
        self.canvas.path(steps, fill=fill, stroke=stroke, width=16 if is_filled else 40)

    def colour_of(self, side: Side) -> str:
        """Return the colour of a side."""
        return self.theme.up if side is Side.BUY else self.theme.down

    def legend(self, words: str, colour: str) -> None:
        """Name both averages by their colours, and something at the end, in the largest type that fits the line."""
        both = ((self._view.fast.name, self.theme.fast), (self._view.slow.name, self.theme.slow))
        texts = [*(name for name, _ in both), words]
        room = WIDTH - 2 * MARGIN - 2 * 840
        fitting = (size for size in SMALLER if sum(text_width(text, size) for text in texts) <= room)
        size = next(fitting, SMALLER[-1])
        x = MARGIN
        for name, colour_of_line in both:
            self.canvas.path(f"M{x} {980 - size // 3}h420", stroke=colour_of_line, width=50)
            x = self.canvas.label(name, (x + 520, 980), size, self.theme.ink).right + 320
        end = (WIDTH - MARGIN, 980)
        if label_box(words, end, size, "end").left > x:
            self.canvas.label(words, end, size, colour, anchor="end")

    def footer(self, words: str) -> None:
        """Say when it ends, what is shaded, and where it comes from."""
        left = self.canvas.label(words, (MARGIN, HEIGHT - 120), TEXT, self.theme.pale)
        end = (WIDTH - MARGIN, HEIGHT - 120)
        notes = [f"{_SHADED} · {_SOURCE}"] if any(self._view.shaded) else []
        fitting = (text for text in notes if label_box(text, end, SMALLER[-1], "end").left > left.right)
        self.canvas.label(next(fitting, _SOURCE), end, SMALLER[-1], self.theme.pale, anchor="end")

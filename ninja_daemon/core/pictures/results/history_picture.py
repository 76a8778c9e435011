"""A replay as a picture: the range of prices over the years, a triangle at every signal, and the sum of R below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Final

from ninja_daemon.core.errors import PictureRefused
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.pictures.axes import Scale, nice_prices, time_labels
from ninja_daemon.core.pictures.canvas import Box, Canvas, label_box, shortened, text_width
from ninja_daemon.core.pictures.outline import CandleRun
from ninja_daemon.core.pictures.results.r_curve import curve_words, paint_curve
from ninja_daemon.core.pictures.theme import Theme
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal

_WIDTH, _HEIGHT = 9_600, 6_500
_MARGIN: Final = 200
_TOP, _BOTTOM = 1_340, 5_580
_PRICES_END, _CURVE_TOP = 3_900, 4_300
_TITLE, _TEXT, _MIDDLE, _SMALL = 400, 290, 250, 210
_PRICES_AT_MOST, _TIMES_AT_MOST = 7, 6
_ROOM_PERCENT: Final = 6
_BASE, _RISE, _AWAY = 130, 115, 50


@dataclass(frozen=True, slots=True)
class HistoryView:
    """What a picture of a replay shows.

    Attributes:
        title: what was replayed, such as "EUR/USD H4".
        strategy: the strategy's name.
        decimals: digits of the blocks' integers behind the point.
        blocks: the candles, oldest first.
        signals: what came of them, oldest first.
        outcomes: how those ended that have, in the order of their ends.
    """

    title: str
    strategy: str
    decimals: int
    blocks: Sequence[CandleRun]
    signals: Sequence[Signal]
    outcomes: Sequence[Outcome] = ()


def history_picture(view: HistoryView, theme: Theme, zone: tzinfo) -> str:
    """Draw a replay as SVG text.

    Raises:
        PictureRefused: there are fewer than two blocks of candles.
    """
    return drawn(view, theme, zone).svg()


def drawn(view: HistoryView, theme: Theme, zone: tzinfo) -> Canvas:
    """Draw a replay on a sheet; the arguments and errors are those of ``history_picture``."""
    if len(view.blocks) < 2:  # noqa: PLR2004
        message = f"a picture of a replay needs at least two candles, there were {len(view.blocks)}"
        raise PictureRefused(message)
    counts = f"{len(view.signals)} signals"
    canvas = Canvas(_WIDTH, _HEIGHT, f"{view.title}, {view.strategy}: {counts}")
    if theme.paper:
        canvas.rectangle(Box(0, 0, _WIDTH, _HEIGHT), theme.paper)
    _Drawing(canvas, view, theme, zone).paint()
    return canvas


class _Drawing:
    """One picture while it is made."""

    def __init__(self, canvas: Canvas, view: HistoryView, theme: Theme, zone: tzinfo) -> None:
        self._canvas, self._view, self._theme, self._zone = canvas, view, theme, zone
        lowest = min(block.low for block in view.blocks)
        highest = max(block.high for block in view.blocks)
        room = max(1, (highest - lowest) * _ROOM_PERCENT // 100)
        self._end = _PRICES_END if view.outcomes else _BOTTOM
        self._prices = Scale(max(0, lowest - room), highest + room, self._end, _TOP)
        named = [self._written(price) for price in (self._prices.lowest, self._prices.highest)]
        widest = max(text_width(text, _TEXT) for text in (*named, "-1000 R"))
        self._right = _WIDTH - _MARGIN - widest - 100
        self._times = Scale(
            view.blocks[0].first, max(view.blocks[-1].last, view.blocks[0].first + 1), _MARGIN, self._right
        )

    def paint(self) -> None:
        self._price_axis()
        self._time_axis()
        self._range()
        self._signals()
        self._curve()
        self._words()

    def _written(self, units: int) -> str:
        return f"{Decimal(units).scaleb(-self._view.decimals):f}"

    def _price_axis(self) -> None:
        for price in nice_prices(self._prices.lowest, self._prices.highest, _PRICES_AT_MOST):
            y = self._prices.at(price)
            self._canvas.path(f"M{_MARGIN} {y}H{self._right}", stroke=self._theme.grid, width=10)
            at = (_WIDTH - _MARGIN, y + _TEXT * 35 // 100)
            self._canvas.label(self._written(price), at, _TEXT, self._theme.pale, anchor="end")

    def _time_axis(self) -> None:
        times: list[Instant] = [block.first for block in self._view.blocks]
        for index, words in time_labels(times, self._zone, _TIMES_AT_MOST):
            x = self._times.at(times[index])
            self._canvas.path(f"M{x} {_TOP}V{_BOTTOM}", stroke=self._theme.grid, width=10)
            at = (x, _BOTTOM + 360)
            box = label_box(words, at, _TEXT, "middle")
            apart = Box(box.left - 100, box.top, box.right + 100, box.bottom)
            if box.left >= _MARGIN // 2 and box.right <= self._right + 400 and self._canvas.is_free(apart):
                self._canvas.label(words, at, _TEXT, self._theme.pale, anchor="middle")

    def _range(self) -> None:
        """Paint the band between lows and highs; where it is thin, a line still shows it."""
        blocks = self._view.blocks
        upper = [f"{self._times.at(block.first)} {self._prices.at(block.high)}" for block in blocks]
        lower = [f"{self._times.at(block.first)} {self._prices.at(block.low)}" for block in reversed(blocks)]
        self._canvas.path(f"M{'L'.join((*upper, *lower))}z", fill=self._theme.slow, stroke=self._theme.slow, width=12)

    def _signals(self) -> None:
        for side, colour in ((Side.BUY, self._theme.up), (Side.SELL, self._theme.down)):
            steps = [self._triangle(signal) for signal in self._view.signals if signal.side is side]
            self._canvas.path("".join(steps), fill=colour, stroke=self._theme.ink, width=8)

    def _triangle(self, signal: Signal) -> str:
        down = 1 if signal.side is Side.BUY else -1
        x = self._times.at(signal.time)
        tip = self._prices.at(int(signal.close.scaleb(self._view.decimals))) + _AWAY * down
        return f"M{x} {tip}l{_BASE // 2} {_RISE * down}h{-_BASE}z"

    def _curve(self) -> None:
        if self._view.outcomes:
            paint_curve(self._canvas, self._theme, self._view.outcomes, self._times, (_CURVE_TOP, _BOTTOM))

    def _words(self) -> None:
        view, theme = self._view, self._theme
        title = self._canvas.label(view.title, (_MARGIN, 540), _TITLE, theme.ink)
        if name := shortened(view.strategy, _TEXT, _WIDTH - _MARGIN - title.right - 300):
            self._canvas.label(name, (_WIDTH - _MARGIN, 540), _TEXT, theme.pale, anchor="end")
        buys = sum(signal.side is Side.BUY for signal in view.signals)
        first = self._canvas.label(f"▲ {buys} BUY", (_MARGIN, 980), _TEXT, theme.up)
        last = self._canvas.label(f"▼ {len(view.signals) - buys} SELL", (first.right + 320, 980), _TEXT, theme.down)
        if view.outcomes:
            room, words = _WIDTH - _MARGIN - last.right - 200, curve_words(view.outcomes)
            size = next((size for size in (_TEXT, _MIDDLE, _SMALL) if text_width(words, size) <= room), _SMALL)
            at = (_WIDTH - _MARGIN, 980)
            self._canvas.label(shortened(words, size, room), at, size, theme.ink, anchor="end")
        begin, end = (datetime.fromtimestamp(time, self._zone) for time in (view.blocks[0].first, view.blocks[-1].last))
        words = f"{begin:%d %b %Y} – {end:%d %b %Y}"
        self._canvas.label(words, (_MARGIN, _HEIGHT - 120), _TEXT, theme.pale)
        self._canvas.label("ninja-daemon", (_WIDTH - _MARGIN, _HEIGHT - 120), _SMALL, theme.pale, anchor="end")

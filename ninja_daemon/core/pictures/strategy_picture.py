"""A strategy as a picture: its newest candles, both averages, and a triangle at every cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Final, NamedTuple

from ninja_daemon.core.errors import PictureRefused
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.pictures.canvas import Box, Canvas, shortened
from ninja_daemon.core.pictures.chart import HEIGHT, MARGIN, TEXT, TITLE, WIDTH, Chart
from ninja_daemon.core.pictures.signal_view import AverageLine, PriceLevel
from ninja_daemon.core.pictures.theme import Theme
from ninja_daemon.core.signals.crossover import Side

_AHEAD: Final = 4


class Marked(NamedTuple):
    """A cross in a picture.

    Attributes:
        place: of its candle among those shown.
        side: the side that the averages turned to.
        is_listed: it became a signal.
    """

    place: int
    side: Side
    is_listed: bool


@dataclass(frozen=True, slots=True)
class StrategyView:
    """What a picture of a strategy shows.

    Attributes:
        title: such as "EUR/USD H4".
        name: of the strategy.
        decimals: digits of the candles' integers behind the point.
        candles: oldest first, the newest one taken in last.
        closed: when that one closed.
        fast: the fast average, as long as ``candles``.
        slow: the slow average, as long as ``candles``.
        crosses: oldest first.
        shaded: which candles close within the strategy's sessions; empty where it has none.
    """

    title: str
    name: str
    decimals: int
    candles: Sequence[Candle]
    closed: Instant
    fast: AverageLine
    slow: AverageLine
    crosses: Sequence[Marked] = ()
    shaded: Sequence[bool] = ()


def strategy_picture(view: StrategyView, theme: Theme, zone: tzinfo) -> str:
    """Draw a strategy as SVG text.

    Raises:
        PictureRefused: there are fewer than two candles.
    """
    return drawn(view, theme, zone).svg()


def drawn(view: StrategyView, theme: Theme, zone: tzinfo) -> Canvas:
    """Draw a strategy on a sheet; the arguments and errors are those of ``strategy_picture``."""
    if len(view.candles) < 2:  # noqa: PLR2004
        message = f"a picture of a strategy needs at least two candles, there were {len(view.candles)}"
        raise PictureRefused(message)
    crosses = f"{len(view.crosses)} cross{'' if len(view.crosses) == 1 else 'es'}"
    canvas = Canvas(WIDTH, HEIGHT, f"{view.title}, {view.name}: {len(view.candles)} candles, {crosses}")
    if theme.paper:
        canvas.rectangle(Box(0, 0, WIDTH, HEIGHT), theme.paper)
    last = view.candles[-1].close
    close = PriceLevel("close", Decimal(last).scaleb(-view.decimals), last, theme.entry)
    chart = Chart(canvas, view, theme, zone, [close], _AHEAD)
    chart.shades()
    chart.price_axis()
    chart.time_axis()
    chart.candles()
    for cross in view.crosses:
        chart.marker(cross.place, cross.side, is_filled=cross.is_listed)
    title = canvas.label(view.title, (MARGIN, 540), TITLE, theme.ink)
    if name := shortened(view.name, TEXT, WIDTH - MARGIN - title.right - 300):
        canvas.label(name, (WIDTH - MARGIN, 540), TEXT, theme.pale, anchor="end")
    chart.legend(crosses, theme.pale)
    closed = datetime.fromtimestamp(view.closed, zone)
    chart.footer(f"closed {closed:%d %b %Y %H:%M} {closed.tzname()}")
    return canvas

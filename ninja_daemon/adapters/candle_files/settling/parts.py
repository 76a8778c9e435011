"""A file to settle, and the parts that come of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ninja_daemon.adapters.candle_files.clocks.labels import Labels
from ninja_daemon.adapters.candle_files.clocks.zones import Zone
from ninja_daemon.adapters.candle_files.layout import Layout, Options
from ninja_daemon.adapters.candle_files.survey import TimesSurvey
from ninja_daemon.adapters.candle_files.text.spool import Spool
from ninja_daemon.adapters.candle_files.text.tokens import Integers


class CandlePart(NamedTuple):
    """Some candles, or ticks whose four prices are one.

    Attributes:
        time: opens in UTC, or the seconds of the ticks.
        prices: open, high, low, close.
        volume: -1 where there is none.
    """

    time: Integers
    prices: Integers
    volume: Integers

    def where(self, kept: Integers) -> CandlePart:
        """Return those chosen."""
        return CandlePart(self.time[kept], self.prices[:, kept], self.volume[kept])


@dataclass(slots=True)
class FileToSettle:
    """One file, read and surveyed.

    Attributes:
        spool: its rows.
        layout: how it is written.
        options: what the user says.
        survey: what its times show.
        day_first: the order of day and month, None where it is written.
        zones: the zones, each until a wall clock time; empty while unknown, then times are taken for UTC.
        is_always_open: it trades on weekends, so that flat candles there are no filling.
        labels: what dates alone mean.
    """

    spool: Spool
    layout: Layout
    options: Options
    survey: TimesSurvey
    day_first: bool | None = None
    zones: Sequence[tuple[int | None, Zone]] = ()
    is_always_open: bool = False
    labels: Labels | None = None

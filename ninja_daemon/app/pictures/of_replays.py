"""The picture of a replay: its candles are looked at as they pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import tzinfo

from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.pictures.outline import Outline
from ninja_daemon.core.pictures.results.history_picture import HistoryView, history_picture
from ninja_daemon.core.pictures.theme import Theme
from ninja_daemon.usecases.replay import Replayed, Span


class ReplayOutline:
    """Keeps the outline of the candles that one replay reports."""

    def __init__(self) -> None:
        """Begin without candles."""
        self._outline = Outline()

    def watched(self, history: Iterable[CandleColumns], span: Span) -> Iterator[CandleColumns]:
        """Pass a history on; what was seen before is forgotten, as a file may be read a second time."""
        self._outline = Outline()
        for part in history:
            start = 0 if span.since is None else int(part.time.searchsorted(span.since))
            stop = len(part) if span.until is None else int(part.time.searchsorted(span.until, side="right"))
            self._outline.take(part.part(start, max(start, stop)))
            yield part

    def svg(self, report: Replayed, theme: Theme, zone: tzinfo) -> str:
        """Draw what came of the replay.

        Raises:
            PictureRefused: it had fewer than two candles.
        """
        strategy = report.rules.strategy
        view = HistoryView(
            f"{strategy.instrument.replace('_', '/')} {strategy.granularity.name}",
            strategy.name,
            report.rules.instrument.decimals,
            self._outline.blocks,
            report.signals,
            () if report.followed is None else report.followed.outcomes,
        )
        return history_picture(view, theme, zone)

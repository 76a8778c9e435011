"""The picture of a replay: asked for before candles are read, drawn when they have been."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from pathlib import Path

from ninja_daemon.app.candles.options import refuse
from ninja_daemon.app.pictures.files import require_a_pictures_name, theme_named, write_picture
from ninja_daemon.app.pictures.of_replays import ReplayOutline
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.replay import Replayed, Span


class Drawing:
    """The picture that was asked for; what can be wrong with it is said before a candle is read."""

    def __init__(self, path: Path, theme: str) -> None:
        """Check name and theme.

        Raises:
            typer.BadParameter: one of them cannot be.
        """
        require_a_pictures_name(path, "--picture")
        self._path, self._theme = path, theme_named(theme)
        self._outline = ReplayOutline()

    def require_one(self, chosen: Sequence[Strategy]) -> None:
        """Check that there is one strategy to draw."""
        if len(chosen) > 1:
            names = ", ".join(strategy.name for strategy in chosen)
            refuse("--picture", f"shows one strategy, name it with --strategy: {names}")

    def watched(
        self, parts: Iterable[CandleColumns], span: Span, chosen: Sequence[Strategy]
    ) -> Iterator[CandleColumns]:
        """Pass candles on, and keep their outline."""
        self.require_one(chosen)
        return self._outline.watched(parts, span)

    def write(self, report: Replayed) -> None:
        """Draw what came of the replay, and write it."""
        write_picture(self._outline.svg(report, self._theme, UTC), self._path)

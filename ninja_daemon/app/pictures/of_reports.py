"""The picture of a report: asked for before anything is read, drawn when it has been."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from ninja_daemon.app.pictures.files import require_a_pictures_name, theme_named, write_picture
from ninja_daemon.app.record.report import Report, ended
from ninja_daemon.app.record.tracked import TrackedSignal
from ninja_daemon.core.pictures.results.curve_picture import CurveView, curve_picture
from ninja_daemon.core.pictures.theme import Theme


@dataclass(frozen=True, slots=True)
class ReportDrawing:
    """Where the sum of R is drawn, and in which colours."""

    path: Path
    theme: Theme

    @classmethod
    def of(cls, path: Path, theme: str) -> ReportDrawing:
        """Check name and theme.

        Raises:
            typer.BadParameter: one of them cannot be.
        """
        require_a_pictures_name(path, "--picture")
        return cls(path, theme_named(theme))

    def write(self, signals: Sequence[TrackedSignal], report: Report, names: Sequence[str]) -> None:
        """Draw what became of signals, and write it.

        Raises:
            PictureRefused: none of them has ended, or the picture cannot be written.
        """
        whose = names or list(report.strategies)
        title = ", ".join(whose) if len(whose) <= 2 else f"{len(whose)} strategies"  # noqa: PLR2004 - fits the title
        view = CurveView(title, ended(signals), report.total.verdict)
        write_picture(curve_picture(view, self.theme, UTC), self.path)

"""What ``replay`` is asked for: strategies, candles and span; and in what form it answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ninja_daemon.app.candles.asking import typed_open
from ninja_daemon.app.candles.options import refuse
from ninja_daemon.usecases.replay import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which strategies over which candles."""

    strategy: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy", "-s", metavar="NAME", help="Only this one; may be repeated. Left out: all that fit the data."
        ),
    ] = None
    csv: Annotated[
        list[Path] | None,
        typer.Option(
            "--csv",
            exists=True,
            dir_okay=False,
            readable=True,
            metavar="FILE",
            help="Candles from a file instead of the broker, of any format that docs/candle-files.md lists. "
            "A name like EUR_USD_H4.csv says which series it is.",
        ),
    ] = None
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="WHEN",
            help="Candles that opened since: 2026-01-31 or 2026-01-31T10:00:00Z. Earlier ones warm up.",
        ),
    ] = None
    until: Annotated[str | None, typer.Option("--to", metavar="WHEN", help="Candles that opened up to then.")] = None

    def span(self) -> Span:
        """Return the span to report; text that is not a moment is a usage error."""
        return Span(typed_open("--from", self.since), typed_open("--to", self.until, last_of_day=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """In what form the signals are shown."""

    as_json: Annotated[bool, typer.Option("--json", help="An array of signals, as they would be listed.")] = False
    report: Annotated[
        bool, typer.Option("--report", help="What became of the signals, in place of them; with --json as JSON.")
    ] = False
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="One signal a line, as they would be listed.")] = False
    picture: Annotated[
        Path | None,
        typer.Option("--picture", metavar="FILE", help="Draw prices and signals of one strategy: .png or .svg."),
    ] = None
    theme: Annotated[str, typer.Option(metavar="NAME", help="Of the picture: dark or light.")] = "dark"

    def require_one_form(self) -> None:
        """Refuse forms that exclude each other."""
        if self.as_jsonl and (self.as_json or self.report):
            refuse("--jsonl", f"must not be given together with {'--json' if self.as_json else '--report'}")

"""What ``replay`` is asked for: strategies, candles and span; and in what form it answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ninja_daemon.app.candles.asking import typed_open
from ninja_daemon.app.candles.options import refuse
from ninja_daemon.usecases.replay import Engine, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedReplay:
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
class ReplayForm:
    """In what form the signals are shown."""

    as_json: Annotated[bool, typer.Option("--json", help="An array of signals, as they would be listed.")] = False
    report: Annotated[
        bool, typer.Option("--report", help="What became of the signals, in place of them; with --json as JSON.")
    ] = False
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="One signal a line, as they would be listed.")] = False
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture",
            metavar="FILE",
            help="Draw prices, signals and R of one strategy, or a sweep's map: .png or .svg.",
        ),
    ] = None
    theme: Annotated[str, typer.Option(metavar="NAME", help="Of the picture: dark or light.")] = "dark"

    def require_one_form(self) -> None:
        """Refuse forms that exclude each other."""
        if self.as_jsonl and (self.as_json or self.report):
            refuse("--jsonl", f"must not be given together with {'--json' if self.as_json else '--report'}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked in place of the signals of one configuration."""

    compare: Annotated[
        Path | None,
        typer.Option(
            "--compare",
            exists=True,
            dir_okay=False,
            readable=True,
            metavar="FILE",
            help="Another ninja.toml over the same candles: which signals come, go and change, and both reports.",
        ),
    ] = None
    sweep: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--sweep",
            metavar="FAST SLOW",
            help="A grid of one strategy's periods, such as fast=10..100:10 slow=50..300:25.",
        ),
    ] = None

    def require_alone(self, form: ReplayForm, engine: Engine) -> None:
        """Refuse what a comparison or a sweep cannot be given together with."""
        if self.compare is None and self.sweep is None:
            return
        option = "--compare" if self.sweep is None else "--sweep"
        others = {
            "--compare": self.compare is not None and self.sweep is not None,
            "--report": form.report,
            "--jsonl": form.as_jsonl,
            "--engine step": engine is Engine.STEP,
            "--picture": form.picture is not None and self.sweep is None,
        }
        if given := next((name for name, is_given in others.items() if is_given), None):
            refuse(option, f"must not be given together with {given}")

"""``replay --sweep``: what is tried, over which candles, and in what form it is told."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import typer

from ninja_daemon.app.candles.options import refuse
from ninja_daemon.app.pictures.files import require_a_pictures_name, theme_named, write_picture
from ninja_daemon.app.pictures.of_sweeps import view_of
from ninja_daemon.app.replays.options import ReplayForm
from ninja_daemon.app.replays.running import ReplaySource
from ninja_daemon.app.replays.sweep_words import json_fields, words
from ninja_daemon.core.averages.average import LONGEST_PERIOD
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.pictures.results.sweep_map import sweep_map
from ninja_daemon.core.pictures.theme import Theme
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.replay import Span
from ninja_daemon.usecases.sweep import MOST_VALUES, Grid, Swept, sweep

_VALUES: Final = re.compile(r"(fast|slow)=(\d{1,5})(?:\.\.(\d{1,5})(?::(\d{1,5}))?)?", re.ASCII)
_THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class Sweeping:
    """A sweep that was asked for.

    Attributes:
        grid: what is tried.
        as_json: how it is told.
        picture: where its map is drawn; None for nowhere.
        theme: of the picture.
    """

    grid: Grid
    as_json: bool
    picture: Path | None
    theme: Theme

    def require(self, chosen: Sequence[Strategy]) -> None:
        """Check that there is one strategy."""
        if len(chosen) > 1:
            names = ", ".join(strategy.name for strategy in chosen)
            refuse("--sweep", f"tries one strategy, name it with --strategy: {names}")

    def over(self, rules: Sequence[Rules], parts: Iterator[CandleColumns], span: Span) -> Sequence[Swept]:
        """Try every pair."""
        # One thread costs little: only histories of many blocks are worked on side by side.
        with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
            return [sweep(each, self.grid, list(parts), span, pool.map) for each in rules]

    def answer(self, source: ReplaySource, chosen: Sequence[Strategy]) -> None:
        """Sweep, and tell what came of it."""
        # The widest periods say how much history there must be; all pairs start at the same candle.
        fast, slow = max(self.grid.fast), max(self.grid.slow)
        (swept,) = source.over([replace(each, fast_ma=fast, slow_ma=slow) for each in chosen], self)
        if self.picture is not None:
            write_picture(sweep_map(view_of(swept), self.theme), self.picture)
        typer.echo(_json(swept) if self.as_json else "\n".join(words(swept)))


def sweep_of(typed: tuple[str, str], form: ReplayForm) -> Sweeping:
    """Read what was typed, before a candle is read.

    Raises:
        typer.BadParameter: it is no grid, or the picture cannot be.
    """
    if form.picture is not None:
        require_a_pictures_name(form.picture, "--picture")
    values = dict(_axis(text) for text in typed)
    if len(values) < len(typed):
        refuse("--sweep", f"must give both, like fast=10..100:10 slow=140, was {' '.join(typed)[:80]!r}")
    grid = Grid(values["fast"], values["slow"])
    if not grid.pairs:
        refuse("--sweep", f"must have a pair whose fast period is below its slow one, was {' '.join(typed)[:80]!r}")
    return Sweeping(grid, form.as_json, form.picture, theme_named(form.theme))


def _axis(text: str) -> tuple[str, Sequence[int]]:
    match = _VALUES.fullmatch(text.strip())
    if match is None:
        refuse("--sweep", f"must be like fast=10..100:10 or slow=140, was {text[:40]!r}")
    first, step = int(match[2]), int(match[4] or 1)
    last = int(match[3] or first)
    if not 1 <= first <= last <= LONGEST_PERIOD or not step:
        refuse("--sweep", f"must go up from 1 to at most {LONGEST_PERIOD}, by steps from 1, was {text[:40]!r}")
    values = range(first, last + 1, step)
    if len(values) > MOST_VALUES:
        refuse("--sweep", f"must give {match[1]} at most {MOST_VALUES} values, were {len(values)}: take a longer step")
    return match[1], values


def _json(swept: Swept) -> str:
    from ninja_daemon.app.status.exact_json import exact_json  # noqa: PLC0415 - the words need none

    fields: dict[str, Any] = json_fields(swept)
    return exact_json(fields)

"""Strategies over candles from files, or from the broker: what is made of both is a study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol, TypeVar

import typer

from ninja_daemon.adapters.candle_files.open_candles import OpenCandles
from ninja_daemon.adapters.candle_files.opening import open_candles
from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.app.candles.asking import progress_bar
from ninja_daemon.app.candles.options import FileOptions
from ninja_daemon.app.candles.series import expected_granularity, instrument_of, larger_of, strategies_for
from ninja_daemon.app.news.known import known_calendar
from ninja_daemon.app.replays.drawing import Drawing
from ninja_daemon.app.replays.options import WantedReplay
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.news import Calendar
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.history.broker_history import read_history
from ninja_daemon.usecases.history.larger_history import bound, judgeable, read_larger
from ninja_daemon.usecases.replay import Engine, Replayed, Span, follow_to_the_end, replay as replay_over

Made_co = TypeVar("Made_co", covariant=True)
Made = TypeVar("Made")


class Study(Protocol[Made_co]):
    """What is made of strategies and candles."""

    def require(self, chosen: Sequence[Strategy]) -> None:
        """Refuse strategies that it cannot be made of."""

    def over(self, rules: Sequence[Rules], parts: Iterator[CandleColumns], span: Span) -> Sequence[Made_co]:
        """Make it of strategies of one series over its candles."""


@dataclass(frozen=True, slots=True)
class ReplaySource:
    """Where candles come from, and which of them are reported."""

    wanted: WantedReplay
    files: FileOptions
    environment: Environment

    def over(self, chosen: Sequence[Strategy], study: Study[Made]) -> Sequence[Made]:
        """Make something of strategies and the candles of their series."""
        wanted = self.wanted
        how = wanted.span(), study, known_calendar(self.environment, chosen)
        if not wanted.csv:
            return _over_broker(self.environment, chosen, *how)
        return _over_files(wanted.csv, self.files, chosen, how, are_named=bool(wanted.strategy))


@dataclass(frozen=True, slots=True)
class Replaying:
    """Signals, and where that is wanted what became of them.

    Attributes:
        engine: how it is computed.
        follow: whether signals are followed to their ends.
        drawing: the picture that is wanted.
    """

    engine: Engine
    follow: bool
    drawing: Drawing | None = None

    def require(self, chosen: Sequence[Strategy]) -> None:
        """Check that there is one strategy where a picture is wanted."""
        if self.drawing is not None:
            self.drawing.require_one(chosen)

    def over(self, rules: Sequence[Rules], parts: Iterator[CandleColumns], span: Span) -> Sequence[Replayed]:
        """Run strategies over the candles of one series, and follow their signals where that is wanted."""
        if self.drawing is not None:
            parts = self.drawing.watched(parts, span, [each.strategy for each in rules])
        if self.follow:
            whole = list(parts)
            made = replay_over(rules, whole, span, self.engine)
            follow_to_the_end(made, whole, span)
            return made
        made = replay_over(rules, parts, span, self.engine)
        # What lies behind --to is looked at, too: a file with a fault is used for nothing.
        for _ in parts:
            pass
        return made


def _over_files(
    paths: Sequence[Path],
    options: FileOptions,
    strategies: Sequence[Strategy],
    asked: tuple[Span, Study[Made], Calendar],
    *,
    are_named: bool,
) -> Sequence[Made]:
    """Take strategies over files; those of one timeframe go through the candles together."""
    size, (span, study, calendar) = sum(path.stat().st_size for path in paths), asked
    with progress_bar(f"reading {paths[0].name}", size) as bar:
        opening = open_candles(paths, options.said(), expected=expected_granularity(paths), progress=bar.advance)
        with opening as opened:
            chosen = strategies_for(paths, opened, strategies, options.timeframe(), are_named=are_named)
            study.require(chosen)
            instrument = instrument_of(chosen[0].instrument, opened)
            reports: list[Made] = []
            for granularity, group in groupby(sorted(chosen, key=_length), key=lambda each: each.granularity):
                own = list(group)
                larger = larger_of(opened, own)
                rules = [bound(each, instrument, larger, calendar=calendar) for each in own]
                made = study.over(rules, opened.columns(granularity), span)
                reports.extend(made)
                _tell(opened, is_first=len(reports) == len(made))
    return reports


def _length(strategy: Strategy) -> int:
    return strategy.granularity.seconds


def _tell(opened: OpenCandles, *, is_first: bool) -> None:
    if opened.report is not None:
        typer.echo(opened.report.paragraph() if is_first else opened.report.joined_sentence(), err=True)


def _over_broker(
    environment: Environment, chosen: Sequence[Strategy], span: Span, study: Study[Made], calendar: Calendar
) -> Sequence[Made]:
    """Take strategies over the history that the broker has of their series."""
    from ninja_daemon.app.wiring import candle_source  # noqa: PLC0415 - files need no broker

    if span.until is not None and span.until >= SystemClock().now():
        span = Span(span.since, None)
    study.require(chosen)
    source = candle_source(environment)
    reports: list[Made] = []
    try:
        for series, strategies in groupby(sorted(chosen, key=_series_name), key=lambda strategy: strategy.series):
            own = list(strategies)
            with progress_bar(f"reading {series}", None) as bar:
                warm_up, is_quoted = max(each.warm_up for each in own), any(each.needs_spread for each in own)
                history = read_history(source, series, span, warm_up, bar.advance, with_spreads=is_quoted)
                larger = read_larger(source, own, int(history.parts[0].time[0]), bar.advance)
            for _, group in groupby(sorted(own, key=_larger_name), key=_larger_name):
                alike = list(group)
                parts = judgeable(alike[0], history.parts, larger)
                rules = [bound(each, history.instrument, larger, history.spreads, calendar) for each in alike]
                reports.extend(study.over(rules, parts, history.span))
    finally:
        source.close()
    return reports


def _series_name(strategy: Strategy) -> str:
    return str(strategy.series)


def _larger_name(strategy: Strategy) -> str:
    return str(strategy.larger)

"""Strategies over candles from files, or from the broker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import typer

from ninja_daemon.adapters.candle_files.open_candles import OpenCandles
from ninja_daemon.adapters.candle_files.opening import open_candles
from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.app.candles.asking import progress_bar
from ninja_daemon.app.candles.options import FileOptions
from ninja_daemon.app.candles.series import expected_granularity, instrument_of, larger_of, strategies_for
from ninja_daemon.app.replays.drawing import Drawing
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.history.broker_history import read_history
from ninja_daemon.usecases.history.larger_history import bound, judgeable, read_larger
from ninja_daemon.usecases.replay import Engine, Replayed, Span, follow_to_the_end, replay as replay_over


@dataclass(frozen=True, slots=True)
class Manner:
    """How a replay is made.

    Attributes:
        span: what is reported.
        engine: how it is computed.
        follow: whether signals are followed to their ends.
        drawing: the picture that is wanted.
    """

    span: Span
    engine: Engine
    follow: bool
    drawing: Drawing | None


def over_files(
    paths: Sequence[Path],
    options: FileOptions,
    strategies: Sequence[Strategy],
    how: Manner,
    *,
    are_named: bool,
) -> Sequence[Replayed]:
    """Run strategies over files; those of one timeframe go through the candles together."""
    size = sum(path.stat().st_size for path in paths)
    with progress_bar(f"reading {paths[0].name}", size) as bar:
        opening = open_candles(paths, options.said(), expected=expected_granularity(paths), progress=bar.advance)
        with opening as opened:
            chosen = strategies_for(paths, opened, strategies, options.timeframe(), are_named=are_named)
            if how.drawing is not None:
                how.drawing.require_one(chosen)
            instrument = instrument_of(chosen[0].instrument, opened)
            reports: list[Replayed] = []
            for granularity, group in groupby(sorted(chosen, key=_length), key=lambda each: each.granularity):
                own = list(group)
                larger = larger_of(opened, own)
                made = _run([bound(each, instrument, larger) for each in own], opened.columns(granularity), how)
                reports.extend(made)
                _tell(opened, is_first=len(reports) == len(made))
    return reports


def _run(rules: Sequence[Rules], parts: Iterator[CandleColumns], how: Manner) -> Sequence[Replayed]:
    """Run strategies over the candles of one series, and follow their signals where that is wanted."""
    if how.drawing is not None:
        parts = how.drawing.watched(parts, how.span, [each.strategy for each in rules])
    if how.follow:
        whole = list(parts)
        made = replay_over(rules, whole, how.span, how.engine)
        follow_to_the_end(made, whole, how.span)
        return made
    made = replay_over(rules, parts, how.span, how.engine)
    # What lies behind --to is looked at, too: a file with a fault is used for nothing.
    for _ in parts:
        pass
    return made


def _length(strategy: Strategy) -> int:
    return strategy.granularity.seconds


def _tell(opened: OpenCandles, *, is_first: bool) -> None:
    if opened.report is not None:
        typer.echo(opened.report.paragraph() if is_first else opened.report.joined_sentence(), err=True)


def over_broker(environment: Environment, chosen: Sequence[Strategy], how: Manner) -> Sequence[Replayed]:
    """Run strategies over the history that the broker has of their series."""
    from ninja_daemon.app.wiring import candle_source  # noqa: PLC0415 - files need no broker

    span = how.span
    if span.until is not None and span.until >= SystemClock().now():
        span = Span(span.since, None)
    if how.drawing is not None:
        how.drawing.require_one(chosen)
    source = candle_source(environment)
    reports: list[Replayed] = []
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
                rules = [bound(each, history.instrument, larger, history.spreads) for each in alike]
                reports.extend(_run(rules, parts, replace(how, span=history.span)))
    finally:
        source.close()
    return reports


def _series_name(strategy: Strategy) -> str:
    return str(strategy.series)


def _larger_name(strategy: Strategy) -> str:
    return str(strategy.larger)

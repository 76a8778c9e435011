"""``ninja-daemon replay``: the daemon's own engine over history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC
from itertools import groupby
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from ninja_daemon.adapters.candle_files.layout import Options
from ninja_daemon.adapters.candle_files.opening import OpenCandles, open_candles
from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.app.candles import options
from ninja_daemon.app.candles.asking import chosen_strategies, progress_bar, typed_open
from ninja_daemon.app.candles.options import refuse
from ninja_daemon.app.candles.series import expected_granularity, instrument_of, larger_of, strategies_for
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.replay import Engine, Replayed, Span, follow_to_the_end, read_history, replay as replay_over
from ninja_daemon.usecases.trend.history import bound, judgeable, read_larger

_LINE: Final = "{:<20} {:<16} {:<4} {:>11} {:>11} {:>11} {:>8} {:>8}  {}"


def replay(
    *,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy", "-s", metavar="NAME", help="Only this one; may be repeated. Left out: all that fit the data."
        ),
    ] = None,
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
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="WHEN",
            help="Candles that opened since: 2026-01-31 or 2026-01-31T10:00:00Z. Earlier ones warm up.",
        ),
    ] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="WHEN", help="Candles that opened up to then.")] = None,
    name: options.FORMAT = None,
    zone: options.ZONE = None,
    stamp: options.STAMP = None,
    join: options.JOIN = None,
    decimals: options.DECIMALS = None,
    columns: options.COLUMNS = None,
    time_format: options.TIME_FORMAT = None,
    separator: options.SEPARATOR = None,
    decimal_comma: options.DECIMAL_COMMA = False,
    price: options.PRICE = options.PriceOption.MID,
    engine: Annotated[
        Engine, typer.Option(help="batch: many candles at once. step: one by one, as the daemon does; the same result.")
    ] = Engine.BATCH,
    as_json: Annotated[bool, typer.Option("--json", help="An array of signals, as they would be listed.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="What became of the signals, in place of them; with --json as JSON.")
    ] = False,
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="One signal a line, as they would be listed.")] = False,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", metavar="FILE", help="Draw prices and signals of one strategy: .png or .svg."),
    ] = None,
    theme: Annotated[str, typer.Option(metavar="NAME", help="Of the picture: dark or light.")] = "dark",
) -> None:
    """Run the daemon's own engine over history and print its signals."""
    if as_jsonl and (as_json or report):
        refuse("--jsonl", f"must not be given together with {'--json' if as_json else '--report'}")
    span = Span(typed_open("--from", since), typed_open("--to", until, last_of_day=True))
    said = options.file_options(
        name=name,
        zone=zone,
        stamp=stamp,
        decimals=decimals,
        columns=columns,
        time_format=time_format,
        separator=separator,
        decimal_comma=decimal_comma,
        price=price,
    )
    wanted = options.timeframe(join)
    if not csv and (said != Options() or wanted is not None):
        refuse(_first_said(said), "must be given together with --csv: the broker says how it writes its candles")
    drawing = None if picture is None else _Drawing(picture, theme)
    environment, configuration = load_settings()
    chosen = chosen_strategies(configuration, strategy or ())
    how = (span, engine, report or drawing is not None, drawing)
    if csv:
        reports = _over_files(csv, said, wanted, chosen, how, are_named=bool(strategy))
    else:
        reports = _over_broker(environment, chosen, how)
    if drawing is not None:
        drawing.write(reports[0])
    if report:
        _print_report(reports, as_json=as_json)
        return
    signals = sorted((signal for one in reports for signal in one.signals), key=lambda each: each.close_time)
    _print(signals, as_json=as_json, as_jsonl=as_jsonl)
    for one in reports:
        typer.echo(_summary(one), err=True)


class _Drawing:
    """The picture that was asked for; what can be wrong with it is said before a candle is read."""

    def __init__(self, path: Path, theme: str) -> None:
        from ninja_daemon.app.pictures.files import require_a_pictures_name, theme_named
        from ninja_daemon.app.pictures.of_replays import ReplayOutline

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
        from ninja_daemon.app.pictures.files import write_picture

        write_picture(self._outline.svg(report, self._theme, UTC), self._path)


_How: TypeAlias = tuple[Span, Engine, bool, _Drawing | None]
"""What is reported, how it is computed, whether signals are followed to their ends, and what is drawn."""


# --- what to replay --------------------------------------------------------------------------------------------------


def _first_said(said: Options) -> str:
    """Return the name of an option that is for files."""
    names = {"format": "--format", "time_format": "--time-format", "decimal_comma": "--decimal-comma"}
    given = [each.name for each in fields(said) if getattr(said, each.name) != getattr(Options(), each.name)]
    return names.get(given[0], f"--{given[0]}") if given else "--join"


# --- where the candles come from -------------------------------------------------------------------------------------


def _over_files(
    paths: Sequence[Path],
    said: Options,
    join: Granularity | None,
    strategies: Sequence[Strategy],
    how: _How,
    *,
    are_named: bool,
) -> Sequence[Replayed]:
    """Run strategies over files; those of one timeframe go through the candles together."""
    size = sum(path.stat().st_size for path in paths)
    with progress_bar(f"reading {paths[0].name}", size) as bar:
        opening = open_candles(paths, said, expected=expected_granularity(paths), progress=bar.advance)
        with opening as opened:
            chosen = strategies_for(paths, opened, strategies, join, are_named=are_named)
            if how[3] is not None:
                how[3].require_one(chosen)
            instrument = instrument_of(chosen[0].instrument, opened)
            reports: list[Replayed] = []
            for granularity, group in groupby(sorted(chosen, key=_length), key=lambda each: each.granularity):
                own = list(group)
                larger = larger_of(opened, own)
                made = _run([bound(each, instrument, larger) for each in own], opened.columns(granularity), how)
                reports.extend(made)
                _tell(opened, is_first=len(reports) == len(made))
    return reports


def _run(rules: Sequence[Rules], parts: Iterator[CandleColumns], how: _How) -> Sequence[Replayed]:
    """Run strategies over the candles of one series, and follow their signals where that is wanted."""
    span, engine, follow, drawing = how
    if drawing is not None:
        parts = drawing.watched(parts, span, [each.strategy for each in rules])
    if follow:
        whole = list(parts)
        made = replay_over(rules, whole, span, engine)
        follow_to_the_end(made, whole, span)
        return made
    made = replay_over(rules, parts, span, engine)
    # What lies behind --to is looked at, too: a file with a fault is used for nothing.
    for _ in parts:
        pass
    return made


def _length(strategy: Strategy) -> int:
    return strategy.granularity.seconds


def _tell(opened: OpenCandles, *, is_first: bool) -> None:
    if opened.report is not None:
        typer.echo(opened.report.paragraph() if is_first else opened.report.joined_sentence(), err=True)


def _over_broker(environment: Environment, chosen: Sequence[Strategy], how: _How) -> Sequence[Replayed]:
    from ninja_daemon.app.wiring import candle_source

    span, engine, follow, drawing = how
    if span.until is not None and span.until >= SystemClock().now():
        span = Span(span.since, None)
    if drawing is not None:
        drawing.require_one(chosen)
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
                reports.extend(_run(rules, parts, (history.span, engine, follow, drawing)))
    finally:
        source.close()
    return reports


def _series_name(strategy: Strategy) -> str:
    return str(strategy.series)


def _larger_name(strategy: Strategy) -> str:
    return str(strategy.larger)


# --- what is said ----------------------------------------------------------------------------------------------------


def _print_report(reports: Sequence[Replayed], *, as_json: bool) -> None:
    from ninja_daemon.app.record.report import json_fields, report_of, words
    from ninja_daemon.app.record.tracked import TrackedSignal
    from ninja_daemon.app.status.exact_json import exact_json

    tracked: list[TrackedSignal] = []
    for report in reports:
        ended = {one.id: one for one in report.followed.outcomes} if report.followed is not None else {}
        tracked += [
            TrackedSignal(one.id, one.strategy, one.close_time, one.risk_reward_ratio, ended.get(one.id))
            for one in report.signals
        ]
    names = [report.rules.strategy.name for report in reports]
    made = report_of(tracked, {"strategies": len(names), "settings": len(names)}, names)
    typer.echo(exact_json(json_fields(made)) if as_json else "\n".join(words(made)))


def _print(signals: Sequence[Signal], *, as_json: bool, as_jsonl: bool) -> None:
    if as_json:
        typer.echo("[\n" + ",\n".join(map(encode_signal, signals)) + "\n]" if signals else "[]")
    elif as_jsonl:
        for signal in signals:
            typer.echo(encode_signal(signal))
    elif signals:
        typer.echo(_LINE.format("closed", "strategy", "side", "close", "stop", "target", "- pips", "+ pips", "id"))
        for signal in signals:
            typer.echo(_line(signal))


def _line(signal: Signal) -> str:
    # One plain line a signal, and not a table that has to see all of them first: a replay may find thousands.
    return _LINE.format(
        format_instant(signal.close_time),
        signal.strategy,
        signal.side.name,
        f"{signal.close:f}",
        f"{signal.stop_loss:f}",
        f"{signal.take_profit:f}",
        f"{signal.sl_pips:f}",
        f"{signal.tp_pips:f}",
        signal.id[:8],
    )


def _summary(report: Replayed) -> str:
    name = report.rules.strategy.name
    if report.first is None or report.last is None:
        return f"{name}: no candle in the span that was asked for, {report.warm_up:,} before it"
    filters = ", ".join(f"{count:,} by {reason.name}" for reason, count in report.rejected.items())
    warm_up = f" after {report.warm_up:,} for warm-up" if report.warm_up else ""
    span = f"{format_instant(report.first)} to {format_instant(report.last)}"
    return (
        f"{name}: {report.candles:,} candles{warm_up}, {span}; "
        f"{report.crosses:,} crosses, {len(report.signals):,} signals, "
        f"{sum(report.rejected.values()):,} rejected{f' ({filters})' if filters else ''}"
    )

"""``ninja-daemon replay``: the daemon's own engine over history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import groupby
from pathlib import Path
from typing import Annotated, Final

import typer

from ninja_daemon.adapters.candle_files.layout import Options
from ninja_daemon.adapters.candle_files.opening import OpenCandles, open_candles
from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.app.candles import options
from ninja_daemon.app.candles.asking import chosen_strategies, progress_bar, typed_open
from ninja_daemon.app.candles.options import refuse
from ninja_daemon.app.candles.series import expected_granularity, instrument_of, strategies_for
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Rules, Strategy
from ninja_daemon.usecases.replay import Engine, Replayed, Span, read_history, replay as replay_over

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
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="One signal a line, as they would be listed.")] = False,
) -> None:
    """Run the daemon's own engine over history and print its signals."""
    if as_json and as_jsonl:
        refuse("--jsonl", "must not be given together with --json")
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
    environment, configuration = load_settings()
    chosen = chosen_strategies(configuration, strategy or ())
    if csv:
        reports = _over_files(csv, said, wanted, chosen, span, engine, are_named=bool(strategy))
    else:
        reports = _over_broker(environment, chosen, span, engine)
    signals = sorted((signal for report in reports for signal in report.signals), key=lambda each: each.close_time)
    _print(signals, as_json=as_json, as_jsonl=as_jsonl)
    for report in reports:
        typer.echo(_summary(report), err=True)


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
    span: Span,
    engine: Engine,
    *,
    are_named: bool,
) -> Sequence[Replayed]:
    """Run strategies over files; those of one timeframe go through the candles together."""
    size = sum(path.stat().st_size for path in paths)
    with progress_bar(f"reading {paths[0].name}", size) as bar:
        opening = open_candles(paths, said, expected=expected_granularity(paths), progress=bar.advance)
        with opening as opened:
            chosen = strategies_for(paths, opened, strategies, join, are_named=are_named)
            instrument = instrument_of(chosen[0].instrument, opened)
            reports: list[Replayed] = []
            for granularity, group in groupby(sorted(chosen, key=_length), key=lambda each: each.granularity):
                parts = opened.columns(granularity)
                made = replay_over([Rules(strategy, instrument) for strategy in group], parts, span, engine)
                # What lies behind --to is looked at, too: a file with a fault is used for nothing.
                for _ in parts:
                    pass
                reports.extend(made)
                _tell(opened, is_first=len(reports) == len(made))
    return reports


def _length(strategy: Strategy) -> int:
    return strategy.granularity.seconds


def _tell(opened: OpenCandles, *, is_first: bool) -> None:
    if opened.report is not None:
        typer.echo(opened.report.paragraph() if is_first else opened.report.joined_sentence(), err=True)


def _over_broker(
    environment: Environment, chosen: Sequence[Strategy], span: Span, engine: Engine
) -> Sequence[Replayed]:
    from ninja_daemon.app.wiring import candle_source

    if span.until is not None and span.until >= SystemClock().now():
        span = Span(span.since, None)
    source = candle_source(environment)
    reports: list[Replayed] = []
    try:
        for series, strategies in groupby(sorted(chosen, key=_series_name), key=lambda strategy: strategy.series):
            own = list(strategies)
            with progress_bar(f"reading {series}", None) as bar:
                warm_up = max(strategy.warm_up for strategy in own)
                history = read_history(source, series, span, warm_up, bar.advance)
            rules = [Rules(strategy, history.instrument) for strategy in own]
            reports.extend(replay_over(rules, history.parts, history.span, engine))
    finally:
        source.close()
    return reports


def _series_name(strategy: Strategy) -> str:
    return str(strategy.series)


# --- what is said ----------------------------------------------------------------------------------------------------


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
    filters = ", ".join(f"{count:,} by {reason.value}" for reason, count in report.rejected.items())
    warm_up = f" after {report.warm_up:,} for warm-up" if report.warm_up else ""
    span = f"{format_instant(report.first)} to {format_instant(report.last)}"
    return (
        f"{name}: {report.candles:,} candles{warm_up}, {span}; "
        f"{report.crosses:,} crosses, {len(report.signals):,} signals, "
        f"{sum(report.rejected.values()):,} rejected{f' ({filters})' if filters else ''}"
    )

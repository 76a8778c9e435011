"""``ninja-daemon audit``: the broker's history, or that of files, against what was listed and stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from ninja_daemon.adapters.candle_files.opening import open_candles
from ninja_daemon.app.candles.asking import chosen_strategies, progress_bar, typed_open
from ninja_daemon.app.candles.file_history import file_history
from ninja_daemon.app.candles.options import FileOptions, require_files
from ninja_daemon.app.candles.series import expected_granularity, strategies_for
from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.app.shared_options import AS_JSON, STRATEGIES
from ninja_daemon.app.status.exact_json import exact_json
from ninja_daemon.app.why.committed import read_records
from ninja_daemon.app.why.decision_words import difference_fields, difference_words
from ninja_daemon.core.errors import NinjaError
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import HistorySource
from ninja_daemon.usecases.proof.audit import Audited, audit as audit_over
from ninja_daemon.usecases.proof.record import Record

SINCE = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="WHEN",
        help="Candles that opened since: 2026-01-31 or 2026-01-31T10:00:00Z. Left out: since the first start.",
    ),
]
CANDLES = Annotated[
    list[Path] | None,
    typer.Option(
        "--candles",
        exists=True,
        dir_okay=False,
        readable=True,
        metavar="FILE",
        help="Candles from a file instead of the broker; may be repeated. A name like EUR_USD_H4.csv says which "
        "series it is.",
    ),
]


def audit(
    *,
    strategy: STRATEGIES = None,
    since: SINCE = None,
    candles: CANDLES = None,
    files: FileOptions,
    as_json: AS_JSON = False,
) -> None:
    """Compare cursor, side, averages and listed signals with what the broker's history gives."""
    first: Instant | None = typed_open("--since", since)
    require_files("--candles", candles, files)
    environ, product = running_environ()
    environment, configuration = load_settings(environ)
    chosen = chosen_strategies(configuration, strategy or ())
    say_found(product)
    records = read_records(environment, chosen)
    if candles:
        results = _over_files(candles, files, chosen, records, first, are_named=bool(strategy))
    else:
        results = _over_broker(environment, chosen, records, first)
    if as_json:
        typer.echo(exact_json({"strategies": [_fields(result) for result in results]}))
    else:
        _print(results)
    if any(result.error is not None or result.differences for result in results):
        raise typer.Exit(1)


def _over_broker(
    environment: Environment, chosen: Sequence[Strategy], records: Mapping[str, Record], first: Instant | None
) -> Sequence[Audited]:
    from ninja_daemon.app.wiring import candle_source

    with closing(candle_source(environment)) as source:
        return [_audited(source, each, records[each.name], first) for each in chosen]


def _over_files(
    paths: Sequence[Path],
    options: FileOptions,
    strategies: Sequence[Strategy],
    records: Mapping[str, Record],
    first: Instant | None,
    *,
    are_named: bool,
) -> Sequence[Audited]:
    """Audit the strategies that files fit, from the first candle of the files that can be judged."""
    with open_candles(paths, options.said(), expected=expected_granularity(paths)) as opened:
        join = options.timeframe()
        chosen = strategies_for(paths, opened, strategies, join, are_named=are_named, option="--candles")
        source = file_history(opened, chosen)
        if opened.report is not None:
            typer.echo(opened.report.paragraph(), err=True)
    results: list[Audited] = []
    for each in chosen:
        try:
            since = max(first or 0, source.first_judged(each))
        except NinjaError as error:
            results.append(Audited(each, error, listed=len(records[each.name].signals)))
        else:
            results.append(audit_over(source, each, records[each.name], since, to_the_newest=False))
    return results


def _audited(source: HistorySource, strategy: Strategy, record: Record, first: Instant | None) -> Audited:
    with progress_bar(f"reading {strategy.series}", None) as bar:
        return audit_over(source, strategy, record, first, bar.advance)


def _print(results: Sequence[Audited]) -> None:
    for result in results:
        for difference in result.differences:
            typer.echo(difference_words(difference))
        typer.echo(f"{result.strategy.name}: {_summary(result)}")


def _summary(result: Audited) -> str:
    if result.error is not None:
        return f"not audited: {result.error}"
    if result.first is None or result.last is None:
        return "nothing was committed yet"
    count = len(result.differences)
    words = [
        f"{result.candles:,} candles, {format_instant(result.first)} to {format_instant(result.last)}",
        f"{result.derived:,} signals derived, {result.listed:,} listed",
        "no difference" if not count else f"{count:,} {'difference' if count == 1 else 'differences'}",
    ]
    if result.other_settings:
        words.append(f"{result.other_settings:,} listed under other settings, not compared")
    if result.ahead:
        words.append(f"{result.ahead:,} newer not taken in yet")
    return "; ".join(words)


def _fields(result: Audited) -> dict[str, object]:
    error: NinjaError | None = result.error
    return {
        "strategy": result.strategy.name,
        "error": None if error is None else str(error),
        "candles": result.candles,
        "first": _instant(result.first),
        "last": _instant(result.last),
        "signals_due_since": _instant(result.due_since),
        "derived": result.derived,
        "listed": result.listed,
        "other_settings": result.other_settings,
        "ahead": result.ahead,
        "differences": _differences(result),
    }


def _differences(result: Audited) -> Sequence[dict[str, object]]:
    return [difference_fields(difference) for difference in result.differences]


def _instant(at: Instant | None) -> str | None:
    return None if at is None else format_instant(at)

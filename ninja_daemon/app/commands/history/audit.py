"""``ninja-daemon audit``: the broker's history, or files, against what was listed and stored."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ninja_daemon.adapters.candle_files.opening import open_candles
from ninja_daemon.adapters.journal.history.audits import OWN
from ninja_daemon.app.audits.results import result_lines
from ninja_daemon.app.audits.running import AuditRun, result_fields
from ninja_daemon.app.candles.asking import chosen_strategies, typed_open
from ninja_daemon.app.candles.file_history import file_history
from ninja_daemon.app.candles.options import FileOptions, require_files
from ninja_daemon.app.candles.series import expected_granularity, strategies_for
from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.queues.opening import audits_file
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.app.shared_options import AS_JSON, STRATEGIES
from ninja_daemon.app.status.exact_json import exact_json
from ninja_daemon.app.why.committed import read_records, with_seen
from ninja_daemon.core.errors import NinjaError
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.signals.strategy import Strategy
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
_NICE: Final = 19


def audit(
    *,
    strategy: STRATEGIES = None,
    since: SINCE = None,
    candles: CANDLES = None,
    files: FileOptions,
    anew: Annotated[bool, typer.Option("--anew", help="Do not go on with one that was cut short.")] = False,
    own: Annotated[bool, typer.Option("--own", hidden=True)] = False,
    as_json: AS_JSON = False,
) -> None:
    """Compare cursor, side, averages, listed signals and outcomes with what the broker's history gives."""
    first: Instant | None = typed_open("--since", since)
    require_files("--candles", candles, files)
    environ, product = running_environ()
    environment, configuration = load_settings(environ)
    chosen = chosen_strategies(configuration, strategy or ())
    if not own:
        say_found(product)
    if candles:
        records = read_records(environment, chosen)
        made = _over_files(candles, files, chosen, records, first, are_named=bool(strategy))
    else:
        made = _over_broker(environment, chosen, first, anew=anew, own=own)
    results = [result if own or as_json else _shown(result) for result in made]
    if as_json:
        typer.echo(exact_json({"strategies": results}))
    if any(result["error"] is not None or result["differences"] for result in results):
        raise typer.Exit(1)


def _shown(result: Mapping[str, Any]) -> Mapping[str, Any]:
    for line in result_lines(result):
        typer.echo(line)
    return result


def _over_broker(
    environment: Environment, chosen: Sequence[Strategy], first: Instant | None, *, anew: bool, own: bool
) -> Iterator[Mapping[str, Any]]:
    """Audit one strategy after the other; what is found is handed over as it comes."""
    from ninja_daemon.app.wiring import candle_source

    if own:
        with suppress(OSError):  # the service's sandbox may refuse it; nothing is due while we run
            os.nice(_NICE)
    records = read_records(environment, chosen)
    with closing(audits_file(environment)) as file, closing(candle_source(environment)) as source:
        run = AuditRun(file, OWN if own else f"since {first}", is_own=own)
        done = {} if anew or own else run.going_on(chosen)
        for each in chosen:
            record = with_seen(environment, each.name, records[each.name])
            yield run.result(source, each, record, first, done.get(each.name))
        run.end()


def _over_files(
    paths: Sequence[Path],
    options: FileOptions,
    strategies: Sequence[Strategy],
    records: Mapping[str, Record],
    first: Instant | None,
    *,
    are_named: bool,
) -> Iterator[Mapping[str, Any]]:
    """Audit the strategies that files fit, from the first candle of the files that can be judged."""
    with open_candles(paths, options.said(), expected=expected_granularity(paths)) as opened:
        join = options.timeframe()
        chosen = strategies_for(paths, opened, strategies, join, are_named=are_named, option="--candles")
        source = file_history(opened, chosen)
        if opened.report is not None:
            typer.echo(opened.report.paragraph(), err=True)
    for each in chosen:
        try:
            since = max(first or 0, source.first_judged(each))
        except NinjaError as error:
            yield result_fields(Audited(each, error, listed=len(records[each.name].signals)))
        else:
            yield result_fields(audit_over(source, each, records[each.name], since, to_the_newest=False))

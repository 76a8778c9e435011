"""``ninja-daemon replay``: the daemon's own engine over history."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from ninja_daemon.adapters.files.csv_candles import MOST_DECIMALS, CandleFile, MoreDecimals, named_series
from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.strategies import Configuration, load_settings
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant, parse_typed_instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Rules, Strategy
from ninja_daemon.usecases.replay import Engine, Replayed, Span, read_history, replay as replay_over

if TYPE_CHECKING:
    from rich.progress import Progress

_PATIENCE: Final = 2.0
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
        Path | None,
        typer.Option(
            "--csv",
            exists=True,
            dir_okay=False,
            readable=True,
            metavar="FILE",
            help="Candles from a file, time,open,high,low,close,volume, instead of the broker. A name like "
            "EUR_USD_H4.csv says which series it is.",
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
    decimals: Annotated[
        int | None,
        typer.Option(
            min=0, max=MOST_DECIMALS, help="Digits after the point of the file's prices. Left out: as written."
        ),
    ] = None,
    engine: Annotated[
        Engine, typer.Option(help="batch: many candles at once. step: one by one, as the daemon does; the same result.")
    ] = Engine.BATCH,
    as_json: Annotated[bool, typer.Option("--json", help="An array of signals, as they would be listed.")] = False,
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="One signal a line, as they would be listed.")] = False,
) -> None:
    """Run the daemon's own engine over history and print its signals."""
    if as_json and as_jsonl:
        _refuse("--jsonl", "must not be given together with --json")
    if decimals is not None and csv is None:
        _refuse("--decimals", "must be given together with --csv: the broker says how it writes its prices")
    span = Span(_instant("--from", since), _instant("--to", until, last_of_day=True))
    environment, configuration = load_settings()
    chosen = _chosen(configuration, strategy or (), None if csv is None else named_series(csv))
    if csv is not None:
        reports = _over_file(csv, _same_series(chosen), decimals, span, engine)
    else:
        reports = _over_broker(environment, chosen, span, engine)
    signals = sorted((signal for report in reports for signal in report.signals), key=lambda each: each.close_time)
    _print(signals, as_json=as_json, as_jsonl=as_jsonl)
    for report in reports:
        typer.echo(_summary(report), err=True)


# --- what to replay --------------------------------------------------------------------------------------------------


def _chosen(
    configuration: Configuration, names: Sequence[str], file: tuple[str, Granularity] | None
) -> Sequence[Strategy]:
    """Return the strategies that are named, or all of them, as far as the file is of their series."""
    known = {strategy.name: strategy for strategy in configuration.strategies}
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else f": {', '.join(known) or 'there is none'}"
            _refuse("--strategy", f"must be one of {configuration.path}, was {name[:64]!r}{hint}")
    chosen = [known[name] for name in dict.fromkeys(names)] if names else list(configuration.strategies)
    if file is not None:
        fitting = [strategy for strategy in chosen if (strategy.instrument, strategy.granularity) == file]
        if not fitting or (names and len(fitting) < len(chosen)):
            wrong = ", ".join(strategy.name for strategy in chosen if strategy not in fitting) if names else "none does"
            _refuse("--csv", f"the file's name says {file[0]} {file[1].name}; a strategy must read that, {wrong}")
        chosen = fitting
    if not chosen:
        _refuse("--strategy", f"there is no strategy in {configuration.path}")
    return chosen


def _same_series(chosen: Sequence[Strategy]) -> Sequence[Strategy]:
    series = {(strategy.instrument, strategy.granularity) for strategy in chosen}
    if len(series) > 1:
        names = ", ".join(strategy.name for strategy in chosen)
        _refuse(
            "--strategy",
            f"must be strategies of the one series in the file, were {names}; name one, or the file "
            "like EUR_USD_H4.csv",
        )
    return chosen


def _instant(option: str, text: str | None, *, last_of_day: bool = False) -> Instant | None:
    if text is None:
        return None
    text = text.strip()
    try:
        if len(text) == len("2026-01-31"):
            day = date.fromisoformat(text)
            start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
            return start + 86_399 if last_of_day else start
        return parse_typed_instant(text)
    except ValueError:
        _refuse(option, f"must be like 2026-01-31 or 2026-01-31T10:00:00Z, was {text[:40]!r}")


def _refuse(option: str, message: str) -> NoReturn:
    raise typer.BadParameter(message, param_hint=option)


# --- where the candles come from -------------------------------------------------------------------------------------


def _over_file(
    path: Path, chosen: Sequence[Strategy], decimals: int | None, span: Span, engine: Engine
) -> Sequence[Replayed]:
    def read(places: int, *, likely: bool = False) -> Sequence[Replayed]:
        with _progress(f"reading {path.name}", path.stat().st_size) as bar:
            file = CandleFile(path, chosen[0].granularity, bar.advance)
            instrument = Instrument.from_decimals(chosen[0].instrument, places)
            rules = [Rules(strategy, instrument) for strategy in chosen]
            return replay_over(rules, file.candles(places, likely=likely), span, engine)

    if decimals is not None:
        return read(decimals)
    # Nearly every file writes all its prices alike; to look through it for one that it does not takes as long again.
    file = CandleFile(path, chosen[0].granularity)
    try:
        return read(file.likely_decimals(), likely=True)
    except MoreDecimals:
        return read(file.decimals())


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
            with _progress(f"reading {series}", None) as bar:
                warm_up = max(strategy.warm_up for strategy in own)
                history = read_history(source, series, span, warm_up, bar.advance)
            rules = [Rules(strategy, history.instrument) for strategy in own]
            reports.extend(replay_over(rules, history.parts, history.span, engine))
    finally:
        source.close()
    return reports


def _series_name(strategy: Strategy) -> str:
    return str(strategy.series)


class _Bar:
    """A progress bar on a terminal's standard error, for what takes longer than two seconds; silent anywhere else."""

    def __init__(self, what: str, total: int | None) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._clock = SystemClock()
        self._begun = self._clock.monotonic()
        self._progress: Progress | None = None

    def advance(self, amount: int) -> None:
        """Say that so much more has come."""
        self._done += amount
        if self._progress is None and sys.stderr.isatty() and self._clock.monotonic() - self._begun >= _PATIENCE:
            self._progress = self._shown()
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=self._done)

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()

    def _shown(self) -> Progress:
        from rich.console import Console
        from rich.progress import Progress

        progress = Progress(console=Console(stderr=True), transient=True)
        progress.add_task(self._what, total=self._total)
        progress.start()
        return progress


@contextmanager
def _progress(what: str, total: int | None) -> Iterator[_Bar]:
    bar = _Bar(what, total)
    try:
        yield bar
    finally:
        bar.close()


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

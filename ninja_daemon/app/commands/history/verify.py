"""``ninja-daemon verify``: check an exported record of signals and outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from ninja_daemon.adapters.candle_files.layout import Options
from ninja_daemon.adapters.candle_files.naming import named_series
from ninja_daemon.adapters.candle_files.opening import open_candles
from ninja_daemon.adapters.stored.record import Findings, check
from ninja_daemon.app.candles.options import refuse
from ninja_daemon.app.candles.series import NO_QUOTES, instrument_of, larger_of
from ninja_daemon.app.record.verification import derive, recorded_strategies
from ninja_daemon.app.status.exact_json import exact_json
from ninja_daemon.core.errors import CalendarUnreadable, NinjaError
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.instrument import PriceSide, Series
from ninja_daemon.core.market.news import NO_CALENDAR, Calendar
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.history.broker_history import BrokerHistory
from ninja_daemon.usecases.replay import Span

_MOST_SAID: Final = 20
RECORD = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, readable=True, metavar="FILE", help="Made by signals --export.")
]
CANDLES = Annotated[
    list[Path] | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        readable=True,
        metavar="CSV",
        help="Candles, named like EUR_USD_H4.csv; repeatable.",
    ),
]


def verify(
    file: RECORD,
    *,
    candles: CANDLES = None,
    broker: Annotated[bool, typer.Option("--broker", help="Ask the broker for the candles.")] = False,
    head: Annotated[str | None, typer.Option(metavar="HEX", help="The chain at which the record must end.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Counts and problems as JSON.")] = False,
) -> None:
    """Check an exported record of signals and outcomes."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        found = check(lines, head)
    derived: list[tuple[str, list[str]]] = []
    # What is not a whole record cannot be derived again.
    if not found.problems:
        derived = [*_from_files(found, candles or ()), *(_from_broker(found) if broker else ())]
    problems = [*found.problems, *(problem for _, differences in derived for problem in differences)]
    say = _print_json if as_json else _print
    say(found, problems, [name for name, _ in derived])
    raise typer.Exit(1 if problems else 0)


def _print_json(found: Findings, problems: Sequence[str], series: Sequence[str]) -> None:
    counts = {"lines": found.lines, "signals": len(found.signals), "outcomes": len(found.outcomes)}
    typer.echo(exact_json({"ok": not problems, **counts, "head": found.head, "derived": series, "problems": problems}))


def _print(found: Findings, problems: Sequence[str], series: Sequence[str]) -> None:
    for problem in problems[:_MOST_SAID]:
        typer.echo(problem)
    if len(problems) > _MOST_SAID:
        typer.echo(f"… and {len(problems) - _MOST_SAID} more")
    typer.echo(found.summary)
    if series and not problems:
        typer.echo(f"every digit again: {', '.join(series)}")
    typer.echo(_verdict(len(problems), derived=bool(series)))


def _verdict(problems: int, *, derived: bool) -> str:
    if problems:
        return f"verdict: not as it was written, {counted(problems, 'problem')}"
    what = "and every signal and outcome follows from its candles" if derived else "the candles were not asked"
    return f"verdict: whole and unchanged, {what}"


def _from_files(found: Findings, paths: Sequence[Path]) -> Iterator[tuple[str, list[str]]]:
    for path in paths:
        named = named_series(path)
        if named is None:
            refuse("--candles", f"the name must say the series, like EUR_USD_H4.csv, was {path.name}")
        with open_candles([path], Options(), expected=named[1]) as opened:
            history = BrokerHistory(instrument_of(named[0], opened), list(opened.columns(named[1])), Span())
            own = {each.series for each in recorded_strategies(found).values() if each.series[:2] == named}
            for series in sorted(own, key=str) or [Series(*named, PriceSide.MID)]:
                if any(each.needs_spread for each in recorded_strategies(found).values() if each.series == series):
                    yield str(series), [f"{series}: not derived: {NO_QUOTES}; take --broker"]
                    continue
                try:
                    calendar = _calendar(found, series)
                except NinjaError as error:
                    yield str(series), [f"{series}: not derived: {error}"]
                    continue
                larger = partial(larger_of, opened)
                yield str(series), list(derive(found, series, history, larger, calendar))


def _calendar(found: Findings, series: Series) -> Calendar:
    """Return the scheduled news that the daemon of this machine has kept, where a recorded strategy went by them."""
    if all(each.quiet is None for each in recorded_strategies(found).values() if each.series == series):
        return NO_CALENDAR
    from ninja_daemon.app.news.known import kept_calendar
    from ninja_daemon.app.process.running import running_environ
    from ninja_daemon.app.settings.environment import read_environment

    calendar = kept_calendar(read_environment(running_environ()[0]))
    if calendar is None:
        message = "what the calendar said is known to the machine that listed the signals: verify them there"
        raise CalendarUnreadable(message)
    return calendar


def _from_broker(found: Findings) -> Iterator[tuple[str, list[str]]]:
    from ninja_daemon.app.process.running import running_environ
    from ninja_daemon.app.settings.environment import read_environment
    from ninja_daemon.app.wiring import candle_source
    from ninja_daemon.usecases.history.broker_history import read_history
    from ninja_daemon.usecases.history.larger_history import read_larger

    strategies = list(recorded_strategies(found).values())
    first = min((parse_instant(line["entry"]["time"]) for line in found.signals.values()), default=None)
    source = candle_source(read_environment(running_environ()[0]))
    try:
        for series in sorted({each.series for each in strategies}, key=str):
            own = [each for each in strategies if each.series == series]
            warm_up, is_quoted = max(each.warm_up for each in own), any(each.needs_spread for each in own)
            try:
                history = read_history(source, series, Span(since=first), warm_up, with_spreads=is_quoted)
                larger = partial(read_larger, source, since=int(history.parts[0].time[0]))
                differences = list(derive(found, series, history, larger, _calendar(found, series)))
            except NinjaError as error:
                differences = [f"{series}: not derived: {error}"]
            yield str(series), differences
    finally:
        source.close()

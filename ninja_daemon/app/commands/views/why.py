"""``ninja-daemon why``: what was decided at each candle, and one signal with every number behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ninja_daemon.app.audits.results import difference_words
from ninja_daemon.app.candles.asking import progress_bar, typed_open
from ninja_daemon.app.candles.options import refuse
from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.news.known import known_calendar
from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.app.shared_options import AS_JSON
from ninja_daemon.app.signal_history.reading import listed_signal
from ninja_daemon.app.status.exact_json import exact_json
from ninja_daemon.app.why.committed import read_records, with_seen
from ninja_daemon.app.why.decision_words import decision_fields, signal_fields, signal_lines, unjudged_words
from ninja_daemon.app.why.noted import NOTHING, evaluated_line, now, read_notes, unevaluated
from ninja_daemon.app.why.signal_story import read_story, story_fields, story_lines
from ninja_daemon.core.errors import StateError
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.words import meant
from ninja_daemon.usecases.proof.derivation import Derived, derive, newest
from ninja_daemon.usecases.proof.difference import Difference
from ninja_daemon.usecases.proof.judgement import judge, verified
from ninja_daemon.usecases.proof.record import as_listed
from ninja_daemon.usecases.replay import Span

if TYPE_CHECKING:
    from ninja_daemon.core.signals.decisions import Decision
    from ninja_daemon.usecases.proof.noted import Notes

_ID: Final = re.compile(r"[0-9a-f]{8,32}", re.ASCII)
_NEWEST: Final = 24
"""Candles that are shown when nothing says which."""
_MANY: Final = 200
"""Candles above which the table shows crosses and near ones only."""
_WHEN: Final = "A date, or a candle's open: 2026-11-24 or 2026-11-24T10:00:00Z."


def why(
    what: Annotated[str, typer.Argument(metavar="STRATEGY|ID", help="A strategy, or the id of a listed signal.")],
    *,
    day: Annotated[
        str | None, typer.Option("--on", metavar="DATE", help="The candles that opened on this day.")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="WHEN", help=f"The first one. {_WHEN}")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="WHEN", help=f"The last one, included. {_WHEN}")] = None,
    crosses: Annotated[bool, typer.Option("--crosses", help="Only crosses and near ones.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="With an ID: only whether every digit is right.")] = False,
    as_json: AS_JSON = False,
) -> None:
    """Show what was decided at each candle, derived again from the broker's candles."""
    environ, product = running_environ()
    environment, configuration = load_settings(environ)
    known = {strategy.name: strategy for strategy in configuration.strategies}
    if what not in known and not _ID.fullmatch(what):
        _refuse_unknown(what, known)
    span = _span(day, since, until)
    _require_fitting(span, is_strategy=what in known, verify=verify, crosses=crosses)
    say_found(product)
    if what in known:
        differences = _show_strategy(environment, known[what], span, crosses=crosses, as_json=as_json)
    else:
        differences = _show_signal(environment, configuration, what, verify=verify, as_json=as_json)
    if differences:
        raise typer.Exit(1)


def _refuse_unknown(what: str, known: dict[str, Strategy]) -> None:
    hint = meant(what, known) or f"; there are: {', '.join(known)}"
    refuse("STRATEGY|ID", f"must be a strategy, or 8 to 32 hex digits of a signal's id, was {what[:64]!r}{hint}")


def _require_fitting(span: Span, *, is_strategy: bool, verify: bool, crosses: bool) -> None:
    """Refuse options of a signal for a strategy, and those of a strategy for a signal."""
    if is_strategy and verify:
        refuse("--verify", "must be given together with the id of a signal; a strategy is always compared")
    if not is_strategy and (span != Span() or crosses):
        refuse("STRATEGY|ID", "must be a strategy when --on, --from, --to or --crosses is given")


def _span(day: str | None, since: str | None, until: str | None) -> Span:
    if day is not None:
        if since is not None or until is not None:
            refuse("--on", "must not be given together with --from or --to")
        if len(day.strip()) != len("2026-11-24"):
            refuse("--on", f"must be a date like 2026-11-24, was {day[:40]!r}")
        since = until = day
        return Span(typed_open("--on", since), typed_open("--on", until, last_of_day=True))
    return Span(typed_open("--from", since), typed_open("--to", until, last_of_day=True))


def _derived(environment: Environment, strategy: Strategy, span: Span, known: Instrument | None) -> Derived:
    from ninja_daemon.app.wiring import candle_source

    with closing(candle_source(environment)) as source, progress_bar(f"reading {strategy.series}", None) as bar:
        calendar = known_calendar(environment, [strategy])
        return derive(source, strategy, span, known=known, calendar=calendar, progress=bar.advance)


# --- a strategy ------------------------------------------------------------------------------------------------------


def _show_strategy(
    environment: Environment, strategy: Strategy, span: Span, *, crosses: bool, as_json: bool
) -> Sequence[Difference]:
    record = with_seen(environment, strategy.name, read_records(environment, [strategy])[strategy.name])
    derived = _derived(environment, strategy, span, record.loaded.instrument)
    if span.since is None and not crosses:
        derived = newest(derived, _NEWEST)
    judged = judge(derived, record, to_the_newest=span.until is None)
    derived, comparison = judged.derived, judged.comparison
    whole = strategy.range_whole
    is_long = derived.stop - derived.start > _MANY and not as_json
    shown = [
        decision
        for decision in derived.decisions()
        if not (crosses or is_long) or decision.cross is not None or decision.is_near(whole)
    ]
    _say_first(derived, comparison.differences, err=as_json)
    opens = [int(time) for time in derived.candles.time[derived.start : derived.stop]]
    notes = read_notes(environment, strategy.name, opens[0], now()) if opens else NOTHING
    if as_json:
        fields = (decision_fields(derived.rules, one, notes.evaluations.get(one.candle.time)) for one in shown)
        typer.echo(exact_json(list(fields)))
    else:
        _print_table(derived, shown, notes)
        if is_long and not crosses:
            typer.echo(f"crosses and near ones of {derived.stop - derived.start:,} candles; all of them: --json")
        due = (opens[0], now() if span.until is None else min(now(), span.until)) if opens else (0, 0)
        for line in unevaluated(strategy, notes, record.loaded.cursor, due, set(opens)):
            typer.echo(line)
    return comparison.differences


def _say_first(derived: Derived, differences: Sequence[Difference], *, err: bool) -> None:
    for difference in differences:
        typer.echo(difference_words(difference), err=err)
    if derived.unjudged is not None:
        typer.echo(unjudged_words(derived.rules.strategy, derived.unjudged), err=err)


def _print_table(derived: Derived, shown: Sequence[Decision], notes: Notes) -> None:
    from rich.console import Console

    from ninja_daemon.app.why.decision_table import decision_table

    console = Console()
    if shown:
        console.print(decision_table(derived.rules, shown, console.width, notes))
    else:
        console.print("no such candle")


# --- a signal --------------------------------------------------------------------------------------------------------


def _show_signal(
    environment: Environment, configuration: Configuration, start: str, *, verify: bool, as_json: bool
) -> Sequence[Difference]:
    listed = listed_signal(environment, start)
    strategy = next((each for each in configuration.strategies if each.name == listed.strategy), None)
    if strategy is None:
        message = f"the signal is of {listed.strategy}, which must be in {configuration.path}: its settings are needed"
        raise StateError(message)
    derived = _derived(environment, strategy, Span(listed.time, listed.time), None)
    record = with_seen(environment, strategy.name, read_records(environment, [strategy])[strategy.name])
    difference, derived = verified(derived, record, listed), as_listed(derived, record)
    index = derived.index_of(listed.time)
    evaluation = read_notes(environment, listed.strategy, listed.time, listed.time).evaluations.get(listed.time)
    is_followed = listed.id in record.terms
    story = read_story(environment, listed.id, record.outcomes.get(listed.id), is_followed=is_followed)
    if as_json:
        fields = signal_fields(derived, listed, index, difference, evaluation)
        typer.echo(exact_json({**fields, **story_fields(story)}))
    elif verify:
        typer.echo("every digit again" if difference is None else difference_words(difference))
    else:
        lines = [*signal_lines(derived, listed, index, difference), evaluated_line(evaluation), *story_lines(story)]
        typer.echo("\n".join(lines))
    return [] if difference is None else [difference]

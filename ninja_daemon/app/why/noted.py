"""What this machine noted of evaluations, read for people; a file that is not there is none, and is not made."""

from __future__ import annotations

from collections.abc import Container, Sequence
from contextlib import closing
from itertools import islice
from typing import Final

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.journal.history.evaluations import SqliteEvaluations
from ninja_daemon.app.queues.opening import evaluations_file
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.core.market.instant import Instant, format_instant, format_moment
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.proof.evaluations import Became, CloseJudge, CloseVerdict
from ninja_daemon.usecases.proof.noted import Evaluation, Notes

_MOST: Final = 5_000
"""Closes that are judged one by one."""
NOTHING: Final = Notes({})


def read_notes(environment: Environment, strategy: str, since: Instant, until: Instant) -> Notes:
    """Return what was noted of candles that opened in a span, both ends included."""
    with closing(evaluations_file(environment)) as file:
        return _notes(file, strategy, since, until)


def _notes(file: SqliteEvaluations, strategy: str, since: Instant, until: Instant) -> Notes:
    try:
        return file.notes(strategy, since, until) if file.path.exists() else NOTHING
    except (JournalUnavailable, OSError):
        return NOTHING


def unevaluated(
    strategy: Strategy, notes: Notes, cursor: Instant | None, span: tuple[Instant, Instant], known: Container[Instant]
) -> list[str]:
    """Say which scheduled closes of a span were not evaluated; those far behind the first ones are summed up."""
    found = CloseJudge(strategy, notes, cursor, known).each(*span)
    lines = absence_lines([one for one in islice(found, _MOST) if one.became is Became.NOT_EVALUATED])
    later = next((one for one in found if one.became is Became.NOT_EVALUATED), None)
    return (
        lines
        if later is None
        else [*lines, f"NOT EVALUATED the close of {format_instant(later.close)}, and later ones"]
    )


def absence_lines(verdicts: Sequence[CloseVerdict]) -> list[str]:
    """Say what was not evaluated: one line for each run of closes with the same reason."""
    lines: list[str] = []
    run: list[CloseVerdict] = []
    for one in verdicts:
        if run and (one.why, one.since) != (run[-1].why, run[-1].since):
            lines.append(_run_line(run))
            run = []
        run.append(one)
    return [*lines, _run_line(run)] if run else lines


def _run_line(run: Sequence[CloseVerdict]) -> str:
    first, last = run[0], run[-1]
    closes = f"the close of {format_instant(first.close)}"
    if len(run) > 1:
        closes = f"{counted(len(run), 'close')} from {format_instant(first.close)} to {format_instant(last.close)}"
    since = "" if first.since is None else f", since {format_instant(first.since)}"
    return f"NOT EVALUATED {closes}: {first.why}{since}"


def evaluated_at(evaluation: Evaluation | None) -> str | None:
    """Return when a candle was taken in, for ``--json``."""
    return None if evaluation is None else format_moment(evaluation.at)


def evaluated_line(evaluation: Evaluation | None) -> str:
    """Say when a candle was taken in and by whom."""
    if evaluation is None:
        return "taken in  not noted on this machine"
    return f"taken in  {format_moment(evaluation.at)} by {evaluation.by}, averages {evaluation.start}"


def now() -> Instant:
    """Return the time of this moment, to which closes are due."""
    return int(SystemClock().now())

"""``replay --compare``: two configurations over one history, each candle read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.app.candles.asking import chosen_strategies
from ninja_daemon.app.candles.options import refuse
from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.record.report import Report, json_fields
from ninja_daemon.app.replays.comparison_words import Compared, ReplayComparison, words
from ninja_daemon.app.replays.running import Replaying, ReplaySource
from ninja_daemon.app.replays.telling import replayed_report
from ninja_daemon.app.settings.strategies import load_configuration
from ninja_daemon.app.status.exact_json import exact_json
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.sweeps.differences import differences
from ninja_daemon.usecases.replay import Engine, Replayed


def compare(source: ReplaySource, configuration: Configuration, path: Path, *, as_json: bool) -> None:
    """Replay both, and tell what differs.

    Args:
        source: where the candles come from.
        configuration: the one in use.
        path: the file of the other.
        as_json: how it is told.

    Raises:
        ConfigError: the other file cannot work.
    """
    other = load_configuration(replace(source.environment, config_path=path))
    both = [_named(each, source.wanted.strategy or ()) for each in (configuration, other)]
    if not any(both):
        chosen_strategies(configuration, source.wanted.strategy or ())
        refuse("--compare", f"there is no strategy in {configuration.path} and {path}")
    reports = source.over(list(dict.fromkeys([*both[0], *both[1]])), Replaying(Engine.BATCH, follow=True))
    found = {report.rules.strategy: report for report in reports}
    first, second = ([found[each] for each in strategies if each in found] for strategies in both)
    made = ReplayComparison(
        (str(configuration.path), str(path)),
        [Compared(*names, differences(*signals)) for names, signals in _paired(first, second)],
        (replayed_report(first), replayed_report(second)),
        {one.id: one for report in reports if report.followed for one in report.followed.outcomes},
    )
    typer.echo(exact_json(_fields(made)) if as_json else "\n".join(words(made)))


def _named(configuration: Configuration, names: Sequence[str]) -> Sequence[Strategy]:
    return [each for each in configuration.strategies if not names or each.name in names]


def _paired(
    first: Sequence[Replayed], second: Sequence[Replayed]
) -> Iterator[tuple[tuple[str | None, str | None], tuple[Sequence[Signal], Sequence[Signal]]]]:
    """Pair strategies by their names; where each side has one only, these two."""
    before, after = ({one.rules.strategy.name: one for one in side} for side in (first, second))
    if len(before) == len(after) == 1:
        (one, other) = (*before, *after)
        yield (one, other), (before[one].signals, after[other].signals)
        return
    for name in dict.fromkeys([*before, *after]):
        names = name if name in before else None, name if name in after else None
        yield names, (before[name].signals if name in before else (), after[name].signals if name in after else ())


def _fields(made: ReplayComparison) -> dict[str, Any]:
    return {
        "strategies": [_strategy(each, made.outcomes) for each in made.strategies],
        "reports": [_report(path, report) for path, report in zip(made.paths, made.reports, strict=True)],
    }


def _strategy(each: Compared, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    found = each.differences
    return {
        "strategy": each.first,
        "other": each.second,
        "same": found.same,
        "gone": [_signal(one, outcomes) for one in found.gone],
        "added": [_signal(one, outcomes) for one in found.added],
        "changed": [
            {"fields": list(one.fields), "was": _signal(one.was, outcomes), "now": _signal(one.now, outcomes)}
            for one in found.changed
        ],
    }


def _signal(one: Signal, outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    from ninja_daemon.adapters.stored.record import parsed  # noqa: PLC0415 - the words need none

    outcome = outcomes.get(one.id)
    ended = None if outcome is None else {"result": outcome.result.value, "r": outcome.r, "net_r": outcome.net_r}
    return {**parsed(encode_signal(one)), "outcome": ended}


def _report(path: str, report: Report) -> dict[str, Any]:
    return {"configuration": path, **json_fields(report)}

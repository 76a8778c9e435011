"""What audits found: added up, and as lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ninja_daemon.adapters.journal.history.audits import OWN, KeptAudit
from ninja_daemon.adapters.network.redaction import escaped
from ninja_daemon.app.queues.opening import audits_file
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.words import counted

if TYPE_CHECKING:
    from ninja_daemon.usecases.proof.difference import Difference

_SHOWN: Final = 5
"""Differences that an alert quotes."""


class AuditSummary(NamedTuple):
    """What the daemon's own audits on this machine found.

    Attributes:
        strategies: how many were audited.
        oldest: when the one was that is longest ago, epoch seconds.
        newest: when the last one was.
        differences: by kind.
    """

    strategies: int
    oldest: int
    newest: int
    differences: Mapping[str, int]


def summary_of(results: Iterable[KeptAudit]) -> AuditSummary | None:
    """Add results up; None where there are none."""
    known = list(results)
    if not known:
        return None
    kinds = Counter(str(one["kind"]) for each in known for one in each.result["differences"])
    times = [each.at for each in known]
    return AuditSummary(len(known), min(times), max(times), dict(sorted(kinds.items())))


class Noted(NamedTuple):
    """What this machine noted and found.

    Attributes:
        audit: of its own audits; None before the first.
        nearest: by strategy, how near its averages were at a close, and the open of that candle.
    """

    audit: AuditSummary | None
    nearest: Mapping[str, tuple[Decimal, Instant]]


def read_noted(environment: Environment, names: Iterable[str], since: Instant) -> Noted:
    """Return what was found of strategies, and noted of them since an instant; nothing where nothing is there."""
    wanted = set(names)
    with suppress(JournalUnavailable, OSError), closing(audits_file(environment)) as file:
        if file.path.exists():
            found = [one for one in file.kept(OWN) if one.strategy in wanted]
            return Noted(summary_of(found), file.nearest(since))
    return Noted(None, {})


def kinds_words(differences: Mapping[str, int]) -> str:
    """Say how many differences of which kind there are."""
    if not differences:
        return "no difference"
    total = counted(sum(differences.values()), "difference")
    return f"{total} ({', '.join(f'{count} × {kind}' for kind, count in differences.items())})"


def difference_fields(difference: Difference) -> dict[str, object]:
    """Return a difference for ``--json``."""
    return {
        "strategy": difference.strategy,
        "kind": difference.kind.value,
        "time": None if difference.time is None else format_instant(difference.time),
        "field": difference.field,
        "listed": difference.stored,
        "derived": difference.derived,
        "meaning": difference.meaning,
    }


def difference_words(difference: Difference) -> str:
    """Say a difference in one line."""
    return difference_line(difference_fields(difference))


def result_lines(result: Mapping[str, Any]) -> Iterator[str]:
    """Say what was found of one strategy."""
    for one in result["differences"]:
        yield difference_line(one)
    yield f"{result['strategy']}: {_summary(result)}"


def difference_line(one: Mapping[str, Any]) -> str:
    """Say a difference in one line, from its fields."""
    where = "" if one["time"] is None else f" at {one['time']}"
    return escaped(
        f"DIFFERENT {one['strategy']}{where}: {one['kind']}, {one['field']} was {one['listed']}, "
        f"derived {one['derived']}; {one['meaning']}"
    )


def _summary(result: Mapping[str, Any]) -> str:
    if result["error"] is not None:
        return f"not audited: {result['error']}"
    if result["first"] is None or result["last"] is None:
        return "nothing was committed yet"
    count = len(result["differences"])
    words = [
        f"{result['candles']:,} candles, {result['first']} to {result['last']}",
        f"{result['derived']:,} signals derived, {result['listed']:,} listed",
        f"{result['ended']:,} outcomes derived, {result['outcomes']:,} listed",
        "no difference" if not count else counted(count, "difference"),
    ]
    if result["other_settings"]:
        words.append(f"{result['other_settings']:,} listed under other settings, not compared")
    if result["ahead"]:
        words.append(f"{result['ahead']:,} newer not taken in yet")
    return "; ".join(words)


def alert_text(fresh: Sequence[KeptAudit]) -> str:
    """Write the one alert about what the daemon's own audit found."""
    found: list[Mapping[str, object]] = [one for each in fresh for one in each.result["differences"]]
    new = sum(one.fresh for one in fresh)
    head = (
        f"The audit found {counted(new, 'new difference')} in {counted(len(fresh), 'strategy')}. Nothing was changed."
    )
    lines = [head, *(difference_line(one).removeprefix("DIFFERENT ") for one in found[:_SHOWN])]
    if len(found) > _SHOWN:
        lines.append(f"{len(found) - _SHOWN} more.")
    return "\n".join([*lines, "See: ninja-daemon audit"])

"""What the daemon's own audits on this machine found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ninja_daemon.app.audits.results import kinds_words, read_noted
from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.words import counted, duration

_SUBJECT: Final = "the daemon's own audit"
_LATE: Final = 3
"""Times of its distance after which an audit is late."""


def check_audits(
    environment: Environment, strategies: Sequence[Strategy], every: float | None, now: float
) -> Iterator[Finding]:
    """Say what was found last, and whether it was long ago."""
    found = read_noted(environment, [one.name for one in strategies], int(now)).audit
    if found is None:
        return
    last = f"{counted(found.strategies, 'strategy')}, last {format_instant(found.newest)}"
    if found.differences:
        cause = f"{kinds_words(found.differences)} in {last}"
        yield Finding(Level.WARNING, "audit.differences", _SUBJECT, cause, "ninja-daemon audit says each")
    elif every is not None and now - found.oldest > _LATE * every:
        cause = f"a strategy was audited {duration(now - found.oldest)} ago, and it is to be every {duration(every)}"
        cure = "look for audit.failed in the log of the daemon, or run ninja-daemon audit"
        yield Finding(Level.WARNING, "audit.late", _SUBJECT, cause, cure)
    else:
        yield Finding(Level.OK, "audit.differences", _SUBJECT, f"no difference in {last}")

"""One audit as it goes: what it finds is kept strategy by strategy, so that one that is cut short goes on later."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import typer

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.journal.history.audits import KeptAudit, SqliteAudits
from ninja_daemon.app.audits.results import difference_fields
from ninja_daemon.app.candles.asking import progress_bar
from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.core.market.instant import Instant, format_instant, format_moment
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.candle_ports import HistorySource
from ninja_daemon.usecases.proof.audit import Audited, audit as audit_over
from ninja_daemon.usecases.proof.record import Record

_GOES_ON: Final = 86_400
"""Seconds for which an audit that was cut short can be gone on with."""
_PAUSE: Final = 0.1
"""Seconds between two requests of the daemon's own audit: a tenth of what the broker allows."""


@dataclass(frozen=True, slots=True)
class AuditRun:
    """One audit, whose results are kept as they come.

    Attributes:
        file: where they are kept; that they cannot be is no reason to end.
        name: of the audit.
        is_own: the daemon asked for it.
    """

    file: SqliteAudits
    name: str
    is_own: bool

    def going_on(self, chosen: Sequence[Strategy]) -> Mapping[str, KeptAudit]:
        """Return what was found before this audit was cut short, and say so."""
        settings = {each.name: each.settings_hash for each in chosen}
        done: Mapping[str, KeptAudit] = {}
        with suppress(JournalUnavailable, OSError):
            if self.file.path.exists():
                done = self.file.going_on(self.name, settings, SystemClock().now() - _GOES_ON)
        if done:
            last = format_moment(max(one.at for one in done.values()))[:19]
            words = f"{counted(len(done), 'strategy')} of {len(chosen)} audited until {last}Z, when it was cut short"
            typer.echo(f"{words}; going on with the others (all of them: --anew)", err=True)
        return done

    def result(
        self, source: HistorySource, strategy: Strategy, record: Record, first: Instant | None, done: KeptAudit | None
    ) -> Mapping[str, Any]:
        """Return what comes of one strategy."""
        if done is not None:
            return done.result
        with progress_bar(f"auditing {strategy.name}", record.loaded.counts.evaluated or None) as bar:
            fields = result_fields(audit_over(source, strategy, record, first, self._paced(bar.advance)))
        if fields["error"] is None:
            with suppress(JournalUnavailable, OSError):
                now = SystemClock().now()
                self.file.keep(self.name, strategy.name, strategy.settings_hash, now, json.dumps(fields))
        return fields

    def _paced(self, advance: Callable[[int], None]) -> Callable[[int], None]:
        clock, never = SystemClock(), threading.Event()

        def slowly(amount: int) -> None:
            advance(amount)
            clock.wait(never, _PAUSE)

        return slowly if self.is_own else advance

    def end(self) -> None:
        """Forget what was kept for going on."""
        if not self.is_own:
            with suppress(JournalUnavailable, OSError):
                self.file.forget(self.name)


def result_fields(result: Audited) -> dict[str, Any]:
    """Return what came of a strategy as ``audit --json`` writes it."""
    error = result.error
    return {
        "strategy": result.strategy.name,
        "error": None if error is None else str(error),
        "candles": result.candles,
        "first": _instant(result.first),
        "last": _instant(result.last),
        "signals_due_since": _instant(result.due_since),
        "derived": result.derived,
        "listed": result.listed,
        "ended": result.ended,
        "outcomes": result.outcomes,
        "other_settings": result.other_settings,
        "ahead": result.ahead,
        "differences": [difference_fields(difference) for difference in result.differences],
    }


def _instant(at: Instant | None) -> str | None:
    return None if at is None else format_instant(at)

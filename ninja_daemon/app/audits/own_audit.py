"""The daemon's own audit: while the market is closed, a child process of the lowest priority compares (contract 9.3).

A child, because an audit reads whole histories: it takes no time and no memory from the process that waits for closes,
and can be ended at any moment. What it has found is kept strategy by strategy, so that the next one goes on from there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Final, Protocol

import structlog

from ninja_daemon.adapters.journal.history.audits import OWN, KeptAudit, SqliteAudits
from ninja_daemon.app.audits.calm import is_calm, may_be_audited
from ninja_daemon.app.audits.results import AuditSummary, alert_text, kinds_words, summary_of
from ninja_daemon.app.queues.opening import audits_file
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import JournalUnavailable, StoreUnavailable
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.ports import Clock

_LOOK: Final = 30.0
"""Seconds between two looks whether an audit is due."""
_WATCH: Final = 0.5
"""Seconds between two looks at the child, and at whether it may go on."""
_AT_ONCE: Final = 50
"""Strategies that one child audits."""
_AFTER_FAILURE: Final = 3_600.0
_GOOD: Final = (0, 1)


class Led(Protocol):
    """Whose strategies are audited."""

    @property
    def strategies(self) -> Sequence[Strategy]:
        """All that are watched."""

    @property
    def led_strategies(self) -> Sequence[Strategy]:
        """Those of them that it leads now."""


class AuditChild(Protocol):
    """The process that audits."""

    def start(self) -> None:
        """Start it."""

    @property
    def code(self) -> int | None:
        """Its exit code, None while it runs."""

    def ask_to_stop(self) -> None:
        """Have it stop."""

    def wait(self) -> None:
        """Wait for its end, and insist after a while."""


def audit_child(names: Sequence[str]) -> AuditChild:
    """Return the child that audits these strategies; it has our environment."""
    from ninja_daemon.app.process.children import Child  # noqa: PLC0415 - only when one is due

    chosen = [word for name in names for word in ("--strategy", name)]
    return Child(["audit", "--own", *chosen], os.environ, None)


class OwnAudit:
    """Audits each strategy that this process leads, every so often."""

    def __init__(
        self,
        environment: Environment,
        daemon: Led,
        clock: Clock,
        alert: Callable[[str, str, str, float], None],
        every: float | None,
        child: Callable[[Sequence[str]], AuditChild] = audit_child,
    ) -> None:
        """Prepare.

        Args:
            environment: where the results lie.
            daemon: says what is watched, and what is led.
            clock: time.
            alert: tells the operator: kind, severity, text, time.
            every: seconds between two audits of a strategy; None for none. May be changed at any time.
            child: makes the process that audits.
        """
        self.every = every
        self._environment = environment
        self._daemon = daemon
        self._clock = clock
        self._alert = alert
        self._child = child
        self._stop = threading.Event()
        self._not_before = float("-inf")
        self._summary: AuditSummary | None = None
        self._log = structlog.get_logger("ninja.daemon")

    def start(self) -> Callable[[], None]:
        """Begin on a thread of its own; return what ends it."""
        thread = threading.Thread(target=self._run, name="audit", daemon=True)
        thread.start()

        def stop() -> None:
            self._stop.set()
            thread.join()

        return stop

    def summary(self) -> AuditSummary | None:
        """Return what was found last; None before the first audit."""
        return self._summary

    def _run(self) -> None:
        with closing(audits_file(self._environment)) as file:
            self._look_up(file)
            while not self._clock.wait(self._stop, _LOOK):
                self.step(file)

    def step(self, file: SqliteAudits) -> None:
        """Audit what is due, if it may be now."""
        now, every = self._clock.now(), self.every
        if every is None or self._clock.monotonic() < self._not_before or not self._may_audit():
            return
        try:
            due = self._due(file, every, now)
            if due and self._audit(due):
                left = {one.name for one in self._due(file, every, now)} & {one.name for one in due}
                if left:
                    self._fail(f"{counted(len(left), 'strategy')} could not be compared; ninja-daemon audit says why")
            if due:
                self._tell(file)
        except (JournalUnavailable, StoreUnavailable, OSError) as error:
            self._fail(str(error))

    def _due(self, file: SqliteAudits, every: float, now: float) -> list[Strategy]:
        begun, known = file.begun(now), {one.strategy: one.at for one in file.kept(OWN)}
        closed = [one for one in self._daemon.led_strategies if may_be_audited(one, int(now))]
        late = sorted((known.get(one.name, begun), one.name) for one in closed)
        names = {name for at, name in late[:_AT_ONCE] if at + every <= now}
        return [one for one in closed if one.name in names]

    def _audit(self, due: Sequence[Strategy]) -> bool:
        """Have strategies audited; tell whether that came to its end."""
        child = self._child([one.name for one in due])
        child.start()
        cut = False
        while child.code is None and not cut:
            cut = self._clock.wait(self._stop, _WATCH) or not self._may_go_on(due)
        if cut:
            child.ask_to_stop()
        child.wait()
        if not cut and child.code not in _GOOD:
            self._fail(f"`audit` ended with {child.code}")
        return not cut and child.code in _GOOD

    def _may_audit(self) -> bool:
        return is_calm(self._daemon.strategies, int(self._clock.now()))

    def _may_go_on(self, due: Sequence[Strategy]) -> bool:
        led, now = {one.name for one in self._daemon.led_strategies}, int(self._clock.now())
        return self._may_audit() and all(one.name in led and may_be_audited(one, now) for one in due)

    def _fail(self, reason: str) -> None:
        self._not_before = self._clock.monotonic() + _AFTER_FAILURE
        self._log.warning(f"strategies were not audited, next try in an hour: {reason}", event_id="audit.failed")

    def _look_up(self, file: SqliteAudits) -> Sequence[KeptAudit]:
        """Read what is known of the strategies that are watched."""
        names = {one.name for one in self._daemon.strategies}
        try:
            known = [one for one in file.kept(OWN) if one.strategy in names] if file.path.exists() else []
        except (JournalUnavailable, OSError):
            return ()
        self._summary = summary_of(known)
        return known

    def _tell(self, file: SqliteAudits) -> None:
        known = self._look_up(file)
        if self._summary is None:
            return
        words = f"{counted(self._summary.strategies, 'strategy')} audited: {kinds_words(self._summary.differences)}"
        self._log.info(words, event_id="audit.done")
        fresh = [one for one in known if one.fresh]
        if fresh:
            self._alert("audit_differences", "warning", alert_text(fresh), self._clock.now())
            file.told()

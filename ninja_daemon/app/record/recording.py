"""Keep the record up to date: after a wake that listed something, what is new in the lists is appended and chained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from ninja_daemon.adapters.journal.history.record import SqliteRecord, entries_of, settings_entry
from ninja_daemon.adapters.stored.record import check
from ninja_daemon.app.record.heads import NoPublishedHead, PublishedHead, break_with, encoded, this_machine
from ninja_daemon.core.errors import JournalUnavailable, StoreUnavailable
from ninja_daemon.core.signals.strategy import Strategy, settings_of
from ninja_daemon.usecases.wake_result import WakeResult

Histories = tuple[Sequence[str], Sequence[str]]
"""The histories of signals and of outcomes, as they were listed."""


@dataclass(slots=True)
class Recorder:
    """The record of one namespace on this machine.

    Attributes:
        record: where it lies.
        read: returns the histories of what was listed.
        published: the head of the daemon that was active last, and where this one leaves its own.
        alert: tells the operator.
        is_due: something may be listed that is not recorded.
    """

    record: SqliteRecord
    read: Callable[[], Histories]
    published: PublishedHead = field(default_factory=NoPublishedHead)
    alert: Callable[[str], None] = lambda _: None
    is_due: bool = True
    _known: set[Strategy] = field(default_factory=set, init=False)

    def after(self, wake: WakeResult) -> None:
        """Append what the wake listed; what cannot be read or written now waits for the next one."""
        strategies = [outcome.strategy for outcome in wake.results]
        self.is_due |= any(outcome.signals or outcome.closed for outcome in wake.results)
        if self.is_due or not self._known.issuperset(strategies):
            self.catch_up(strategies)

    def catch_up(self, strategies: Sequence[Strategy]) -> None:
        """Append the settings of strategies and everything listed that is not recorded."""
        settings = [settings_entry(each.name, each.settings_hash, settings_of(each)) for each in strategies]
        try:
            if not self._known:
                self._look_for_breaks()
            self.record.append([*settings, *entries_of(*self.read())])
            self._compare_and_publish()
        except (JournalUnavailable, StoreUnavailable) as error:
            log = structlog.get_logger("ninja.daemon")
            log.warning(f"the record of signals waits: {error}", event_id="journal.down")
            return
        self.is_due = False
        self._known.update(strategies)

    def _look_for_breaks(self) -> None:
        """Say once a process what is wrong with the record; it is not mended, and goes on behind its last line."""
        for problem in check(self.record.lines()).problems[:1]:
            self._tell(problem)

    def _compare_and_publish(self) -> None:
        """Compare the record with the head that was published last, once a process, and publish its own.

        A break is told and not mended: the record of this machine goes on as it is, and its heads are its own.
        """
        try:
            if not self._known and (problem := break_with(self.record, self.published.read())):
                self._tell(problem)
            self.published.publish(encoded(self.record.head(), this_machine()))
        except StoreUnavailable as error:
            log = structlog.get_logger("ninja.daemon")
            log.warning(f"the head of the record is not published: {error}", event_id="record.unpublished")

    def _tell(self, problem: str) -> None:
        log = structlog.get_logger("ninja.daemon")
        log.error(f"the record is broken: {problem}", event_id="record.broken")
        self.alert(f"The record is broken: {problem}. It is not mended; docs/operations.md says what to do.")

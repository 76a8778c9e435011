"""What the notifier logs and counts."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog

from ninja_daemon.adapters.telemetry.recurring import Recurring
from ninja_daemon.core.errors import JournalUnavailable, StateError, StoreDenied, StoreSpoilt, StoreUnavailable
from ninja_daemon.core.histogram import LATENCY_BOUNDS, Histogram
from ninja_daemon.usecases.delivery.delivery_event import DeliveryEvent
from ninja_daemon.usecases.delivery.two_lanes import NO_JOURNAL, WITHOUT_JOURNAL
from ninja_daemon.usecases.ports import Clock


class Reporter:
    """Logs what happens and counts it; says a trouble that lasts once, then once a minute, then how long it lasted."""

    def __init__(self, clock: Clock, store: str = "Redis") -> None:
        """Begin with nothing counted.

        Args:
            clock: tells how long a trouble lasts.
            store: where the queue is.
        """
        self._store = store[:1].upper() + store[1:]
        self._log = structlog.get_logger("ninja.notifier")
        self._recurring = Recurring(clock, self._log)
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()
        self.by_destination: Counter[tuple[str, str]] = Counter()
        self.seconds = Histogram(LATENCY_BOUNDS)

    def tell(self, events: Sequence[DeliveryEvent]) -> None:
        """Log and count events."""
        for event in events:
            with self._lock:
                self.counts[event.name] += 1
                self.by_destination[event.name, str(event.fields.get("destination", ""))] += 1
            if event.name == "signal.delivered":
                self.seconds.add(float(event.fields.get("ms", 0.0)) / 1000)
            if event.name == "ledger.unavailable":
                reason = str(event.fields.get("reason", ""))
                self._recurring.failed("ledger", event.sentence, event_id=event.name, reason=reason)
                continue
            if event.name == "picture.left_out":
                where = str(event.fields["destination"])
                reason = str(event.fields["reason"])
                self._recurring.failed(f"pictures {where}", event.sentence, event_id=event.name, reason=reason)
                continue
            if event.name == "picture.shown":
                where = str(event.fields["destination"])
                self._recurring.recovered(f"pictures {where}", f"messages at {where} get pictures again")
            if event.name == NO_JOURNAL:
                self.journal_failed(str(event.fields.get("reason", "")))
                continue
            getattr(self._log, event.level)(event.sentence, event_id=event.name, **event.fields)

    def store_failed(self, error: StoreUnavailable) -> None:
        """Say that the queue is away."""
        sentence = f"{self._store} is away; what is queued there is delivered as soon as it is back"
        self._recurring.failed("redis", sentence, event_id="redis.down", reason=str(error))

    def journal_failed(self, reason: str) -> None:
        """Say that the journal cannot be used."""
        self._recurring.failed("journal", WITHOUT_JOURNAL, event_id=NO_JOURNAL, reason=reason)

    def journal_answered(self) -> None:
        """Say that the journal can be used again, if it could not."""
        self._recurring.recovered("journal", "the journal of this machine can be used again", event_id="journal.up")

    @contextmanager
    def list_apart(self, what: str) -> Iterator[None]:
        """Go on when a list is refused or spoilt, and say it; an error of the whole store is raised.

        Args:
            what: is on the list: alerts or outcomes.
        """
        try:
            yield
        except (StoreDenied, StoreSpoilt) as error:
            sentence = f"{what} cannot be taken off their list; signals are delivered without them"
            self._recurring.failed(what, sentence, event_id=f"{what}.unavailable", reason=str(error))
        else:
            self._recurring.recovered(what, f"{what} can be taken again", event_id=f"{what}.up")

    @contextmanager
    def reports_apart(self) -> Iterator[None]:
        """Go on when a timed report cannot be written, and say it; that the store is away is raised."""
        try:
            yield
        except (JournalUnavailable, StateError) as error:
            sentence = "a report cannot be written; it is tried again"
            self._recurring.failed("report", sentence, event_id="report.failed", reason=str(error))
        else:
            self._recurring.recovered("report", "reports can be written again", event_id="report.up")

    def store_answered(self) -> None:
        """Say that the queue is back, if it was away."""
        self._recurring.recovered("redis", f"{self._store} is back", event_id="redis.up")

"""``notify --drain``: deliver until nothing is due."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import Final

from ninja_daemon.app.notifier.parts import NotifierParts
from ninja_daemon.app.notifier.queue_place import QueuePlace
from ninja_daemon.app.notifier.reporter import Reporter
from ninja_daemon.app.queues.leftovers import leftovers
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.lanes.dead_letters import UNROUTED
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.core.messages.send_policy import Reason
from ninja_daemon.usecases.delivery.delivery_ports import Inbox
from ninja_daemon.usecases.delivery.lane_worker import LaneStep
from ninja_daemon.usecases.delivery.two_lanes import NO_JOURNAL, TwoLanes

_SHORT: Final = frozenset({Reason.RATE, Reason.GROUP})
"""Waits that ``--drain`` sits out: nothing is wrong, the destination only wants it so."""


class OnePass:
    """Deliver until nothing is due."""

    def __init__(self, parts: NotifierParts) -> None:
        """Prepare."""
        self._parts = parts
        self._reporter = Reporter(parts.clock, parts.store)
        parts.illustrator.begin(self._reporter.tell, lambda _: False)

    def run(self, stop: threading.Event) -> bool:
        """Drain the inboxes and empty the lanes; return whether nothing is left over.

        Waits for rates and groups are sat out; a message in retry, throttled, behind a pause or a suspension is left
        over, so is every dead letter, and so is what waits for a destination that is not configured any more. Quiet
        hours and delays leave nothing over: that is how it is wanted.

        Raises:
            StoreUnavailable: Redis is away.
        """
        journal = self._parts.journal
        try:
            silences = self._parts.agreed_silences()
        except StoreUnavailable:
            self._deliver_aside(stop)
            raise
        left_over = True
        while not stop.is_set():
            moved = self._moved(self._parts.main, silences)
            if journal is not None:
                moved += self._moved_from_journal(journal)
            ends, worked = self._all_lanes(stop)
            # A lane that is emptied may have brought an alert, or let another lane follow.
            if not moved and not worked and not self._tells_of_dead_letters():
                left_over = any(_is_left_over(step) for step in ends)
                break
        self._parts.illustrator.finish()
        return not left_over and self._is_nothing_kept()

    def _is_nothing_kept(self) -> bool:
        """Tell whether there is neither a dead letter nor a message for nobody."""
        depths = [self._parts.main.queue.depths()]
        if (journal := self._parts.journal) is not None:
            with contextlib.suppress(StoreUnavailable):
                depths.append(journal.queue.depths())
        configured = {worker.destination.name for worker in self._parts.workers}
        return not any(one.dead or leftovers(one, configured) for one in depths)

    def _tells_of_dead_letters(self) -> bool:
        """Write the alerts of dead letters that nobody was told of; say whether there were any."""
        lanes = [*(worker.destination.name for worker in self._parts.workers), UNROUTED]
        told = [self._parts.main.lanes.tell_dead(lane, at_once=True) for lane in lanes]
        if (journal := self._parts.journal) is not None:
            with contextlib.suppress(StoreUnavailable):
                told += [journal.lanes.tell_dead(lane, at_once=True) for lane in lanes]
        return any(told)

    def _moved(self, place: QueuePlace, silences: Sequence[Silence]) -> int:
        moved = sum(self._moved_from(place, inbox, silences) for inbox in place.inboxes)
        with self._reporter.list_apart("outcomes"):
            moved += self._moved_from(place, place.outcomes, silences)
        return moved

    def _moved_from(self, place: QueuePlace, inbox: Inbox, silences: Sequence[Silence]) -> int:
        result = place.drained(inbox, self._parts.delivery, silences, self._parts.clock.now())
        self._reporter.tell(result.events)
        return result.moved

    def _moved_from_journal(self, journal: QueuePlace) -> int:
        try:
            return self._moved(journal, journal.queue.silences())
        except StoreUnavailable as error:
            self._reporter.journal_failed(str(error))
            return 0

    def _deliver_aside(self, stop: threading.Event) -> None:
        """Deliver what the journal has, since Redis is away."""
        journal = self._parts.journal
        while journal is not None and not stop.is_set():
            moved = self._moved_from_journal(journal)
            _, worked = self._all_lanes(stop, aside=True)
            if not moved and not worked:
                return

    def _all_lanes(self, stop: threading.Event, *, aside: bool = False) -> tuple[list[LaneStep], bool]:
        ends: list[LaneStep] = []
        worked: list[bool] = []
        failures: list[BaseException] = []

        def serve(worker: TwoLanes) -> None:
            try:
                step, busy = self._one_lane(worker.aside if aside else worker.step, stop)
                ends.append(step)
                worked.append(busy)
            except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that counts
                failures.append(error)

        threads = [
            threading.Thread(target=serve, args=(worker,), name=f"lane {worker.destination.name}", daemon=True)
            for worker in self._parts.workers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for failure in failures:
            raise failure
        return ends, any(worked)

    def _one_lane(self, look: Callable[[], LaneStep], stop: threading.Event) -> tuple[LaneStep, bool]:
        worked = False
        while True:
            step = look()
            self._reporter.tell(step.events)
            worked = worked or any(event.level != "debug" for event in step.events if event.name != NO_JOURNAL)
            patient = step.state == "leased" or (step.state == "waiting" and step.reason in _SHORT)
            if (not step.worked and not patient) or stop.is_set():
                return step, worked
            if patient:
                stop.wait(min(step.wait, 0.1) if step.state == "leased" else step.wait)


def _is_left_over(step: LaneStep) -> bool:
    if step.state == "waiting":
        return step.reason not in {Reason.QUIET, Reason.DELAY}
    return step.state in {"paused", "suspended"}

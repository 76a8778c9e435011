"""A destination with two lanes: the one in Redis, and the one in this machine's journal for the time without Redis.

The journal's lane goes first, and while a message is in it nothing is taken from the other: what crossed while Redis
was away is listed there, too, as soon as it is back, and the ledger of sent messages then drops it. So a message that
is half sent here is never sent from the other lane meanwhile. Quiet hours and a delay hold both lanes alike: while the
journal's waits for these the other one is looked at as well, or its messages would age without anybody's noting why.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.lanes.record import LaneQuery, LaneView
from ninja_daemon.core.messages.destination import Destination
from ninja_daemon.core.messages.send_policy import Reason
from ninja_daemon.usecases.delivery.delivery_event import DeliveryEvent
from ninja_daemon.usecases.delivery.lane_worker import POLL, LaneStep, LaneWorker

NO_JOURNAL: Final = "journal.unavailable"
"""Name of the event that says that the journal's lane could not be looked at."""
WITHOUT_JOURNAL: Final = "the journal of this machine cannot be used; while Redis is away nothing is delivered"
_HELD_BACK: Final = frozenset({"paused", "suspended"})
_HOLDS_BOTH: Final = frozenset({Reason.QUIET, Reason.DELAY})


class TwoLanes:
    """Empties one destination's lanes. For one thread."""

    def __init__(self, lane: LaneWorker, journal: LaneWorker | None = None) -> None:
        """Bind the lanes of one destination together.

        Args:
            lane: the lane in the store of record.
            journal: the lane for the time when that store is away; None where there is none.
        """
        self._lane = lane
        self._journal = journal
        self._stands = ""

    @property
    def destination(self) -> Destination:
        """Whose lanes they are."""
        return self._lane.destination

    @property
    def query(self) -> LaneQuery:
        """What is asked of the lane in the store of record."""
        return self._lane.query

    def sees(self, view: LaneView) -> None:
        """Take note of how that lane stands at this moment."""
        self._lane.sees(view)

    def step(self) -> LaneStep:
        """Look at the journal's lane and, when nothing is in it, at the other one.

        Raises:
            StoreUnavailable: the store of record is away; ``aside`` says what can be done meanwhile.
        """
        # A person, or a service's refusal, has stopped the destination: that holds for both lanes.
        aside = LaneStep(False, state="empty") if self._stands in _HELD_BACK else self._from_journal()  # noqa: FBT003 - a field
        if aside.state != "empty" and aside.reason not in _HOLDS_BOTH:
            return aside
        step = self._lane.step()
        self._stands = step.state
        if step.state == "empty":
            return replace(aside, events=(*aside.events, *step.events))
        return replace(step, wait=min(aside.wait, step.wait), events=(*aside.events, *step.events))

    def aside(self) -> LaneStep:
        """Look at the journal's lane alone, because the store of record is away."""
        # A pause stands in the journal, too, where it ends by itself or is ended; a service's refusal does not. When
        # the next probe is due the journal's lane makes it, and where it fails is suspended on its own from then on.
        if self._stands == "suspended" and not self._lane.is_probe_due:
            return LaneStep(False, POLL, "suspended")  # noqa: FBT003 - a field
        self._stands = ""
        return self._from_journal()

    def lift(self) -> None:
        """Forget that a service's refusal stood, since somebody ordered in the journal that the lanes go on."""
        self._stands = ""

    def _from_journal(self) -> LaneStep:
        if self._journal is None:
            return LaneStep(False, POLL, "empty")  # noqa: FBT003 - a field
        try:
            return self._journal.step()
        except StoreUnavailable as error:
            event = DeliveryEvent(NO_JOURNAL, "warning", WITHOUT_JOURNAL, {"reason": str(error)})
            return LaneStep(False, POLL, "empty", events=(event,))  # noqa: FBT003 - a field

    def close(self) -> None:
        """Give back the channel's connections."""
        self._lane.close()

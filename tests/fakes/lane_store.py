"""The port ``QueueStore``, as far as lanes go, in memory: the model that both real stores are compared with."""

from __future__ import annotations

from collections import Counter, defaultdict

from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.lanes.lane_change import LaneChange
from ninja_daemon.core.lanes.record import LaneQuery, LaneRecord, LaneView
from ninja_daemon.core.messages.message import Entry, Notice
from ninja_daemon.usecases.delivery.delivery_ports import Written
from tests.fakes.clock import FakeClock


class MemoryLaneStore:
    """Lanes in dictionaries."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.records: dict[str, LaneRecord] = {}
        self.messages: dict[str, list[Entry]] = defaultdict(list)
        self.holds: dict[str, int] = {}
        self.counters: Counter[str] = Counter()
        self.dead: list[DeadLetter] = []
        self.alerts: list[Notice] = []
        self.known: set[str] = set()

    @property
    def now(self) -> int:
        return round(self.clock.now() * 1000)

    def look(self, query: LaneQuery) -> LaneView:
        ahead = self.messages[query.after] if query.after else []
        return LaneView(
            now=self.now,
            record=self.records.get(query.lane, LaneRecord()),
            entries=tuple(self.messages[query.lane][: query.most]),
            held_until=self.holds.get(query.provider, 0),
            ahead=ahead[0].number if ahead else None,
        )

    def write(self, query: LaneQuery, change: LaneChange, *, and_look: bool = False) -> Written:
        lane, removed = query.lane, [removal.entry.number for removal in change.removals]
        heads = [entry.number for entry in self.messages[lane][: len(removed)]]
        if self.records.get(lane, LaneRecord()).version != change.before.version or heads != removed:
            return Written(is_done=False)
        self.records[lane] = change.after
        del self.messages[lane][: len(removed)]
        self.counters.update(f"{removal.counted}:{lane}" for removal in change.removals)
        self.counters.update({f"{name}:{lane}": count for name, count in change.counts})
        self.dead += [removal.letter for removal in change.removals if removal.letter is not None]
        self.alerts += [change.alert] if change.alert else []
        if change.hold:
            self.holds[query.provider] = change.until
        if change.is_known is not None:
            (self.known.add if change.is_known else self.known.discard)(lane)
        if change.purges:
            self.messages[lane].clear()
        return Written(is_done=True, view=self.look(query) if and_look else None)

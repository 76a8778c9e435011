"""Pauses and silences, kept the same in Redis and in this machine's journal.

While Redis answers, it decides, and the journal has a copy for the time when it does not. What was ordered here while
Redis was away is in the journal alone, with a note; Redis is told first when it is back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore
from ninja_daemon.adapters.journal.queue.queue_file import LocalQueueFile
from ninja_daemon.adapters.journal.queue.unsynced import Unsynced, UnsyncedNotes
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.lanes import lane_orders
from ninja_daemon.core.lanes.lane_change import LaneChange
from ninja_daemon.core.lanes.record import LaneRecord
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.usecases.delivery.queue_ports import PausesByLane, QueueAdmin
from ninja_daemon.usecases.delivery.stored_queue import StoredQueue


class JournalCopy:
    """The journal's copy of pauses and silences, and the notes of what Redis has not been told."""

    def __init__(self, file: LocalQueueFile) -> None:
        """Choose the file."""
        self.queue = StoredQueue(LocalQueueStore(file))
        self.notes = UnsyncedNotes(file)

    def unsynced(self) -> Sequence[Unsynced]:
        """Return what Redis has not been told; nothing when the journal cannot be used."""
        with suppress(StoreUnavailable):
            return self.notes.all()
        return ()

    def resumed(self) -> frozenset[str]:
        """Return the lanes that people let go on while Redis is away.

        Raises:
            StoreUnavailable: the journal cannot be used.
        """
        return frozenset(name for kind, name in self.notes.all() if kind == "lane" and not self.pause_left(name)[0])

    def pause_left(self, lane: str) -> tuple[bool, float | None]:
        """Tell whether a lane is paused here, and for how many seconds more; None without end."""
        until, left = self.queue.paused(lane)
        return until < 0 or left > 0, None if until < 0 else left

    def tell(self, redis: QueueAdmin, note: Unsynced) -> None:
        """Tell Redis what was ordered while it was away.

        Raises:
            StoreUnavailable: Redis is away, or the journal.
        """
        if note.kind == "silence":
            silence = {one.id: one for one in self.queue.silences()}.get(note.name)
            if silence is None:
                redis.unsilence(note.name)
            else:
                redis.silence(silence)
        else:
            is_paused, left = self.pause_left(note.name)
            if is_paused:
                redis.pause(note.name, left)
            else:
                redis.resume(note.name)

    def adopt(self, silences: Sequence[Silence], pauses: Mapping[str, int]) -> None:
        """Copy what Redis has; what it has not been told stays as it was ordered.

        Args:
            silences: all of them.
            pauses: until when each lane is paused, epoch ms; -1 without end, 0 when it is not.

        Raises:
            StoreUnavailable: the journal cannot be used.
        """
        # Read before the notes: a silence that is ordered meanwhile is either not in here or noted.
        held, wanted = ({one.id: one for one in some} for some in (self.queue.silences(), silences))
        unsynced = set(self.notes.all())
        for name in {*held, *wanted}:
            if held.get(name) == wanted.get(name) or Unsynced("silence", name) in unsynced:
                continue
            if name in wanted:
                self.queue.silence(wanted[name])
            else:
                self.queue.unsilence(name)
        for lane, until in pauses.items():
            self.queue.edit(lane, partial(self._adopted, lane, until))

    def _adopted(self, lane: str, until: int, record: LaneRecord, now: int) -> LaneChange | None:
        # The notes are read after the record: an order that comes in between changes its version.
        change = lane_orders.adopt_pause(record, now, until)
        return None if change is None or Unsynced("lane", lane) in self.notes.all() else change


def agree(redis: QueueAdmin, pauses: PausesByLane, copy: JournalCopy, destinations: Sequence[str]) -> Sequence[Silence]:
    """Tell Redis what was ordered while it was away, copy what it has, and return its silences.

    Args:
        redis: the queue in Redis.
        pauses: tells until when lanes are paused there.
        copy: the journal's.
        destinations: whose pauses are copied.

    Raises:
        StoreUnavailable: Redis is away. A journal that cannot be used changes nothing: what Redis has is enough.
    """
    for note in copy.unsynced():
        copy.tell(redis, note)
        with suppress(StoreUnavailable):
            copy.notes.remove(note)
    silences, found = redis.silences(), pauses(destinations)
    with suppress(StoreUnavailable):
        copy.adopt(silences, found)
    return silences

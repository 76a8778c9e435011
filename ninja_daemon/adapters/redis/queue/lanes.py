"""Lanes, dead letters and silences in Redis: records and messages only, written if they are as they were seen.

The scripts are in lua/, the keys are described in docs/redis-keys.md, the rules are in ``core.lanes``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import redis

from ninja_daemon.adapters.redis.client import translated_errors
from ninja_daemon.adapters.redis.queue.guarded_write import GuardedWrite, conflicts
from ninja_daemon.adapters.redis.queue.inbox import read_sequence
from ninja_daemon.adapters.redis.queue.lane_look import look_call, view_of
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.adapters.redis.scripts import run_scripts
from ninja_daemon.adapters.stored.alert import encode_notice
from ninja_daemon.adapters.stored.queue import (
    changed_fields,
    decode_dead,
    decode_entry,
    decode_lane,
    encode_dead,
    encode_entry,
    number,
)
from ninja_daemon.adapters.stored.silence import decode_silence, encode_silence
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.lanes.depths import LaneContents, Survey
from ninja_daemon.core.lanes.lane_change import LaneChange
from ninja_daemon.core.lanes.moving import newcomers
from ninja_daemon.core.lanes.record import LaneQuery, LaneView
from ninja_daemon.core.messages.message import Entry
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.usecases.delivery.delivery_ports import Written
from ninja_daemon.usecases.delivery.lanes import TRIES

_LONGEST_GUARD: Final = 64


class RedisQueueStore:
    """The port ``QueueStore`` on Redis."""

    def __init__(self, client: redis.Redis, keys: QueueKeys) -> None:
        """Choose the server and the namespace."""
        self.client = client
        self.keys = keys

    # --- lanes

    def look(self, query: LaneQuery) -> LaneView:
        """Return a lane as it stands; see the port."""
        return view_of(run_scripts(self.client, [look_call(self.keys, query)])[0])

    def write(self, query: LaneQuery, change: LaneChange, *, and_look: bool = False) -> Written:
        """Write a change if the lane is as it was; see the port."""
        calls = [self._written(query, change).call(), *([look_call(self.keys, query)] if and_look else ())]
        replies = run_scripts(self.client, calls)
        is_done = conflicts(replies[0]) is None
        return Written(is_done, view_of(replies[1]) if is_done and and_look else None)

    def _written(self, query: LaneQuery, change: LaneChange) -> GuardedWrite:
        keys, lane, write = self.keys, query.lane, GuardedWrite()
        write.guard("counts", change.before.version, "HGET", keys.lane_state(lane), "version")
        # A notifier of an older release knows no version, but grows the token when it takes the lane.
        write.guard("counts", change.before.token, "HGET", keys.lane_state(lane), "token")
        for place, removal in enumerate(change.removals):
            write.guard("begins", _beginning(removal.entry), "LINDEX", keys.lane(lane), place)
        for removal in change.removals:
            write.command("LPOP", keys.lane(lane))
            write.command("HINCRBY", keys.counters, f"{removal.counted}:{lane}", 1)
            if removal.letter is not None:
                write.command("RPUSH", keys.dead, encode_dead(removal.letter))
        self._write_record(write, lane, change)
        for name, count in change.counts:
            write.command("HINCRBY", keys.counters, f"{name}:{lane}", int(count))
        if change.alert is not None:
            write.command("RPUSH", keys.alerts, encode_notice(change.alert))
        if change.hold:
            write.command("SET", keys.hold(query.provider), lane, "PX", change.hold)
        if change.is_known is not None:
            write.command("SADD" if change.is_known else "SREM", keys.lanes, lane)
        if change.purges:
            write.command("DEL", keys.lane(lane))
        return write

    def _write_record(self, write: GuardedWrite, lane: str, change: LaneChange) -> None:
        key, changed = self.keys.lane_state(lane), changed_fields(change.before, change.after)
        if gone := [name for name, value in changed.items() if not value]:
            write.command("HDEL", key, *gone)
        write.command("HSET", key, *(word for item in changed.items() if item[1] for word in item))

    # --- dead letters

    def letters(self) -> Sequence[DeadLetter]:
        """Return the dead letters, oldest first; see the port."""
        with translated_errors():
            texts: Any = self.client.lrange(self.keys.dead, 0, -1)
        return [decode_dead(str(text)) for text in texts]

    def bury(self, letter: DeadLetter) -> bool:
        """Throw a dead letter away; see the port."""
        with translated_errors():
            return bool(self.client.lrem(self.keys.dead, 1, letter.stored))

    def revive(self, letter: DeadLetter) -> bool:
        """Move a dead letter to where it came from; see the port."""
        keys = self.keys
        for _ in range(TRIES):
            write = GuardedWrite()
            if letter.destination:
                self._append(write, letter)
            else:
                write.command("ZREM", keys.seen, letter.id)
                write.command("RPUSH", keys.inbox(letter.kind), letter.text)
            gone = write.guard("removes", 1, "LREM", keys.dead, 1, letter.stored)
            failed = write.run(self.client)
            if failed is None or gone in failed:
                return failed is None
        message = "the queue changes all the time; try again"
        raise StoreUnavailable(message)

    def _append(self, write: GuardedWrite, letter: DeadLetter) -> None:
        keys = self.keys
        sequence, now = self._numbered(write)
        entry = encode_entry(letter.kind, letter.id, sequence + 1, now, letter.text)
        write.command("RPUSH", keys.lane(letter.destination), entry)
        write.command("SET", keys.sequence, sequence + 1)
        write.command("SADD", keys.lanes, letter.destination)

    def _numbered(self, write: GuardedWrite) -> tuple[int, int]:
        """Return the number of the newest message, which must still be that when it is written, and the time in ms."""
        with translated_errors():
            pipeline: Any = self.client.pipeline(transaction=False)
            clock, stored = pipeline.time().get(self.keys.sequence).execute()
        write.guard("is", stored or "", "GET", self.keys.sequence)
        return read_sequence(stored, self.keys), clock[0] * 1000 + clock[1] // 1000

    def move(self, old: str, change: LaneChange, new: str) -> bool:
        """Write a change whose removed messages enter another lane; see the port."""
        keys, write = self.keys, self._written(LaneQuery(old), change)
        with translated_errors():
            stored: Any = self.client.lrange(keys.lane(new), 0, -1)
        waiting = {(entry.kind.value, entry.id) for entry in map(decode_entry, map(str, stored))}
        sequence, now = self._numbered(write)
        for entry in newcomers(change.removals, waiting):
            sequence += 1
            write.command("RPUSH", keys.lane(new), encode_entry(entry.kind.value, entry.id, sequence, now, entry.text))
        write.command("SET", keys.sequence, sequence)
        write.command("SADD", keys.lanes, new)
        return write.run(self.client) is None

    def redirect(self, letter: DeadLetter, destination: str) -> bool:
        """Make a dead letter that of another destination; see the port."""
        write = GuardedWrite()
        write.guard("removes", 1, "LREM", self.keys.dead, 1, letter.stored)
        write.command("RPUSH", self.keys.dead, encode_dead(replace(letter, destination=destination)))
        return write.run(self.client) is None

    # --- what people see and order

    def survey(self, destinations: Sequence[str]) -> Survey:
        """Return everything; see the port."""
        keys = self.keys
        with translated_errors():
            stored: Any = self.client.smembers(keys.lanes)
            names = sorted({*destinations, *map(str, stored)})
            pipeline: Any = self.client.pipeline(transaction=False)
            pipeline.llen(keys.signals).llen(keys.alerts).llen(keys.outcomes)
            pipeline.hgetall(keys.counters).time().lrange(keys.dead, 0, -1)
            for name in names:
                pipeline.llen(keys.lane(name)).hgetall(keys.lane_state(name)).lindex(keys.lane(name), 0)
            signals, alerts, outcomes, counters, clock, letters, *lanes = pipeline.execute()
        return Survey(
            now=int(clock[0]) * 1000 + int(clock[1]) // 1000,
            signals=int(signals),
            alerts=int(alerts),
            outcomes=int(outcomes),
            counters={str(name): number(value, 0) for name, value in counters.items()},
            letters=[decode_dead(str(text)) for text in letters],
            lanes={name: _contents(*lanes[3 * at : 3 * at + 3]) for at, name in enumerate(names)},
        )

    def silences(self) -> tuple[Mapping[str, Silence | None], float]:
        """Return the silences that were set while running, and the time; see the port."""
        with translated_errors():
            stored: Mapping[Any, Any] = self.client.hgetall(self.keys.silences)
            clock: Any = self.client.time() if stored else (0, 0)
        return {str(name): decode_silence(str(name), str(text)) for name, text in stored.items()}, int(clock[0])

    def put_silence(self, silence: Silence, ended: Sequence[str] = ()) -> None:
        """Keep a silence, and forget others; see the port."""
        with translated_errors():
            if ended:
                self.client.hdel(self.keys.silences, *ended)
            self.client.hset(self.keys.silences, silence.id, encode_silence(silence))

    def drop_silence(self, name: str) -> bool:
        """Forget a silence; see the port."""
        with translated_errors():
            return bool(self.client.hdel(self.keys.silences, name))

    def push_alert(self, text: str) -> None:
        """Append to the alerts; see the port."""
        with translated_errors():
            self.client.rpush(self.keys.alerts, text)

    def beat(self, text: str, seconds: int) -> None:
        """Leave a heartbeat; see the port."""
        with translated_errors():
            self.client.set(self.keys.heartbeat, text, ex=seconds)

    def kept_figures(self) -> str:
        """Return what the last daily report left; see the port."""
        with translated_errors():
            stored: Any = self.client.get(self.keys.daily)
        return str(stored or "")

    def keep_figures(self, text: str) -> None:
        """Leave something for the next daily report; see the port."""
        with translated_errors():
            self.client.set(self.keys.daily, text)

    def pauses(self, destinations: Sequence[str]) -> dict[str, int]:
        """Return until when lanes are paused: epoch ms, -1 without end, 0 for one that is not. One round trip.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        with translated_errors():
            pipeline = self.client.pipeline(transaction=False)
            for destination in destinations:
                pipeline.hget(self.keys.lane_state(destination), "paused")
            found: Sequence[Any] = pipeline.execute()
        return {name: number(value or 0) for name, value in zip(destinations, found, strict=True)}


def _contents(waiting: object, fields: Mapping[str, object], head: object) -> LaneContents:
    return LaneContents(number(waiting), decode_lane(fields), decode_entry(str(head)) if head else None)


def _beginning(entry: Entry) -> str:
    """Return how the stored message begins, as far as it takes to know it again: kind, id and number."""
    if not entry.number:
        return entry.stored[:_LONGEST_GUARD]
    return f"{entry.kind.value} {entry.id} {entry.number} "

"""The inboxes in Redis, the lists of signals, alerts and outcomes, and the doorbell that rings when something comes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import redis
from redis.exceptions import NoScriptError, RedisError

from ninja_daemon.adapters.redis.client import translated_errors, unavailable
from ninja_daemon.adapters.redis.queue.guarded_write import GuardedWrite, checked, conflicts
from ninja_daemon.adapters.redis.queue.lane_look import look_call, view_of
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.adapters.redis.scripts import Call, add_call, run_scripts, script
from ninja_daemon.adapters.stored.queue import arrival, encode_dead, encode_entry
from ninja_daemon.adapters.stored.signal import MAX_SIGNAL_BYTES
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.lanes.intake import SEEN_MS, Admission, Drained, InboxView, Intake
from ninja_daemon.core.lanes.record import LaneQuery
from ninja_daemon.core.messages.message import Kind


class RedisInbox:
    """The inbox port on a Redis list: the signals, the alerts or the outcomes."""

    def __init__(self, client: redis.Redis, keys: QueueKeys, kind: Kind = Kind.SIGNAL) -> None:
        """Choose the list.

        Args:
            client: connection made by ``client.connect``.
            keys: names of the namespace's keys.
            kind: what is in it.
        """
        self._client = client
        self._keys = keys
        self._kind = kind
        self.key = keys.inbox(kind)

    def peek(self, most: int) -> InboxView:
        """Return the oldest elements, which stay where they are; see the port."""
        return self.view_of(run_scripts(self._client, [self.peek_call(most)])[0])

    def peek_call(self, most: int) -> Call:
        """Return the call of the script that looks."""
        return Call(script("peek"), (self.key, self._keys.sequence), (most, MAX_SIGNAL_BYTES + 1))

    def view_of(self, reply: Any) -> InboxView:  # noqa: ANN401 - what a script returns
        """Read the script's reply.

        Raises:
            StoreUnavailable: it is an error, or says that a key is spoilt.
        """
        reply = checked(reply)
        elements = [(int(reply[at]), str(reply[at + 1]), str(reply[at + 2])) for at in range(2, len(reply), 3)]
        arrivals = tuple(arrival(*element, self._kind) for element in elements)
        return InboxView(int(reply[0]), read_sequence(reply[1], self._keys), arrivals, self._kind)

    def drain(self, intake: Intake, queries: Sequence[LaneQuery] = ()) -> Drained:
        """Move elements to their lanes; see the port."""
        keys, now, write = self._keys, intake.view.now, GuardedWrite()
        write.guard("is", intake.view.sequence or "", "GET", keys.sequence)
        if self._kind is Kind.OUTCOME:
            # Its signal was listed before it, so it has a lower number once the signals are all in their lanes.
            write.guard("counts", 0, "LLEN", keys.signals)
        for place, one in enumerate(intake.admissions):
            write.guard("sha1", one.arrival.digest, "LINDEX", self.key, place)
        asked = {write.guard("is", "", "ZSCORE", keys.seen, identity): identity for identity in intake.ids}
        write.command("ZREMRANGEBYSCORE", keys.seen, "-inf", now - SEEN_MS)
        for one in intake.admissions:
            self._admit(write, one, now)
        if intake.sequence != intake.view.sequence:
            write.command("SET", keys.sequence, intake.sequence)
        reply, *looks = run_scripts(self._client, [write.call(), *(look_call(keys, one) for one in queries)])
        failed = conflicts(reply)
        if failed is None:
            views = {}
            for query, look in zip(queries, looks, strict=True):
                with suppress(StoreUnavailable):  # The worker of that lane will meet what is wrong with it.
                    views[query.lane] = view_of(look)
            return Drained(is_done=True, views=views)
        return Drained(is_done=False, known=frozenset(asked[place] for place in failed if place in asked))

    def _admit(self, write: GuardedWrite, one: Admission, now: int) -> None:
        keys, element = self._keys, one.arrival
        write.command("LPOP", self.key)
        for name in one.counters:
            write.command("HINCRBY", keys.counters, name, 1)
        if one.letter is not None:
            write.command("RPUSH", keys.dead, encode_dead(one.letter))
        for lane in one.lanes:
            stored = encode_entry(element.kind.value, element.id, one.number, now, element.text)
            write.command("RPUSH", keys.lane(lane), stored)
            write.command("SADD", keys.lanes, lane)
        if element.id and not one.is_repeated:
            write.command("ZADD", keys.seen, now, element.id)


def read_sequence(stored: object, keys: QueueKeys) -> int:
    """Read the number of the newest message, 0 for none.

    Raises:
        StoreUnavailable: a person spoilt it; to begin again would let messages overtake each other.
    """
    text = str(stored or "0")
    if not (text.isascii() and text.isdigit()):
        message = f"{keys.sequence} must be a whole number, was {text[:20]!r}; set it above that of every message"
        raise StoreUnavailable(message)
    return int(text)


class Doorbell:
    """Waits until the signals list is not empty and shows what lies there, in one round trip; it takes nothing.

    The tail of the list is moved onto itself: that blocks while the list is empty, changes nothing, and wakes every
    waiter, so it is safe under lost replies, dead connections and kills.
    """

    def __init__(self, client: redis.Redis, inbox: RedisInbox, most: int) -> None:
        """Choose the list.

        Args:
            client: a client of its own, whose socket timeout is longer than any wait.
            inbox: the list.
            most: elements that are shown.
        """
        self._client = client
        self._inbox = inbox
        self._most = most

    def rang(self, block: float) -> InboxView | None:
        """Wait for at most ``block`` seconds; return what lies on the list, None when nothing came.

        Raises:
            StoreUnavailable: it is not known; look after a moment.
        """
        key, call = self._inbox.key, self._inbox.peek_call(self._most)
        with translated_errors():
            pipeline = self._client.pipeline(transaction=False)
            # redis-py's own blmove() is typed for whole seconds.
            pipeline.execute_command("BLMOVE", key, key, "RIGHT", "RIGHT", block)  # type: ignore[no-untyped-call]
            add_call(pipeline, call)
            rang, looked = pipeline.execute(raise_on_error=False)
        if isinstance(rang, RedisError):
            raise unavailable(rang) from rang
        if rang is None:
            return None
        return self._inbox.peek(self._most) if isinstance(looked, NoScriptError) else self._inbox.view_of(looked)

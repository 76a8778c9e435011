"""Inboxes, lanes and dead letters in Redis. Each step is one script that may safely run twice.

The scripts are in lua/, the keys are described in docs/redis-keys.md.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import redis
from redis.exceptions import RedisError

from ninja_daemon.adapters.redis.client import translated_errors, unavailable
from ninja_daemon.adapters.redis.scripts import Call, run_scripts, script
from ninja_daemon.adapters.stored.queue import (
    DeadLetter,
    decode_dead,
    decode_entry,
    decode_notice,
    decode_silence,
    encode_dead,
    encode_notice,
    encode_silence,
)
from ninja_daemon.adapters.stored.signal import MAX_SIGNAL_BYTES, decode_signal
from ninja_daemon.core.errors import SignalRejected, StoreUnavailable
from ninja_daemon.core.messages.message import Entry
from ninja_daemon.core.messages.routing import Silence
from ninja_daemon.core.messages.send_policy import Reason
from ninja_daemon.usecases.delivery_ports import Assignment, Drained, NotNow, Settlement, Taken, Waiting

SEEN_MS: Final = 7 * 86_400_000
"""For so long an id that was taken from the list is not taken again."""
_QUOTED: Final = 2_000


class QueueKeys:
    """The names of the queue's keys in one namespace."""

    def __init__(self, namespace: str) -> None:
        """Prefix every key with the namespace in braces."""
        self.prefix = f"{{{namespace}}}:"
        self.signals = f"{self.prefix}signals"
        self.alerts = f"{self.prefix}alerts"
        self.dead = f"{self.prefix}dead"
        self.seen = f"{self.prefix}seen"
        self.sequence = f"{self.prefix}sequence"
        self.counters = f"{self.prefix}counters"
        self.lanes = f"{self.prefix}lanes"
        self.silences = f"{self.prefix}silences"
        self.heartbeat = f"{self.prefix}heartbeat:notifier"
        self.daily = f"{self.prefix}daily"

    def lane(self, destination: str) -> str:
        """Return the key of a destination's messages."""
        return f"{self.prefix}lane:{destination}"

    def lane_state(self, destination: str) -> str:
        """Return the key of what is known of a lane."""
        return f"{self.prefix}lane_state:{destination}"

    def hold(self, provider: str) -> str:
        """Return the key that exists while a provider's lanes must send nothing."""
        return f"{self.prefix}hold:{provider}"


# --- what every queue writes and reads in the same form --------------------------------------------------------------


def waiting_element(length: int, text: str, digest: str, *, is_alert: bool) -> Waiting:
    """Read an element of an inbox.

    Args:
        length: bytes of the whole element.
        text: the element, perhaps cut behind ``MAX_SIGNAL_BYTES``; bytes that are no UTF-8 as lone surrogates.
        digest: by which the inbox knows it again.
        is_alert: an alert, not a signal.
    """
    if length > MAX_SIGNAL_BYTES:
        reason = f"it must be at most {MAX_SIGNAL_BYTES} bytes, was {length}"
        return Waiting(text[:_QUOTED], digest, unreadable=reason)
    try:
        text.encode()
    except UnicodeEncodeError:
        return Waiting(text, digest, unreadable="it must be UTF-8, was not")
    try:
        if is_alert:
            notice = decode_notice(text)
            return Waiting(text, digest, notice.id, notice=notice)
        signal = decode_signal(text)
    except SignalRejected as error:
        return Waiting(text, digest, unreadable=str(error))
    return Waiting(text, digest, signal.id, signal)


def unrouted_letter(assignment: Assignment, now: float, *, is_alert: bool) -> str:
    """Write the dead letter of an element that gets no destination; empty when it is no dead letter."""
    if not assignment.dead:
        return ""
    waiting = assignment.waiting
    return encode_dead(
        DeadLetter(
            destination="",
            kind="alert" if is_alert else "signal",
            id=waiting.id,
            cause="unreadable" if waiting.unreadable else "unrouted",
            status=None,
            reason=assignment.dead,
            attempts=0,
            first=0.0,
            last=now,
            text=waiting.text,
            cut=bool(waiting.unreadable) and len(waiting.text) == _QUOTED,
        )
    )


def given_up_letter(lane: str, taken: Taken, entry: Entry, done: Settlement) -> str:
    """Write the dead letter of a message that its lane gives up."""
    is_head = entry is taken.entries[0]
    attempts = (taken.attempts if is_head else 0) + (done.cause == "refused")
    return encode_dead(
        DeadLetter(
            destination=lane,
            kind=entry.kind.value,
            id=entry.id,
            cause=done.cause,
            status=done.status,
            reason=done.text or taken.error,
            attempts=attempts,
            first=(taken.first_attempt if is_head else 0.0) or (taken.now if attempts else 0.0),
            last=taken.now,
            text=entry.text,
        )
    )


def fates(done: Settlement) -> list[tuple[str, bool]]:
    """Return what became of each message from the head: the name to count it under, and whether it is dead."""
    return (
        [("delivered", False)] * done.delivered + [(done.counted, False)] * done.dropped + [("dead", True)] * done.dead
    )


def milliseconds(seconds: float) -> int:
    """Turn seconds into whole milliseconds, never negative."""
    return max(0, round(seconds * 1000))


# --- the ports on Redis ----------------------------------------------------------------------------------------------


def _checked(reply: Any) -> Any:  # noqa: ANN401 - what a script returns
    if isinstance(reply, RedisError):
        raise unavailable(reply) from reply
    if isinstance(reply, list) and reply and reply[0] == "BADTYPE":
        message = f"a key is of the wrong type ({', '.join(map(str, reply[1:]))}); move it away with RENAME"
        raise StoreUnavailable(message)
    return reply


class _Scripts:
    """A client and the keys that the scripts touch."""

    def __init__(self, client: redis.Redis, keys: QueueKeys) -> None:
        self.client = client
        self.keys = keys

    def run(self, name: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:  # noqa: ANN401
        return _checked(run_scripts(self.client, [Call(script(name), keys, arguments)])[0])


class RedisInbox(_Scripts):
    """The inbox port on a Redis list: the signals, or the alerts."""

    def __init__(self, client: redis.Redis, keys: QueueKeys, *, alerts: bool = False) -> None:
        """Choose the list.

        Args:
            client: connection made by ``redis_client.connect``.
            keys: names of the namespace's keys.
            alerts: the alerts instead of the signals.
        """
        super().__init__(client, keys)
        self._alerts = alerts
        self.key = keys.alerts if alerts else keys.signals

    def peek(self, most: int) -> Sequence[Waiting]:
        """Return the oldest elements, which stay where they are; see the port."""
        reply = self.run("peek", (self.key,), (most, MAX_SIGNAL_BYTES + 1))
        elements = [(int(reply[at]), str(reply[at + 1]), str(reply[at + 2])) for at in range(0, len(reply), 3)]
        return [waiting_element(*element, is_alert=self._alerts) for element in elements]

    def drain(self, assignments: Sequence[Assignment]) -> Drained:
        """Move elements to their lanes; see the port."""
        keys = self.keys
        lanes = list(dict.fromkeys(name for assignment in assignments for name in assignment.to))
        places = {name: place for place, name in enumerate(lanes, start=7)}
        arguments: list[str | int] = [SEEN_MS, len(assignments)]
        for assignment in assignments:
            waiting = assignment.waiting
            arguments += [waiting.digest, waiting.kind.value, waiting.id]
            dead = unrouted_letter(assignment, time.time(), is_alert=self._alerts)
            arguments += [assignment.counted or "drained", dead, len(assignment.to)]
            for name in assignment.to:
                arguments += [places[name], name]
        fixed = (self.key, keys.dead, keys.seen, keys.sequence, keys.counters, keys.lanes)
        reply = self.run("drain", (*fixed, *map(keys.lane, lanes)), arguments)
        repeated = tuple(assignments[int(place)] for place in reply[2:])
        return Drained(int(reply[1]), repeated)


class RedisLanes(_Scripts):
    """The lanes port."""

    def take(self, lane: str, *, most: int, provider: str, after: str, lease: float) -> Taken | NotNow:
        """Take a lane that is due; see the port."""
        keys = self.keys
        touched = (keys.lane(lane), keys.lane_state(lane), keys.hold(provider), keys.lane(after or lane))
        reply = self.run("take", touched, (milliseconds(lease), most))
        verdict = str(reply[0])
        if verdict != "TAKEN":
            return _not_now(verdict, reply)
        return Taken(
            token=int(reply[1]),
            now=int(reply[2]) / 1000,
            attempts=_whole(reply[3]),
            first_attempt=_whole(reply[4]) / 1000,
            maybe_sent=_whole(reply[5]),
            allowance=_whole(reply[6]) / 1000,
            young_since=_whole(reply[7]) / 1000,
            error=str(reply[8]),
            entries=tuple(decode_entry(str(stored)) for stored in reply[9:]),
        )

    def settle(self, lane: str, provider: str, taken: Taken, settlement: Settlement) -> bool:
        """Write down what was done and give the lane back; see the port."""
        keys, done = self.keys, settlement
        arguments: list[str | int] = [
            taken.token,
            lane,
            milliseconds(done.wait),
            done.reason.value if done.reason else "",
            "young" if done.rejuvenates else "",
            done.attempts,
            milliseconds(done.first_attempt),
            done.maybe_sent,
            milliseconds(done.allowance),
            done.text[:300],
            done.suspend[:300],
            encode_notice(done.alert) if done.alert else "",
            milliseconds(done.hold_provider),
            done.repeats,
            1 if done.text else 0,
        ]
        settled = list(zip(taken.entries, fates(done), strict=False))
        arguments.append(len(settled))
        for entry, (counted, dead) in settled:
            arguments += [entry.number, counted, given_up_letter(lane, taken, entry, done) if dead else ""]
        touched = (keys.lane(lane), keys.lane_state(lane), keys.dead, keys.counters, keys.alerts, keys.hold(provider))
        return bool(self.run("settle", touched, arguments)[0] == "OK")

    def silences(self) -> Sequence[Silence]:
        """Return the silences that were set while running and have not ended; see the port."""
        with translated_errors():
            stored: Mapping[Any, Any] = self.client.hgetall(self.keys.silences)
            clock: Any = self.client.time() if stored else (0, 0)
        known = (decode_silence(str(name), str(text)) for name, text in stored.items())
        return [silence for silence in known if silence is not None and silence.until > int(clock[0])]


def _not_now(verdict: str, reply: Sequence[Any]) -> NotNow:
    if verdict == "WAITING":
        reason = str(reply[2])
        known = Reason(reason) if reason in set(Reason) else Reason.RETRY
        return NotNow("waiting", int(reply[1]) / 1000, known)
    if verdict == "LEASED" or (verdict == "PAUSED" and int(reply[1]) >= 0):
        return NotNow(verdict.lower(), int(reply[1]) / 1000)
    return NotNow(verdict.lower())


def _number(text: object) -> int:
    try:
        return int(float(str(text)))
    except (ValueError, OverflowError):
        return 0


def _whole(text: object) -> int:
    return max(0, _number(text))


# --- doorbell --------------------------------------------------------------------------------------------------------


class Doorbell:
    """Waits until the signals list is not empty, without taking anything.

    The tail of the list is moved onto itself: that blocks while the list is empty, changes nothing, and wakes every
    waiter, so it is safe under lost replies, dead connections and kills.
    """

    def __init__(self, client: redis.Redis, key: str, block: int = 1) -> None:
        """Choose the list.

        Args:
            client: a client of its own, whose socket timeout is longer than ``block``.
            key: the list.
            block: seconds to wait at most.
        """
        self._client = client
        self._key = key
        self._block = block

    def rang(self) -> bool:
        """Wait; tell whether there is something on the list.

        Raises:
            StoreUnavailable: it is not known; look after a moment.
        """
        with translated_errors():
            return self._client.blmove(self._key, self._key, self._block, "RIGHT", "RIGHT") is not None


# --- what people do with the queue -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LaneDepth:
    """One lane, as people see it.

    Attributes:
        waiting: messages in it.
        dead: dead letters of this destination.
        state: ``idle``, ``ready``, ``retry`` and the other reasons to wait, ``paused`` or ``suspended``.
        due_in: seconds until it goes on; None when it is not known.
        attempts: failed attempts of the first message.
        oldest_age: seconds since the first message was accepted; None when empty.
        delivered: messages delivered so far. Likewise ``repeats`` (of them perhaps twice) and ``failures``.
        error: the last failure, or why it is suspended.
    """

    destination: str
    waiting: int
    dead: int
    state: str
    due_in: float | None
    attempts: int
    oldest_age: float | None
    delivered: int
    repeats: int
    failures: int
    error: str


@dataclass(frozen=True, slots=True)
class QueueDepths:
    """The whole queue, as people see it.

    Attributes:
        signals: on the list, not yet taken by the notifier. Likewise ``alerts``.
        unrouted: dead letters that never had a destination: unreadable or unrouted ones.
    """

    signals: int
    alerts: int
    unrouted: int
    lanes: tuple[LaneDepth, ...]
    counters: Mapping[str, int]

    @property
    def dead(self) -> int:
        """All dead letters."""
        return self.unrouted + sum(lane.dead for lane in self.lanes)


class RedisQueue(_Scripts):
    """The queue for people and for the notifier's process: depths, dead letters, pauses, silences, heartbeat."""

    def depths(self, destinations: Sequence[str] = ()) -> QueueDepths:
        """Return what waits where, for the given destinations and every lane there ever was.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        keys = self.keys
        with translated_errors():
            stored: Any = self.client.smembers(keys.lanes)
            names = sorted({*destinations, *map(str, stored)})
            pipeline = self.client.pipeline(transaction=False)
            for key in (keys.signals, keys.alerts):
                pipeline.llen(key)
            pipeline.hgetall(keys.counters)
            pipeline.time()
            pipeline.lrange(keys.dead, 0, -1)
            for name in names:
                pipeline.llen(keys.lane(name))
                pipeline.hgetall(keys.lane_state(name))
                pipeline.lindex(keys.lane(name), 0)
            replies: list[Any] = pipeline.execute()
        counters = {str(name): _whole(value) for name, value in replies[2].items()}
        now = int(replies[3][0]) + int(replies[3][1]) / 1_000_000
        dead = [decode_dead(str(text)).destination for text in replies[4]]
        lanes = tuple(
            lane_depth(name, replies[5 + 3 * at : 8 + 3 * at], dead.count(name), counters, now)
            for at, name in enumerate(names)
        )
        unrouted = sum(1 for name in dead if name not in names)
        return QueueDepths(int(replies[0]), int(replies[1]), unrouted, lanes, counters)

    def dead_letters(self, destination: str | None = None) -> list[DeadLetter]:
        """Return the dead letters, oldest first; of one destination when it is given.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        with translated_errors():
            texts: Any = self.client.lrange(self.keys.dead, 0, -1)
        letters = [decode_dead(str(text)) for text in texts]
        return [letter for letter in letters if destination is None or letter.destination == destination]

    def retry(self, letter: DeadLetter) -> bool:
        """Bring a dead letter back to the end of its lane (or to its list); False when it is gone or was cut.

        Raises:
            StoreUnavailable: it is not known; ask again.
        """
        if letter.cut:
            return False
        keys = self.keys
        inbox = keys.signals if letter.kind == "signal" else keys.alerts
        target = keys.lane(letter.destination) if letter.destination else inbox
        reply = self.run(
            "revive",
            (keys.dead, target, keys.sequence, keys.lanes, keys.seen),
            (letter.stored, letter.destination, letter.kind, letter.id, letter.text),
        )
        return bool(reply == 1)

    def forget(self, letter: DeadLetter) -> bool:
        """Throw a dead letter away."""
        with translated_errors():
            removed: Any = self.client.lrem(self.keys.dead, 1, letter.stored)
        return bool(removed)

    def purge_lane(self, destination: str) -> int:
        """Throw away what waits in a lane and all that is known of it; return how many messages that were."""
        keys = self.keys
        with translated_errors():
            pipeline = self.client.pipeline(transaction=True)
            pipeline.llen(keys.lane(destination))
            pipeline.delete(keys.lane(destination))
            pipeline.srem(keys.lanes, destination)
            return int(pipeline.execute()[0])

    def pause(self, destination: str, seconds: float | None) -> None:
        """Hold a lane back, for so long or until it is resumed."""
        with translated_errors():
            clock: Any = self.client.time()
            until = -1 if seconds is None else int(clock[0]) * 1000 + milliseconds(seconds)
            self.client.hset(self.keys.lane_state(destination), "paused", str(until))
            self.client.sadd(self.keys.lanes, destination)

    def pauses(self, destinations: Sequence[str]) -> dict[str, int]:
        """Return until when lanes are paused: epoch ms, -1 without end, 0 for one that is not."""
        with translated_errors():
            pipeline = self.client.pipeline(transaction=False)
            for destination in destinations:
                pipeline.hget(self.keys.lane_state(destination), "paused")
            found: Sequence[Any] = pipeline.execute()
        return {name: _number(value or 0) for name, value in zip(destinations, found, strict=True)}

    def resume(self, destination: str) -> bool:
        """End pause and suspension; False when there was none."""
        return bool(self.run("resume", (self.keys.lane_state(destination),), ("",)))

    def hurry(self, destination: str) -> bool:
        """Let a lane try again at once; False when it was not waiting."""
        return bool(self.run("resume", (self.keys.lane_state(destination),), ("hurry",)))

    def silence(self, silence: Silence) -> None:
        """Keep a silence; those that have ended are forgotten."""
        with translated_errors():
            clock: Any = self.client.time()
            stored: Any = self.client.hgetall(self.keys.silences)
            for name, text in stored.items():
                known = decode_silence(str(name), str(text))
                if known is None or known.until <= int(clock[0]):
                    self.client.hdel(self.keys.silences, str(name))
            self.client.hset(self.keys.silences, silence.id, encode_silence(silence))

    def unsilence(self, name: str) -> bool:
        """End a silence; False when there is none of that name."""
        with translated_errors():
            removed: Any = self.client.hdel(self.keys.silences, name)
        return bool(removed)

    def push_alert(self, text: str) -> None:
        """Append to the alerts; a repeat of the same id is dropped by the drain."""
        with translated_errors():
            self.client.rpush(self.keys.alerts, text)

    def beat(self, text: str, seconds: int) -> None:
        """Leave a heartbeat that vanishes after so many seconds."""
        with translated_errors():
            self.client.set(self.keys.heartbeat, text, ex=seconds)

    def kept_figures(self) -> str:
        """Return what the last daily report left for the next one; empty when there is nothing."""
        with translated_errors():
            stored: Any = self.client.get(self.keys.daily)
        return str(stored or "")

    def keep_figures(self, text: str) -> None:
        """Leave something for the next daily report."""
        with translated_errors():
            self.client.set(self.keys.daily, text)


def lane_depth(name: str, replies: Sequence[Any], dead: int, counters: Mapping[str, int], now: float) -> LaneDepth:
    """Work out what people see of a lane.

    Args:
        name: of the destination.
        replies: how many messages wait, what is known of the lane (fields as in docs/redis-keys.md), the first message.
        dead: dead letters of the destination.
        counters: of the whole queue.
        now: epoch seconds.
    """
    waiting, state, head = int(replies[0]), replies[1], replies[2]
    due_in = _whole(state.get("due", 0)) / 1000 - now
    paused = _number(state.get("paused", 0))
    shown, wait = "idle", None
    if "suspended" in state:
        shown = "suspended"
    elif paused < 0 or paused / 1000 > now:
        shown, wait = "paused", None if paused < 0 else paused / 1000 - now
    elif waiting:
        shown, wait = (state.get("reason") or "retry", due_in) if due_in > 0 else ("ready", 0.0)
    return LaneDepth(
        destination=name,
        waiting=waiting,
        dead=dead,
        state=shown,
        due_in=wait,
        attempts=_whole(state.get("attempts", 0)),
        oldest_age=now - decode_entry(head).accepted if head else None,
        delivered=counters.get(f"delivered:{name}", 0),
        repeats=counters.get(f"repeats:{name}", 0),
        failures=counters.get(f"failures:{name}", 0),
        error=state.get("suspended_for", "") if shown == "suspended" else state.get("error", ""),
    )


def silence_id() -> str:
    """Return a new, short name for a silence."""
    return secrets.token_hex(3)

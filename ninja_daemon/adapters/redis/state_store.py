"""Cursors, averages and the signals list in Redis: read in one round trip, committed in one.

Each strategy's commit is one script with compare-and-set on its cursor (lua/commit.lua); its results are the
``CommitResult`` names. What is stored is described in docs/redis-keys.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import redis
from redis.exceptions import RedisError

from ninja_daemon.adapters.host.lease_token import is_dead
from ninja_daemon.adapters.redis.client import translated_errors, unavailable
from ninja_daemon.adapters.redis.commit_calls import Group, add_commit, grouped
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.scripts import Call, Replicated, answered, run_scripts, script
from ninja_daemon.adapters.redis.sharing.lease import RedisLease
from ninja_daemon.adapters.redis.state_memory import NO_PROOF, Proof, StateMemory
from ninja_daemon.adapters.redis.topology.servers import working_replicas
from ninja_daemon.adapters.stored.alert import encode_alert
from ninja_daemon.adapters.stored.commit import prepared
from ninja_daemon.adapters.stored.open_signals import decode_book, unfinished_in
from ninja_daemon.adapters.stored.outcome import last_listed_in
from ninja_daemon.adapters.stored.prepared import PreparedCommit
from ninja_daemon.adapters.stored.state.counts import decode_counts
from ninja_daemon.adapters.stored.state.state_form import decode_state
from ninja_daemon.adapters.stored.state.trend_form import decode_trend
from ninja_daemon.core.errors import NinjaError, StateUnreadable
from ninja_daemon.core.market.instant import Instant, parse_written_instant
from ninja_daemon.core.outcomes.open_signal import OpenSignal
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Change, CommitResult, Committed, Counts, Lease, Loaded

LONGEST_VALUE: Final = 32_768
"""Bytes of a value that is worth reading; 200 open signals have less."""
MOST_FIELDS: Final = 12_000
QUEUE_CAP: Final = 10_000
"""Signals that may wait on the list; beyond it commits wait, so that nothing is thrown away (QFULL). As many stay in a
mirror, where the oldest go."""
HISTORY_KEPT: Final = 1_000
"""Entries of the history that ``ninja-daemon signals`` shows; twice as many of what became of them."""
LISTED_KEPT: Final = 10_000
"""Listed ids of signals and outcomes remembered for each strategy, against repeats after a cursor was set back."""
_MOST_AT_ONCE: Final = 200_000
"""Fields, some megabytes: what moves in one round trip, which ends within the limit of a command."""
_CALLS_AT_ONCE: Final = 16
"""Calls of the commit script in one round trip, so that nothing waits for the last of thousands that are due."""
_PROVEN_AT_ONCE: Final = 32
"""Strategies whose digests one script compares; it costs less than as many scripts, and ends in half a millisecond."""
ALERTS_KEPT: Final = 100
"""Operations alerts that may wait for the notifier."""
_SAME: Final = ["same"]
_NO_PROOFS: Final[Mapping[str, Proof]] = {}
_QUIETLY_MADE: Final = Committed(CommitResult.OK)


@dataclass(slots=True)
class RedisStateStore:
    """The state store port on a Redis or Valkey server.

    Attributes:
        client: connection made by ``redis_client.connect``.
        keys: names of the namespace's keys.
        ma_state_floor: seconds; the averages live at least this long (CACHE_TTL_MA_STATE).
        fence: number of the lease under which commits are made; 0 commits without one.
        mirror: name of the list that gets a second copy of every signal; empty for none.
        needs_replicas: a commit counts only when the replicas have it (durability = "replicas").
    """

    client: redis.Redis
    keys: Keys
    ma_state_floor: int = 3_600
    fence: int = 0
    mirror: str = ""
    needs_replicas: bool = False
    _memory: StateMemory = field(default_factory=StateMemory, init=False, repr=False)

    def mirror_to(self, name: str) -> None:
        """Give a list a second copy of every signal from now on, those of kept commits included."""
        self.mirror = name

    @property
    def _lease(self) -> RedisLease:
        return RedisLease(self.client, self.keys)

    def load(self, strategies: Sequence[Strategy]) -> Mapping[str, Loaded]:
        """Return the stored state of strategies, by name; see the port.

        What this process knows already moves a digest only (state_memory.py).
        """
        known = {strategy.name: self._memory.recall(strategy) for strategy in strategies}
        self._memory.asked(known)
        recalled = [strategy for strategy in strategies if known[strategy.name][0].digest]
        groups = [recalled[start : start + _PROVEN_AT_ONCE] for start in range(0, len(recalled), _PROVEN_AT_ONCE)]
        weights = [len(group) for group in groups]
        unknown = [strategy for strategy in strategies if not known[strategy.name][0].digest]
        groups += [[strategy] for strategy in unknown]
        weights += [strategy.closes_held + strategy.atr_period for strategy in unknown]
        proofs = {name: proof for name, (proof, _) in known.items()}
        answers = self._run([self._load_call(group, proofs) for group in groups], weights)
        return {
            strategy.name: self._loaded(strategy, known[strategy.name][1], reply)
            for group, answer in zip(groups, answers, strict=True)
            for strategy, reply in zip(group, answered(answer), strict=True)
        }

    def supposed(self, strategies: Sequence[Strategy]) -> Mapping[str, Loaded]:
        """Return what this process has left there, by name, with one question for all; see the port."""
        known = self._memory.suppose(strategies)
        # A Redis that hangs is to be found by a question: commits would be in doubt.
        asked = next((one for one in strategies if one.name in known), None)
        return known if asked is None else {**known, **self.load([asked])}

    def _load_call(self, group: Sequence[Strategy], proofs: Mapping[str, Proof]) -> Call:
        keys = [key for strategy in group for key in self._state_keys(strategy.name)]
        known = [part for strategy in group for part in proofs[strategy.name]]
        return Call(script("load", reads_only=True), keys, (LONGEST_VALUE, MOST_FIELDS, *known))

    def _loaded(self, strategy: Strategy, known: Loaded | None, reply: Any) -> Loaded:  # noqa: ANN401 - of a script
        return known if reply == _SAME and known is not None else self._read(strategy, reply)

    def commit(self, changes: Sequence[Change]) -> Mapping[str, Committed | NinjaError]:
        """Write the changes, each all or nothing; see the port."""
        # Written down one after the other while Redis makes those before, so that neither waits for the other.
        made: dict[str, PreparedCommit] = {}
        proofs: dict[str, Proof] = {}

        def arguments(group: Sequence[Change]) -> Sequence[str | int]:
            for change in group:
                name = change.rules.strategy.name
                if name not in made:
                    since, proofs[name] = self._memory.base(name, change.loaded)
                    made[name] = prepared(change, self.ma_state_floor, since)
            return self._commit_arguments([made[change.rules.strategy.name] for change in group], proofs)

        groups = list(grouped(changes, _weight, lambda change: change.rules.strategy.name))
        calls = [self._commit_call(group.names, partial(arguments, group.members)) for group in groups]
        results: dict[str, Committed | NinjaError] = {}
        for group, reply in zip(groups, self._run(calls, [one.weight for one in groups], commits=True), strict=True):
            for change, name, result in zip(group.members, group.names, _committed(reply, group), strict=True):
                self._memory.keep_written(change, made[name], result)
                results[name] = result
        return results

    def prepared(self, change: Change) -> PreparedCommit:
        """Write a change down, for ``send`` or to be kept until it can be sent; what comes of it is read then."""
        self._memory.forget(change.rules.strategy.name)
        return prepared(change, self.ma_state_floor)

    def send(self, commits: Sequence[PreparedCommit]) -> list[Committed | NinjaError]:
        """Make the commits in their order, in one round trip, under the fence that is ours now.

        Raises:
            StoreUnavailable: nothing is known of any of them.
        """
        groups = list(grouped(commits, lambda commit: len(commit.averages), lambda commit: commit.strategy))
        calls = [self._commit_call(group.names, self._commit_arguments(group.members)) for group in groups]
        replies = self._run(calls, [one.weight for one in groups], commits=True)
        return [one for group, reply in zip(groups, replies, strict=True) for one in _committed(reply, group)]

    def unfinished(self, strategies: Sequence[Strategy]) -> Mapping[str, Sequence[OpenSignal]]:
        """Return the signals of the history whose outcome is not there; see the port."""
        return unfinished_in(*self.histories(), strategies)

    def last_listed(self, until: Mapping[str, Instant | None]) -> Mapping[str, Instant | None]:
        """Return the last listed signals by the history; see the port."""
        with translated_errors():
            signals = self.client.lrange(self.keys.history, 0, -1)
        return last_listed_in(signals, until, is_cut=len(signals) >= HISTORY_KEPT)

    def histories(self) -> tuple[Sequence[str], Sequence[str]]:
        """Return the histories of signals and of outcomes.

        Raises:
            StoreUnavailable: Redis did not answer, or one of them is no list.
        """
        with translated_errors():
            pipeline = self.client.pipeline(transaction=False)
            pipeline.lrange(self.keys.history, 0, -1)
            pipeline.lrange(self.keys.outcome_history, 0, -1)
            signals, followed = pipeline.execute()
        return signals, followed

    def _run(self, calls: Sequence[Call], weights: Sequence[int], *, commits: bool = False) -> list[Any]:
        """Run calls in one round trip, or in few: no limit could be kept for so much, and first signals wait for none.

        Raises:
            StoreUnavailable: nothing is known of any of them.
        """
        most = _CALLS_AT_ONCE if commits else len(calls)
        replies: list[Any] = []
        first = weight = 0
        for place, added in enumerate(weights):
            if weight and (weight + added > _MOST_AT_ONCE or place - first >= most):
                replies += self._once(calls[first:place], commits=commits)
                first, weight = place, 0
            weight += added
        return replies + self._once(calls[first:], commits=commits)

    def _once(self, calls: Sequence[Call], *, commits: bool) -> list[Any]:
        if not (commits and calls and self.needs_replicas):
            return run_scripts(self.client, calls)
        with translated_errors():
            needed = working_replicas(self.client)
        return run_scripts(self.client, calls, Replicated(needed, self.keys.replicated))

    def lease(self, token: str, seconds: float) -> Lease:
        """Take or keep the lease under ``token``, and commit under its fence from now on when it is ours.

        The lease of a process of this machine that is gone is taken over at once; any other has to run out.

        Raises:
            StoreUnavailable: Redis did not answer, or a key of the lease is of the wrong type.
        """
        lease = self._lease.take(token, seconds)
        if not lease.held and is_dead(lease.holder):
            lease = self._lease.take(token, seconds, lease.holder)
        if lease.held:
            self.fence = lease.fence
        return lease

    def holder(self) -> str:
        """Return the token of the active daemon; see ``RedisLease``."""
        return self._lease.holder()

    def release(self, token: str) -> None:
        """Give the lease back, if it is ours."""
        self._lease.release(token)

    def declare(self, holder: str, settings: Mapping[str, str]) -> None:
        """Say under which settings the holder of the lease works; see ``RedisLease``."""
        self._lease.declare(holder, settings)

    def declared(self, holder: str) -> Mapping[str, str] | None:
        """Return what this holder of the lease has declared; see ``RedisLease``."""
        return self._lease.declared(holder)

    def report(self, heartbeat: str, seconds: int) -> None:
        """Write a heartbeat that expires after some seconds.

        Raises:
            StoreUnavailable: Redis did not take it.
        """
        with translated_errors():
            self.client.set(self.keys.heartbeat, heartbeat, ex=seconds)

    def alert(self, kind: str, severity: str, text: str, at: float) -> None:
        """Alert the operator through the notifier, once for the same text in the same hour.

        Raises:
            StoreUnavailable: Redis did not take it.
        """
        with translated_errors():
            pipeline = self.client.pipeline(transaction=False)
            pipeline.rpush(self.keys.alerts, encode_alert(kind, severity, text, at))
            pipeline.ltrim(self.keys.alerts, -ALERTS_KEPT, -1)
            pipeline.execute()

    def _read(self, strategy: Strategy, reply: Any) -> Loaded:  # noqa: ANN401 - what a script returns
        cursor_entry, averages_entry, sides_entry = reply
        notes: list[str] = []
        cursor, token = _cursor(strategy, cursor_entry, notes)
        averages, sides = _fields(averages_entry, "ma_state", notes), _fields(sides_entry, "signal_state", notes)
        loaded = _loaded(strategy, (cursor, token), averages, sides, notes)
        self._memory.keep_read(strategy, loaded, averages, sides)
        return loaded

    def _state_keys(self, name: str) -> tuple[str, str, str]:
        keys = self.keys
        return keys.last_processed(name), keys.ma_state(name), keys.signal_state(name)

    def _commit_call(
        self, names: Sequence[str], arguments: Sequence[str | int] | Callable[[], Sequence[str | int]]
    ) -> Call:
        keys = self.keys
        shared = [keys.signals, keys.fence, keys.history, keys.outcomes, keys.outcome_history]
        if self.mirror:
            shared.append(keys.mirror(self.mirror))
        for name in names:
            shared += keys.committed(name)
        return Call(script("commit"), shared, arguments)

    def _commit_arguments(
        self, commits: Sequence[PreparedCommit], proofs: Mapping[str, Proof] = _NO_PROOFS
    ) -> list[str | int]:
        arguments: list[str | int] = [len(commits), self.fence, QUEUE_CAP, HISTORY_KEPT, LISTED_KEPT]
        for commit in commits:
            add_commit(arguments, commit, proofs.get(commit.strategy, NO_PROOF))
        return arguments


def _weight(change: Change) -> int:
    """Return about how many fields the averages of a commit have."""
    if change.loaded.state is not None and change.taken_in == 1:
        return 1
    closes = change.state.closes
    return len(closes) if change.loaded.state is None else min(change.taken_in, len(closes))


def _committed(reply: Any, group: Group[Any]) -> Sequence[Committed | NinjaError]:  # noqa: ANN401 - of a script
    if isinstance(reply, RedisError):
        return [unavailable(reply)] * len(group.names)
    return [_QUIETLY_MADE if one == CommitResult.OK else _result_of(one) for one in reply]


def _result_of(answer: Sequence[Any]) -> Committed:
    result, first, second, *third = (str(part) for part in answer)
    if result in {CommitResult.OK, CommitResult.ALREADY}:
        return Committed(result, listed=int(first), repeated=int(second), closed=int(third[0]) if third else 0)
    return Committed(result, detail=f"{first} {second}".strip())


def _loaded(
    strategy: Strategy,
    cursor: tuple[Instant | None, str],
    averages: Mapping[str, str] | None,
    sides: Mapping[str, str] | None,
    notes: list[str],
) -> Loaded:
    state = instrument = named = book = trend = None
    counts = Counts()
    if averages is not None:
        try:
            (state, instrument), trend = decode_state(strategy, averages), decode_trend(strategy.trend, averages)
        except StateUnreadable as error:
            notes.append(f"{error}; the averages are rebuilt from the broker's history")
    if sides is not None:
        try:
            counts, named = decode_counts(sides)
        except StateUnreadable as error:
            notes.append(f"{error}; the counts start again")
        try:
            book = decode_book(sides["open"], strategy.series) if "open" in sides else None
        except StateUnreadable as error:
            notes.append(f"{error}; they are found again from the history")
    return Loaded(*cursor, state, instrument, named, counts, tuple(notes), book, trend)


def _cursor(strategy: Strategy, entry: Sequence[str], notes: list[str]) -> tuple[Instant | None, str]:
    kind = entry[0]
    if kind == "none":
        return None, ""
    if kind != "string":
        notes.append(f"last_processed must be a string, was a {kind}")
        return None, f"!{kind}"
    # The commit script compares the first 64 bytes; letters may be more than one.
    token = "=" + entry[1].encode("utf-8", "surrogateescape")[:64].decode("utf-8", "surrogateescape")
    try:
        cursor = parse_written_instant(entry[1])
    except ValueError as error:
        notes.append(f"last_processed cannot be read: {error}")
        return None, token
    if not strategy.granularity.is_border(cursor):
        notes.append(f"last_processed must name a candle of {strategy.granularity.name}, was {entry[1][:30]}")
        return None, token
    return cursor, token


def _fields(entry: Sequence[str], name: str, notes: list[str]) -> dict[str, str] | None:
    kind = entry[0]
    if kind == "none":
        return None
    if kind != "hash":
        notes.append(f"{name} must be a hash, was a {kind}")
        return None
    if len(entry) > 1 and entry[1] == "!":
        notes.append(f"{name} must have at most {MOST_FIELDS} fields, had {entry[2]}")
        return None
    return dict(zip(entry[1::2], entry[2::2], strict=True))

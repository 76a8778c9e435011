"""The state store that goes on while Redis is away: what would be committed is kept in the local journal meanwhile.

The rules, and why the list stays exact:

* A strategy with a kept commit never bypasses it: its next commits are kept, too, until all of them are made.
* Kept commits are made by the same script with the same compare-and-set, so one that Redis had made already, or that
  another daemon has overtaken, changes nothing.
* Marks (what this machine knows to be committed) move only with what Redis has. A Redis that comes back older than it
  was left makes the kept commits stale; they are thrown away and the same signals are derived again from the broker.
* Only the daemon that holds the lease, or held it when Redis was lost, goes on alone.

While Redis is known to be away only ``lease``, called every few seconds, tries it; everything else answers at once.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple, TypeAlias

from ninja_daemon.adapters.journal.heartbeat_file import leave_heartbeat
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.kept_commits import JournalPart, KeptCommits, Reached
from ninja_daemon.adapters.journal.kept_state import Left, book_of, loaded_from_journal, loaded_from_memory, tally_of
from ninja_daemon.adapters.journal.lock import LockFile
from ninja_daemon.adapters.journal.replay import Replay
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.prepared import PreparedCommit
from ninja_daemon.core.errors import JournalUnavailable, NinjaError, StoreUnavailable
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.outcomes.open_signal import OpenSignal
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Change, Clock, CommitResult, Committed, Counts, Lease, Loaded, ReplayedCommits

_NOTE_EVERY: Final = 60.0
"""Seconds between two notes in the journal that this machine's daemon is the active one."""
_LED_LONG_ENOUGH: Final = 120.0
"""Seconds for which such a note proves something when other machines share the Redis."""
Marks: TypeAlias = Callable[[], Mapping[str, Instant]]
"""Reads what this machine knows to be committed, by strategy name."""


class _Lead(NamedTuple):
    """Until when the lease is ours for certain, on both clocks: one stands still while the machine sleeps."""

    monotonic: float
    wall: float

    def is_over(self, clock: Clock) -> bool:
        return clock.monotonic() > self.monotonic or clock.now() > self.wall


_NOT_OURS: Final = _Lead(float("-inf"), float("-inf"))


class FailoverStore:
    """The state store port on Redis and, while Redis is away, on the local journal."""

    def __init__(
        self,
        inner: RedisStateStore,
        journal: SqliteJournal,
        *,
        clock: Clock,
        is_shared: bool,
        push_alert: Callable[[str, str, str, float], None],
        part: JournalPart | None = None,
    ) -> None:
        """Put the parts together; nothing is read yet.

        Args:
            inner: Redis.
            journal: where commits wait; the notifier of this machine reads their signals there.
            clock: time.
            is_shared: daemons of other machines may use the same Redis.
            push_alert: hands an alert to the notifier without Redis: kind, severity, text, epoch seconds.
            part: what of the journal is ours; None for all.
        """
        self._inner = inner
        self._journal = journal
        self._kept = KeptCommits(journal, part)
        self._clock = clock
        self._is_shared = is_shared
        self._push_alert = push_alert
        self._away: StoreUnavailable | None = None
        self._known: dict[str, Loaded | Left] = {}
        self._lead = _NOT_OURS
        self._noted_at: float | None = None
        self._lock_file = LockFile(journal.path.with_suffix(".lead" if part is None else f".lead-{part.shard}"))
        self._replayed: list[ReplayedCommits] = []
        self._stuck: dict[str, Committed] = {}
        self._last_reached: Mapping[str, Reached] = {}
        self._lock = threading.Lock()

    # --- state -------------------------------------------------------------------------------------------------------

    @property
    def away(self) -> StoreUnavailable | None:
        """Why Redis is not used at the moment; None while it is."""
        return self._away

    def supposed(self, strategies: Sequence[Strategy]) -> Mapping[str, Loaded]:
        """Return what this process left in Redis, while nothing waits in the journal; see the port."""
        if self._away is not None or self._reached():
            return {}
        try:
            found = self._inner.supposed(strategies)
        except StoreUnavailable as error:
            self._lose(error)
            return {}
        self._known.update(found)
        return found

    def load(self, strategies: Sequence[Strategy]) -> Mapping[str, Loaded | NinjaError]:
        """Return what is stored, or what this machine knows of it while Redis is away; see the port."""
        reached = self._reached()
        in_redis: Mapping[str, Loaded] = {}
        if self._away is None:
            try:
                in_redis = self._inner.load(strategies)
            except StoreUnavailable as error:
                self._lose(error)
        if self._away is not None and not self._leads_alone():
            raise self._away
        self._known.update(in_redis)
        marks = cache(self._journal.marks)  # read once a wake, however many strategies need it
        return {
            strategy.name: in_redis[strategy.name]
            if strategy.name in in_redis and strategy.name not in reached
            else self._from_memory(strategy, reached.get(strategy.name), marks)
            for strategy in strategies
        }

    def commit(self, changes: Sequence[Change]) -> Mapping[str, Committed | NinjaError]:
        """Write the changes to Redis, or keep them for it; see the port."""
        reached = self._reached()
        results: dict[str, Committed | NinjaError] = {}
        if self._away is None and self._stuck:
            # An obstacle to one kept commit stops the next ones, too: their order is kept.
            names = {one.rules.strategy.name for one in changes}
            results.update((name, stuck) for name, stuck in self._stuck.items() if name in names)
        passing = [] if self._away is not None else changes
        direct = [one for one in passing if one.rules.strategy.name not in reached] if reached else passing
        unsure: Sequence[Change] = ()
        if direct:
            try:
                results.update(self._inner.commit(direct))
            except StoreUnavailable as error:
                self._lose(error)
                unsure = direct
        for result in results.values():
            if isinstance(result, StoreUnavailable):
                self._lose(result)
        # A refused commit was certainly not applied; one whose connection broke may have been.
        doubtful = {one.rules.strategy.name for one in unsure}
        refused = [one for one in changes if not isinstance(results.get(one.rules.strategy.name), Committed)]
        results |= self._keep([one for one in refused if one.rules.strategy.name not in doubtful], unsure=False)
        results |= self._keep(unsure, unsure=True)
        for change in changes:
            self._remember(change, results[change.rules.strategy.name])
        return results

    def _keep(self, changes: Sequence[Change], *, unsure: bool) -> Mapping[str, Committed | NinjaError]:
        if not changes:
            return {}
        commits = [self._inner.prepared(change) for change in changes]
        if not self._leads_alone():
            return dict.fromkeys((one.strategy for one in commits), self._away or StoreUnavailable("Redis is away"))
        try:
            kept = self._kept.keep(commits, unsure=unsure)
        except JournalUnavailable as error:
            return dict.fromkeys((one.strategy for one in commits), StoreUnavailable(f"{self._away}; and {error}"))
        return {commit.strategy: _kept(commit, kept[commit.strategy]) for commit in commits}

    def _remember(self, change: Change, result: Committed | NinjaError) -> None:
        """Remember the state for the time when Redis cannot be asked."""
        name = change.rules.strategy.name
        if change.state.last is None or not isinstance(result, Committed) or not result.is_done:
            self._known.pop(name, None)
            return
        # Few need it: the store's own words are made of it when it is asked for.
        _, _, state, counts, _, _, book, _, trend = change
        self._known[name] = Left(state, change.rules.instrument, counts, book, trend)

    def _from_memory(self, strategy: Strategy, reached: Reached | None, marks: Marks) -> Loaded | NinjaError:
        """Return what this machine knows of a strategy without Redis: from memory, the spool, or the marks."""
        known = loaded_from_memory(self._known.get(strategy.name))
        if known is not None and (reached is None or known.cursor == reached.target):
            return known
        if reached is not None:
            return loaded_from_journal(reached.target, tally_of(reached.sides), book_of(strategy, reached.sides))
        try:
            mark = marks().get(strategy.name)
        except JournalUnavailable as error:
            return StoreUnavailable(f"{self._away}; and {error}")
        if mark is None or not strategy.granularity.is_border(mark):
            return StoreUnavailable(f"{self._away}; this machine does not know where {strategy.name} stands")
        return loaded_from_journal(mark, Counts(), None)

    def unfinished(self, strategies: Sequence[Strategy]) -> Mapping[str, Sequence[OpenSignal]]:
        """Return the listed signals whose outcome is not listed; see the port."""
        if self._away is not None:
            raise self._away
        # What waits in the journal is not in the history yet: until it is made, what is open is not known.
        waiting = self._reached()
        return self._inner.unfinished([one for one in strategies if one.name not in waiting])

    def last_listed(self, until: Mapping[str, Instant | None]) -> Mapping[str, Instant | None]:
        """Return the last listed signals; see the port."""
        if self._away is not None:
            raise self._away
        waiting = self._reached()  # whose counts know it
        return self._inner.last_listed({name: time for name, time in until.items() if name not in waiting})

    def _reached(self) -> Mapping[str, Reached]:
        with contextlib.suppress(JournalUnavailable):
            self._last_reached = self._kept.reached()
        # A journal that cannot be read at the moment still holds what it held: its strategies bypass nothing.
        return self._last_reached

    # --- who works ---------------------------------------------------------------------------------------------------

    def lease(self, token: str, seconds: float) -> Lease:
        """Take or keep the lease; when it is ours and Redis was away, make the commits that waited.

        Raises:
            StoreUnavailable: Redis is (still) away.
        """
        # Before the question: the answer may be slow, and the lease runs from when Redis gave it.
        until = _Lead(self._clock.monotonic() + seconds, self._clock.now() + seconds)
        try:
            lease = self._inner.lease(token, seconds)
            if lease.held:
                self._lead = until
                self._note_lead(token)
                self._replay()
            else:
                self._lead = _NOT_OURS
                self._known.clear()
                self._note_follow(token)
        except StoreUnavailable as error:
            self._lose(error)
            raise
        self._away = None
        return lease

    def led_here(self) -> bool:
        """Tell whether this machine's daemon was the active one when Redis was lost, and no other process of it is.

        For a daemon that starts while Redis is away: if so it may go on alone.
        """
        try:
            at = self._kept.led_at()
        except JournalUnavailable:
            return False
        if at is None or not self._lock_journal():
            return False
        if self._is_shared and abs(self._clock.now() - at) > _LED_LONG_ENOUGH:
            return False
        self._lead = _Lead(float("inf"), float("inf"))
        return True

    def release(self, token: str) -> None:
        """Give the lease back, if it is ours; where others may take it, this machine is not the last leader then."""
        if self._is_shared:
            self._note_follow(token)
        self._inner.release(token)

    def _leads_alone(self) -> bool:
        """Tell whether we are certain to have held the lease when Redis was lost."""
        return self._away is None or self._lead is not _NOT_OURS

    def _lose(self, error: StoreUnavailable) -> None:
        with self._lock:
            if self._away is None and self._lead.is_over(self._clock):
                # Our lease had run out before we noticed anything: another daemon may be at work.
                self._lead = _NOT_OURS
            self._away = error

    def _note_lead(self, token: str) -> None:
        if _is_single_pass(token):
            return  # A single pass ends before it could go on alone.
        self._lock_journal()
        now = self._clock.monotonic()
        if self._noted_at is not None and now - self._noted_at < _NOTE_EVERY:
            return
        with contextlib.suppress(JournalUnavailable):
            self._kept.lead(int(self._clock.now()))
            self._noted_at = now

    def _note_follow(self, token: str) -> None:
        """Delete our leadership note, unless another local process holds the lock."""
        if _is_single_pass(token) or self._noted_at == float("-inf") or not self._lock_journal():
            return
        with contextlib.suppress(JournalUnavailable):
            self._kept.lead(None)
            self._noted_at = float("-inf")
        self._lock_file.let_go()

    def _lock_journal(self) -> bool:
        """Hold the journal's lock file for this process; tell whether we do."""
        with contextlib.suppress(OSError):
            return self._lock_file.take() is None
        return False

    # --- when Redis is back ------------------------------------------------------------------------------------------

    def kept_commits(self) -> int:
        """Return how many commits wait for Redis.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        return self._kept.count()

    def replayed(self) -> Sequence[ReplayedCommits]:
        """Return what became of waiting commits since this was last called."""
        found, self._replayed = self._replayed, []
        return found

    def _replay(self) -> None:
        """Make the commits that waited.

        Raises:
            StoreUnavailable: Redis went away again, or refused some; everything that was not made is still there.
        """
        replay = Replay(self._kept, self._inner.send)
        with contextlib.suppress(JournalUnavailable):
            if self._reached():
                replay.run()
            for name in replay.lost:
                self._known.pop(name, None)
        self._stuck = replay.stuck
        if replay.done or replay.lost:
            self._replayed.append(ReplayedCommits(replay.done, replay.signals, tuple(sorted(replay.lost))))
        if replay.trouble is not None:
            raise replay.trouble

    # --- signs of life -----------------------------------------------------------------------------------------------

    def declare(self, holder: str, settings: Mapping[str, str]) -> None:
        """Say under which settings the holder of the lease works.

        Raises:
            StoreUnavailable: Redis did not take it.
        """
        self._inner.declare(holder, settings)

    def declared(self, holder: str) -> Mapping[str, str] | None:
        """Return what this holder of the lease has declared; None when that is not known.

        Raises:
            StoreUnavailable: Redis did not answer.
        """
        return self._inner.declared(holder)

    def report(self, heartbeat: str, seconds: int) -> None:
        """Leave a heartbeat that vanishes after that many seconds; beside the journal where Redis does not take it.

        Raises:
            StoreUnavailable: Redis is there and did not take it, or it is away and the directory cannot be written.
        """
        if self._away is not None:
            leave_heartbeat(self._journal.path, heartbeat)
            return
        try:
            self._inner.report(heartbeat, seconds)
        except StoreUnavailable:
            with contextlib.suppress(StoreUnavailable):
                leave_heartbeat(self._journal.path, heartbeat)
            raise

    def alert(self, kind: str, severity: str, text: str, at: float) -> None:
        """Alert the operator through the notifier, by the journal while Redis is away.

        Raises:
            StoreUnavailable: neither took it.
        """
        if self._away is None:
            with contextlib.suppress(StoreUnavailable):
                self._inner.alert(kind, severity, text, at)
                return
        self._push_alert(kind, severity, text, at)

    def close(self) -> None:
        """Let connections and files go."""
        self._inner.client.close()
        self._lock_file.let_go()


def _is_single_pass(token: str) -> bool:
    return token.startswith("once|")


def _kept(commit: PreparedCommit, new: int | None) -> Committed:
    if new is None:
        return Committed(CommitResult.STALE)
    return Committed(CommitResult.KEPT, listed=new, repeated=len(commit.signals) - new, closed=len(commit.outcomes))

"""What the use cases need from the outside world. Each port is real in adapters/ and faked in tests/fakes/.

Every implementation of a port passes the same contract tests; errors are those of ``core.errors`` only.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from ninja_daemon.core.averages.trend import TrendState
from ninja_daemon.core.errors import NinjaError, StoreUnavailable
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.outcomes.following import Book
from ninja_daemon.core.outcomes.open_signal import OpenSignal
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import DaemonSource


class Clock(Protocol):
    """Time as the process sees it; the only way in which time comes in."""

    def now(self) -> float:
        """Return epoch seconds, UTC. May jump when the machine's clock is set."""

    def monotonic(self) -> float:
        """Return seconds that never go back; for durations."""

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait until ``stop`` is set or ``seconds`` have passed; return whether it is set."""


# --- candles ---------------------------------------------------------------------------------------------------------


# --- state -----------------------------------------------------------------------------------------------------------


NOTHING_REJECTED: Final[Mapping[str, int]] = MappingProxyType({})


class Counts(NamedTuple):
    """What a strategy has counted since it was first started, stored with its state.

    Attributes:
        evaluated: candles taken in.
        crosses: turns of the side, signals and rejected ones.
        signals: signals found (listed now or before).
        rejected: crosses rejected, by filter name.
        revisions: completed candles that the broker changed afterwards.
        gaps: candles that never came although there were prices.
        last_signal_id: id of the newest signal, empty before the first.
        last_signal_time: open of its candle, None before the first.
        shown_before: closes of the candles before the cursor's, newest first, in price units, as the broker last showed
            them; two at most.
    """

    evaluated: int = 0
    crosses: int = 0
    signals: int = 0
    rejected: Mapping[str, int] = NOTHING_REJECTED
    revisions: int = 0
    gaps: int = 0
    last_signal_id: str = ""
    last_signal_time: Instant | None = None
    shown_before: tuple[int, ...] = ()


class Loaded(NamedTuple):
    """What the store holds of one strategy.

    Attributes:
        cursor: open time of the last candle taken in; None when there is none or it cannot be read.
        cursor_token: what the store must still hold when the next commit is made; opaque to the caller.
        state: averages and side, None when missing, unreadable or written under other settings. Its ``last`` candle
            need not be the cursor's.
        instrument: decimals and pip under which ``state`` was written.
        named: the candle that other stored parts (signal state, journal) name as the last one; None when they are
            lost, too.
        counts: the counts, zero when lost.
        notes: one sentence for each part that was there and could not be used.
        book: the open signals; None when they are lost, or were never kept.
        trend: the average of the larger timeframe at the close of the state's last candle; None with it, and for a
            strategy without one.
    """

    cursor: Instant | None
    cursor_token: str
    state: StrategyState | None
    instrument: Instrument | None
    named: Instant | None
    counts: Counts
    notes: Sequence[str] = ()
    book: Book | None = None
    trend: TrendState | None = None


class CommitResult:
    """Results of a commit, as the script names them."""

    OK = "OK"
    ALREADY = "ALREADY"
    STALE = "STALE"
    FENCED = "FENCED"
    BADTYPE = "BADTYPE"
    QFULL = "QFULL"
    KEPT = "KEPT"
    """Not the script's: Redis is away, the commit waits in the local journal and will be made when it is back."""


class Change(NamedTuple):
    """One strategy's commit: everything that one or more candles changed, written as a whole or not at all.

    Attributes:
        rules: strategy and instrument.
        loaded: what the change was computed from.
        state: the state after the candles.
        counts: the counts after the candles.
        signals: signals found, oldest first.
        taken_in: candles behind the change; zero for a state that was only rebuilt.
        book: the open signals after the candles; None when they are not known, so that what is stored stays.
        outcomes: signals that ended, in the contract's order.
        trend: the average of the larger timeframe at the close of the state's last candle; None without one.
    """

    rules: Rules
    loaded: Loaded
    state: StrategyState
    counts: Counts
    signals: Sequence[Signal]
    taken_in: int
    book: Book | None = None
    outcomes: Sequence[Outcome] = ()
    trend: TrendState | None = None


class Committed(NamedTuple):
    """What became of a change.

    Attributes:
        result: one of ``CommitResult``.
        listed: how many of its signals were put on the list now.
        repeated: how many had been listed before and were left out.
        detail: the key that stands in the way, for BADTYPE; the queue's length, for QFULL.
        closed: how many of its outcomes were put on their list now.
    """

    result: str
    listed: int = 0
    repeated: int = 0
    detail: str = ""
    closed: int = 0

    @property
    def is_in_store(self) -> bool:
        """Whether the store has it; what is kept for the store is no mark yet."""
        return self[0] == CommitResult.OK or self[0] == CommitResult.ALREADY

    @property
    def is_done(self) -> bool:
        """Whether the candles need not be taken in again."""
        return self.is_in_store or self[0] == CommitResult.KEPT


class StateStore(Protocol):
    """Where cursors, averages and the signals list live."""

    def supposed(self, strategies: Sequence[Strategy]) -> Mapping[str, Loaded]:
        """Return what is stored if nobody has touched what this process left there, by name; others are left out.

        A commit that is built on it is STALE where it does not hold. What no commit is built on has to be loaded.

        Raises:
            StoreUnavailable: nothing can be read at all.
        """

    def load(self, strategies: Sequence[Strategy]) -> Mapping[str, Loaded | NinjaError]:
        """Return what is stored, by strategy name, in one round trip for all of them; an error where one is unknown.

        Raises:
            StoreUnavailable: nothing can be read at all.
        """

    def commit(self, changes: Sequence[Change]) -> Mapping[str, Committed | NinjaError]:
        """Write the changes, each by its own compare-and-set, in one round trip; return the results by strategy name.

        A commit that is repeated after a lost reply changes nothing. An error in the place of a result means that
        this change was refused as a whole (out of memory, read-only).

        Raises:
            StoreUnavailable: nothing is known of any of them; load again.
        """

    def unfinished(self, strategies: Sequence[Strategy]) -> Mapping[str, Sequence[OpenSignal]]:
        """Return the listed signals whose outcome is not listed, as they began, oldest first, by strategy name.

        Asked only where the open signals are lost; those of other series than the strategy's now are left out.

        Raises:
            StoreUnavailable: it cannot be told.
        """

    def last_listed(self, until: Mapping[str, Instant | None]) -> Mapping[str, Instant | None]:
        """Return the open of the candle of the last listed signal, None for none, by strategy name.

        Asked only where the averages and the counts are lost; strategies of which it is not known are left out.

        Args:
            until: open of the last candle that counts, by strategy name; None for any.

        Raises:
            StoreUnavailable: it cannot be told.
        """


NO_BOOKS: Final[Mapping[Strategy, Book]] = {}


class Journal(Protocol):
    """What this machine remembers by itself, so that a Redis that lost everything is no first start."""

    def marks(self) -> Mapping[str, Instant]:
        """Return the last candle that is known to be committed, by strategy name.

        Raises:
            JournalUnavailable: it cannot be read.
        """

    def open_books(self, strategies: Sequence[Strategy]) -> Mapping[str, Book]:
        """Return the open signals as they last changed, by strategy name; those that are not known are left out.

        Raises:
            JournalUnavailable: they cannot be read.
        """

    def remember(self, marks: Mapping[str, Instant], books: Mapping[Strategy, Book] = NO_BOOKS) -> None:
        """Keep these marks and open signals, so that the end of the process loses none.

        A loss of power may forget the last ones.

        Raises:
            JournalUnavailable: it cannot be written.
        """


class Lease(NamedTuple):
    """What came of asking for the lease.

    Attributes:
        held: it is ours now.
        fence: the number to commit under, when it is.
        holder: who has it, when it is not.
        remaining: seconds that the other one's lease has left.
        is_new: it was not ours before we asked.
    """

    held: bool
    fence: int = 0
    holder: str = ""
    remaining: float = 0.0
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class ReplayedCommits:
    """What became of the commits that waited for Redis.

    Attributes:
        commits: how many were made (or had been made).
        signals: how many signals they put on the list.
        derived_again: strategies whose kept commits no longer fit what Redis holds.
    """

    commits: int
    signals: int
    derived_again: tuple[str, ...]


class DaemonStore(StateStore, Protocol):
    """The state store, with the lease and the reports that only the daemon needs."""

    def lease(self, token: str, seconds: float) -> Lease:
        """Take or keep the lease."""

    def release(self, token: str) -> None:
        """Give the lease back."""

    def declare(self, holder: str, settings: Mapping[str, str]) -> None:
        """Say under which settings the holder of the lease works."""

    def declared(self, holder: str) -> Mapping[str, str] | None:
        """Return what this holder of the lease has declared; None when that is not known."""

    def report(self, heartbeat: str, seconds: int) -> None:
        """Leave a heartbeat that vanishes after that many seconds."""

    def alert(self, kind: str, severity: str, text: str, at: float) -> None:
        """Alert the operator through the notifier."""

    @property
    def away(self) -> StoreUnavailable | None:
        """Why the store is not what is written to at the moment: commits wait in the local journal."""

    def led_here(self) -> bool:
        """Tell whether a daemon that starts while the store is away may go on alone."""

    def kept_commits(self) -> int:
        """Return how many commits wait in the local journal.

        Raises:
            JournalUnavailable: it cannot be read.
        """

    def replayed(self) -> Sequence[ReplayedCommits]:
        """Return what became of commits that waited, since this was last called."""


@dataclass(frozen=True, slots=True)
class DaemonPorts:
    """Everything that the daemon needs from the outside world.

    Attributes:
        clock: time.
        source: the broker.
        store: state, list and lease.
        journal: this machine's own memory.
    """

    clock: Clock
    source: DaemonSource
    store: DaemonStore
    journal: Journal

"""The state store without Redis (``CACHE_ENABLED=false``): averages in memory, cursors and signals in the journal.

Averages are rebuilt from the broker's history at every start of the process; nothing else is lost between two starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ninja_daemon.adapters.journal.heartbeat_file import leave_heartbeat
from ninja_daemon.adapters.journal.journal import OUTBOX_KEPT, Closed, SqliteJournal
from ninja_daemon.adapters.journal.lock import LockFile
from ninja_daemon.adapters.stored.open_signals import decode_book, encode_book, encode_terms
from ninja_daemon.adapters.stored.outcome import encode_outcome, last_listed_in
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.core.errors import JournalUnavailable, NinjaError, StateUnreadable, StoreUnavailable
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.outcomes.open_signal import OpenSignal, terms_of
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Change, CommitResult, Committed, Counts, Lease, Loaded, ReplayedCommits

_NO_CURSOR: Final = ""
_NOTHING: Final = Loaded(None, _NO_CURSOR, None, None, None, Counts())


def _closed(change: Change) -> Closed | None:
    if change.book is None:
        return None
    strategy, instrument = change.rules.strategy, change.rules.instrument
    series = strategy.series
    followed = {one.id: encode_terms(one.id, series, terms_of(strategy, instrument, one)) for one in change.signals}
    outcomes = {outcome.id: encode_outcome(outcome) for outcome in change.outcomes}
    return Closed(str(series), encode_book(change.book, series), followed, outcomes)


class LocalStateStore:
    """The state store port on the local journal."""

    def __init__(
        self, journal: SqliteJournal, push_alert: Callable[[str, str, str, float], None] = lambda *_: None
    ) -> None:
        """Begin with no averages.

        Args:
            journal: where cursors and signals lie.
            push_alert: hands an alert to the notifier: kind, severity, text, epoch seconds.
        """
        self._journal = journal
        self._push_alert = push_alert
        self._known: dict[str, tuple[str, Loaded]] = {}
        self._lock_file = LockFile(journal.path.with_suffix(".lock"))

    def supposed(self, _: Sequence[Strategy]) -> Mapping[str, Loaded]:
        """Return nothing: the journal is on this machine; see the port."""
        return {}

    def load(self, strategies: Sequence[Strategy]) -> Mapping[str, Loaded]:
        """Return the journal's cursors and the averages in memory; see the port."""
        try:
            marks, books = self._journal.marks(), self._journal.books()
        except JournalUnavailable as error:
            raise StoreUnavailable(str(error)) from error
        loaded = {}
        for strategy in strategies:
            mark = marks.get(strategy.name)
            token = _NO_CURSOR if mark is None else str(mark)
            settings, known = self._known.get(strategy.name, ("", _NOTHING))
            if settings != strategy.settings_hash:
                known = _NOTHING._replace(counts=known.counts)
            notes = []
            if mark is not None and not strategy.granularity.is_border(mark):
                notes.append(
                    f"the journal must name a candle of {strategy.granularity.name}, had {format_instant(mark)}"
                )
                mark = None
            book = None
            try:
                text = books.get((strategy.name, str(strategy.series)))
                book = None if text is None else decode_book(text, strategy.series)
            except StateUnreadable as error:
                notes.append(f"{error}; they are followed no further")
            # Nothing else could tell what is open, and nothing has been lost without it.
            loaded[strategy.name] = known._replace(cursor=mark, cursor_token=token, notes=notes, book=book)
        return loaded

    def commit(self, changes: Sequence[Change]) -> Mapping[str, Committed | NinjaError]:
        """Write each change's cursor and signals in one transaction; see the port."""
        return {change.rules.strategy.name: self._commit(change) for change in changes}

    def _commit(self, change: Change) -> Committed | NinjaError:
        strategy = change.rules.strategy
        last = change.state.last
        assert last is not None  # noqa: S101 - only states with a candle are committed
        token = change.loaded.cursor_token
        signals = {signal.id: encode_signal(signal) for signal in change.signals}
        try:
            expected = int(token) if token else None
            new = self._journal.commit(strategy.name, expected, last.time, signals, _closed(change))
        except JournalUnavailable as error:
            return StoreUnavailable(str(error))
        if new is None:
            self._known.pop(strategy.name, None)
            return Committed(CommitResult.STALE)
        known = Loaded(last.time, "", change.state, change.rules.instrument, None, change.counts, trend=change.trend)
        self._known[strategy.name] = (strategy.settings_hash, known)
        listed, closed = new
        return Committed(CommitResult.OK, listed=listed, repeated=len(signals) - listed, closed=closed)

    def unfinished(self, strategies: Sequence[Strategy]) -> Mapping[str, Sequence[OpenSignal]]:
        """Return none: the open signals lie in the same file as the signals, and are lost with them only."""
        return {strategy.name: () for strategy in strategies}

    def last_listed(self, until: Mapping[str, Instant | None]) -> Mapping[str, Instant | None]:
        """Return the last signals of the outbox; see the port."""
        try:
            signals = self._journal.history(OUTBOX_KEPT)
        except JournalUnavailable as error:
            raise StoreUnavailable(str(error)) from error
        return last_listed_in(signals, until, is_cut=len(signals) >= OUTBOX_KEPT)

    def lease(self, token: str, seconds: float) -> Lease:
        """Hold the journal's directory for this process; another process stands by until this one ends.

        Raises:
            StoreUnavailable: the directory cannot be written.
        """
        del seconds
        try:
            holder = self._lock_file.take(token)
        except OSError as error:
            message = f"the state directory must be writable, was not ({error.strerror}); set NINJA_STATE_DIR"
            raise StoreUnavailable(message) from error
        return Lease(held=holder is None, holder=holder or "")

    def release(self, token: str) -> None:
        """Let another process work."""
        del token
        self._lock_file.let_go()

    def declare(self, holder: str, settings: Mapping[str, str]) -> None:
        """Do nothing: daemons of one state directory share the machine and its configuration."""

    def declared(self, holder: str) -> Mapping[str, str] | None:
        """Return that nothing is known."""
        del holder
        return None

    def report(self, heartbeat: str, seconds: int) -> None:
        """Leave the heartbeat beside the journal, where ``status`` looks for it."""
        del seconds
        leave_heartbeat(self._journal.path, heartbeat)

    def alert(self, kind: str, severity: str, text: str, at: float) -> None:
        """Alert the operator through the notifier.

        Raises:
            StoreUnavailable: the journal cannot be written.
        """
        self._push_alert(kind, severity, text, at)

    @property
    def away(self) -> None:
        """Nothing: the journal is what there is, and it is here or raises."""

    def led_here(self) -> bool:
        """Tell that a daemon that cannot have the lease has nothing to go on with."""
        return False

    def kept_commits(self) -> int:
        """Return 0: nothing waits for another store."""
        return 0

    def replayed(self) -> Sequence[ReplayedCommits]:
        """Return nothing: no commit waits for another store."""
        return ()

    def close(self) -> None:
        """Let go of everything."""
        self.release("")

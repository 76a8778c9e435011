"""Find out again which signals are open, where that is lost or was left behind: from the list's history and the broker.

What is open is stored with the cursor. It may be lost with it, or name an earlier candle when candles were taken in
while nobody could tell what is open (Redis away, a restart meanwhile). Outcomes that are found once more are known to
the store by their ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ninja_daemon.core.errors import JournalUnavailable, NinjaError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.outcomes.following import Book, Followed, can_be_followed, follow
from ninja_daemon.core.outcomes.open_signal import OpenSignal
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import CandleSource, Wanted
from ninja_daemon.usecases.ports import Journal, StateStore
from ninja_daemon.usecases.standing import LastSignal, Standing
from ninja_daemon.usecases.wake_result import Start

_MOST_PAGES: Final = 1_000


@dataclass(frozen=True, slots=True)
class LostBook:
    """A strategy whose open signals are not known as of its cursor.

    Attributes:
        strategy: its settings.
        instrument: of its state.
        until: open of the last candle taken in.
        known: the open signals as of an earlier candle; None when nothing is known of them.
    """

    strategy: Strategy
    instrument: Instrument
    until: Instant
    known: Book | None


@dataclass(slots=True)
class _Search:
    """A lost book on its way through the candles."""

    lost: LostBook
    book: Book
    listed: Sequence[OpenSignal]
    outcomes: list[Outcome] = field(default_factory=list)

    def take(self, instrument: Instrument, candles: Sequence[Candle]) -> None:
        some = [candle for candle in candles if candle.time <= self.lost.until]
        if not some:
            return
        new = [one for one in self.listed if one.time <= some[-1].time]
        after = follow(self.lost.strategy, instrument, self.book, some, new)
        self.listed = self.listed[len(new) :]
        self.book = after.book
        self.outcomes += after.outcomes


def find_books(
    lost: Sequence[LostBook], source: CandleSource, store: StateStore, journal: Journal
) -> Mapping[str, Followed]:
    """Return the open signals after each strategy's last candle, and the outcomes on the way to it.

    Strategies of which it cannot be told for now are left out; they lose nothing by waiting.
    """
    if not lost:
        return {}
    try:
        unfinished = store.unfinished([one.strategy for one in lost])
    except NinjaError:
        return {}
    lost = _known_here(lost, journal)
    found: dict[str, Followed] = {}
    searches: list[_Search] = []
    for one in lost:
        listed = unfinished.get(one.strategy.name)
        if listed is None:
            continue
        search = _search(one, listed)
        if search is None:
            found[one.strategy.name] = Followed(Book(one.until), ())
        else:
            searches.append(search)
    for _ in range(_MOST_PAGES):
        if not searches:
            break
        searches = _page(searches, source, found)
    return found


def _known_here(lost: Sequence[LostBook], journal: Journal) -> Sequence[LostBook]:
    """Take what this machine remembers where the store knows nothing."""
    unknown = [one.strategy for one in lost if one.known is None]
    if not unknown:
        return lost
    try:
        books = journal.open_books(unknown)
    except JournalUnavailable:
        return lost
    return [one if one.known is not None else replace(one, known=books.get(one.strategy.name)) for one in lost]


def _search(lost: LostBook, listed: Sequence[OpenSignal]) -> _Search | None:
    """Say where to begin; None when nothing is open."""
    after = None if lost.known is None else lost.known.followed
    running = () if lost.known is None else lost.known.signals
    new = [one for one in listed if one.time <= lost.until and (after is None or one.time > after)]
    if not running and not new:
        return None
    if after is not None and after > lost.until:
        # The cursor was set back: the open signals are further than it.
        return _Search(replace(lost, until=after), Book(after, running), ())
    if after is None:
        return _Search(lost, Book(new[0].time, tuple(filter(can_be_followed, new[:1]))), new[1:])
    return _Search(lost, Book(after, running), new)


def _page(searches: Sequence[_Search], source: CandleSource, found: dict[str, Followed]) -> list[_Search]:
    """Read on for those that have not come to their last candle; return those that go on."""
    going_on: list[_Search] = []
    wanted = {id(one): Wanted(one.lost.strategy.series, one.book.followed or 0) for one in searches}
    answers = source.newer(set(wanted.values()))
    for search in searches:
        answer = answers[wanted[id(search)]]
        if isinstance(answer, NinjaError):
            continue
        search.take(answer.instrument, answer.candles)
        if search.book.followed == search.lost.until:
            found[search.lost.strategy.name] = Followed(search.book, search.outcomes)
        elif answer.more and answer.candles and answer.rejected is None:
            going_on.append(search)
    return going_on


def find_last_signals(standings: Sequence[Standing], store: StateStore) -> None:
    """Find out when the last signal was, where signals keep a distance and averages are to be built.

    The counts say it, as long as they are there and do not lie ahead of the cursor; else the list's history does. Where
    neither knows (both lost, Redis away), the candles tell: what the rules make of a longer history.
    """
    unknown = []
    for one in standings:
        if one.start is Start.STORED or not one.strategy.spacing:
            continue
        counts = one.loaded.counts
        if one.cursor is not None and counts.evaluated and (counts.last_signal_time or 0) <= one.cursor:
            one.last_signal = LastSignal(counts.last_signal_time)
        else:
            unknown.append(one)
    if not unknown:
        return
    try:
        listed = store.last_listed({one.strategy.name: one.cursor for one in unknown})
    except NinjaError:
        return
    for one in unknown:
        if one.strategy.name in listed:
            one.last_signal = LastSignal(listed[one.strategy.name])

"""What a daemon goes on with while Redis is away: cursor, counts and open signals as the journal holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ninja_daemon.adapters.journal.kept_commits import token_of
from ninja_daemon.adapters.stored.open_signals import decode_book
from ninja_daemon.adapters.stored.state.counts import decode_counts
from ninja_daemon.core.averages.trend import TrendState
from ninja_daemon.core.errors import StateUnreadable
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.outcomes.following import Book
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Counts, Loaded


class Left(NamedTuple):
    """What the last commit of a strategy has left, as far as this process remembers it; the fields of ``Loaded``."""

    state: StrategyState
    instrument: Instrument
    counts: Counts
    book: Book | None
    trend: TrendState | None


def loaded_from_memory(known: Loaded | Left | None) -> Loaded | None:
    """Return what is remembered of a strategy as the store would say it."""
    if not isinstance(known, Left):
        return known
    last = known.state.last
    assert last is not None  # noqa: S101 - only states with a candle are committed
    state, instrument, counts, book, trend = known
    return Loaded(last.time, token_of(last.time), state, instrument, last.time, counts, (), book, trend)


def loaded_from_journal(cursor: Instant, counts: Counts, book: Book | None) -> Loaded:
    """Return the state of a strategy whose averages must be rebuilt from the cursor."""
    return Loaded(cursor, token_of(cursor), None, None, cursor, counts, book=book)


def book_of(strategy: Strategy, sides: Mapping[str, str] | None) -> Book | None:
    """Return the open signals that were kept; None when there are none or they cannot be read."""
    try:
        return None if sides is None or "open" not in sides else decode_book(sides["open"], strategy.series)
    except StateUnreadable:
        return None


def tally_of(sides: Mapping[str, str] | None) -> Counts:
    """Return the counts that were kept; empty ones when they cannot be read."""
    try:
        return Counts() if sides is None else decode_counts(sides)[0]
    except StateUnreadable:
        return Counts()

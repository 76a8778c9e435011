"""Notes of evaluations as they are read: those in their place, and the recent ones behind them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from ninja_daemon.adapters.journal.history.evaluation_rows import (
    COLUMNS,
    LATER_COLUMNS,
    evaluation_of,
    gap_pips,
    read_again,
)
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.usecases.proof.noted import Absence, Evaluation, Notes, Presence, Seen

_ALL: Final = ", ".join(("strategy", *COLUMNS, *LATER_COLUMNS))
_NOTED: Final = (
    f"SELECT {_ALL} FROM evaluation"  # noqa: S608 - our own words
    " WHERE strategy = (SELECT n FROM name WHERE name = ?) AND time BETWEEN ? AND ?"
)
_LAST: Final = 2**62


def _evaluations(
    connection: sqlite3.Connection, strategy: str, since: Instant, until: Instant
) -> dict[Instant, Evaluation]:
    """Return notes by the open of their candle, oldest first; of two of one candle the first."""
    names = dict(connection.execute("SELECT n, name FROM name"))
    found: dict[Instant, Evaluation] = {}
    for _, time, at, by, *more in connection.execute(_NOTED, (strategy, since, until)):
        *rest, series, decimals, opened, high, low, close, gap = more
        prices = (names.get(series), decimals, opened, high, low, close, gap)
        found.setdefault(time, evaluation_of(strategy, (time, at, names[by], *rest, *prices)))
    for one in _recent(connection):
        if one.strategy == strategy and since <= one.time <= until:
            found.setdefault(one.time, one)
    return dict(sorted(found.items()))


def _recent(connection: sqlite3.Connection) -> Iterator[Evaluation]:
    """Go through the notes that are not in their place yet."""
    for texts in connection.execute("SELECT noted, quiet FROM look ORDER BY n"):
        yield from read_again(*texts)


def read_notes(connection: sqlite3.Connection, strategy: str, since: Instant, until: Instant) -> Notes:
    """Return the notes of candles that opened in a span, both ends included."""
    absences = connection.execute(
        "SELECT a.since, a.until, a.why FROM absence a JOIN name s ON s.n = a.strategy"
        " WHERE s.name = ? ORDER BY a.rowid",
        (strategy,),
    ).fetchall()
    presences = connection.execute(
        "SELECT b.name, p.since, p.until FROM presence p JOIN name b ON b.n = p.by ORDER BY p.since"
    ).fetchall()
    return Notes(
        _evaluations(connection, strategy, since, until),
        [Absence(strategy, int(a), None if b is None else b / 1_000, str(why)) for a, b, why in absences],
        [Presence(str(by), begun / 1_000, ended / 1_000) for by, begun, ended in presences],
    )


def read_seen(connection: sqlite3.Connection, strategy: str) -> list[Seen]:
    """Return the candles of a strategy as they were taken in, oldest first."""
    names = dict(connection.execute("SELECT n, name FROM name"))
    found: dict[Instant, Seen] = {}
    for row in connection.execute(_NOTED, (strategy, 0, _LAST)):
        time, (series, decimals, *prices) = row[1], row[9:15]
        if series is not None:
            found.setdefault(time, Seen(Candle(time, *prices), decimals, names[series]))
    for one in _recent(connection):
        if one.strategy == strategy and one.seen is not None:
            found.setdefault(one.time, one.seen)
    return [found[time] for time in sorted(found)]


def read_nearest(connection: sqlite3.Connection, since: Instant) -> dict[str, tuple[Decimal, Instant]]:
    """Return by strategy how near its averages were at closes since an instant, and at which candle's open."""
    # SQLite takes the other columns from the row with the minimum.
    query = (
        "SELECT s.name, min(abs(e.gap)), e.time FROM name s JOIN evaluation e ON e.strategy = s.n AND e.time >= ?"
        " WHERE e.gap IS NOT NULL GROUP BY s.n"
    )
    least = {name: (gap, time) for name, gap, time in connection.execute(query, (since,))}
    for one in _recent(connection):
        if isinstance(one.gap, int) and one.time >= since:
            least[one.strategy] = min(least.get(one.strategy, (abs(one.gap), one.time)), (abs(one.gap), one.time))
    return {name: (gap_pips(gap), time) for name, (gap, time) in least.items()}

"""Where candles come from: the broker as the use cases see it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from ninja_daemon.core.errors import NinjaError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument, Series
from ninja_daemon.core.signals.rules import NO_SPREADS

PAGE: Final = 5_000
"""Candles that the broker gives in one answer at most."""


class Fetched(NamedTuple):
    """What the broker holds of one series from a cursor on.

    Attributes:
        instrument: decimals and pip with which the candles' integers were made.
        candles: complete candles that opened after the cursor (or the newest ones, without a cursor), oldest first,
            no time twice.
        at_cursor: the complete candle that opened exactly at the cursor, as the broker shows it now; None when the
            broker has none there.
        before_cursor: the complete candles that directly precede the cursor's, as the broker shows them now, newest
            first; two at most, fewer when the answer does not show them. Compared with what was shown before.
        forming: open of the oldest candle after the cursor that is still forming, None when there is none.
        rejected: why the candle after the last of ``candles`` was refused (and with it all that follow); None when
            all were good.
        more: there are more candles than could be handed over at once; ask again when these are taken in.
        spreads: ask less bid at the close, by the open of the candle, in the candles' units; where they were asked for
            and the broker gave both.
    """

    instrument: Instrument
    candles: Sequence[Candle] = ()
    at_cursor: Candle | None = None
    before_cursor: Sequence[Candle] = ()
    forming: Instant | None = None
    rejected: NinjaError | None = None
    more: bool = False
    spreads: Mapping[Instant, int] = NO_SPREADS


class Wanted(NamedTuple):
    """A request for one series' candles newer than a cursor.

    Attributes:
        series: what to fetch.
        cursor: open time of the newest candle that is known already.
        with_spreads: bid and ask are wanted, too, in the same answer.
    """

    series: Series
    cursor: Instant
    with_spreads: bool = False

    def __hash__(self) -> int:
        """Hash the instrument only, as a series does: it is looked up many times at each close."""
        return hash(self[0][0])


@dataclass(frozen=True, slots=True)
class WantedHistory:
    """A request for the newest ``count`` complete candles of a series that open at or before ``until``.

    Attributes:
        until: open time of the last candle wanted; None for the newest complete one.
        count: candles wanted, at most 5,000 plus what a warm-up needs; the source pages.
        with_spreads: as above.
    """

    series: Series
    until: Instant | None
    count: int
    with_spreads: bool = False


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a candle source has sent and received since the start.

    Attributes:
        requests: by HTTP status; 0 for those that had no answer.
        bytes_received: of decoded bodies.
        connections: opened, or tried to.
        candles: received, those that were known already included.
    """

    requests: Mapping[int, int]
    bytes_received: int
    connections: int
    candles: int


class HistorySource(Protocol):
    """Where a history is read from. Answers hold one entry a request: what came, or the error in its place."""

    def history(self, wanted: Collection[WantedHistory]) -> Mapping[WantedHistory, Fetched | NinjaError]:
        """Return for each request its history: ``candles`` end at ``until``, fewer than asked only at its beginning."""


class CandleSource(HistorySource, Protocol):
    """The broker. Answers hold one entry a request: what came, or the error that stands in its place."""

    def newer(self, wanted: Collection[Wanted]) -> Mapping[Wanted, Fetched | NinjaError]:
        """Return for each request the complete candles after its cursor, however many were missed."""

    def had_prices(self, series: Series, start: Instant, end: Instant) -> bool:
        """Tell whether the broker knows any price between two instants: a quiet period has none.

        Raises:
            TransientError, RejectedError: as for any request.
        """


class DaemonSource(CandleSource, Protocol):
    """The candle source, with the figures that only the daemon shows."""

    @property
    def traffic(self) -> Traffic:
        """What has been sent and received since the start."""

    def changes(self) -> Sequence[str]:
        """Return what has changed in the account's list of instruments since this was asked, one sentence each."""

    @property
    def doubt(self) -> str:
        """What is wrong with the account although candles come, with the cure; empty when nothing is."""

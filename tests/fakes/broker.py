"""A broker in memory: the candle source port over lists of candles, cut off where a test says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ninja_daemon.core.errors import NinjaError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument, Series
from ninja_daemon.usecases.candle_ports import Fetched, Traffic, Wanted, WantedHistory


@dataclass
class FakeBroker:
    """Shows the candles of each series that open at or before ``newest``.

    Attributes:
        instruments: decimals and pip by instrument.
        candles: the whole history of each series, ascending.
        newest: open of the newest complete candle that is shown, by series; None shows all.
        failing: errors by series, in place of every answer.
        forming: open of the forming candle, by series.
        slice: candles that one answer holds at most.
        prices_between: what ``had_prices`` answers.
        asked: every request, in order.
        doubt: what is wrong with the account.
        spreads: ask less bid at the closes of a series, by open, for those who want them.
    """

    instruments: dict[str, Instrument]
    candles: dict[Series, Sequence[Candle]]
    newest: dict[Series, Instant] = field(default_factory=dict)
    failing: dict[Series, NinjaError] = field(default_factory=dict)
    forming: dict[Series, Instant] = field(default_factory=dict)
    slice: int = 1_000_000
    prices_between: bool = False
    asked: list[Wanted | WantedHistory] = field(default_factory=list)
    doubt: str = ""
    spreads: dict[Series, Mapping[Instant, int]] = field(default_factory=dict)

    def changes(self) -> Sequence[str]:
        return ()

    @property
    def traffic(self) -> Traffic:
        return Traffic({200: len(self.asked)}, 0, 1, 0)

    def newer(self, wanted: Collection[Wanted]) -> Mapping[Wanted, Fetched | NinjaError]:
        return {request: self._newer(request) for request in wanted}

    def history(self, wanted: Collection[WantedHistory]) -> Mapping[WantedHistory, Fetched | NinjaError]:
        return {request: self._history(request) for request in wanted}

    def had_prices(self, series: Series, start: Instant, end: Instant) -> bool:
        del series, start, end
        return self.prices_between

    def shown(self, series: Series) -> list[Candle]:
        newest = self.newest.get(series)
        return [candle for candle in self.candles[series] if newest is None or candle.time <= newest]

    def _newer(self, request: Wanted) -> Fetched | NinjaError:
        self.asked.append(request)
        if request.series in self.failing:
            return self.failing[request.series]
        shown = self.shown(request.series)
        fresh = [candle for candle in shown if candle.time > request.cursor]
        return Fetched(
            self.instruments[request.series.instrument],
            fresh[: self.slice],
            next((candle for candle in shown if candle.time == request.cursor), None),
            [candle for candle in reversed(shown) if candle.time < request.cursor][:2],
            forming=self.forming.get(request.series),
            more=len(fresh) > self.slice,
            spreads=self._spreads(request),
        )

    def _spreads(self, request: Wanted | WantedHistory) -> Mapping[Instant, int]:
        return self.spreads.get(request.series, {}) if request.with_spreads else {}

    def _history(self, request: WantedHistory) -> Fetched | NinjaError:
        self.asked.append(request)
        if request.series in self.failing:
            return self.failing[request.series]
        until = request.until
        shown = [candle for candle in self.shown(request.series) if until is None or candle.time <= until]
        candles = shown[-request.count :]
        at_cursor = next((candle for candle in candles[-1:] if candle.time == until), None)
        return Fetched(
            self.instruments[request.series.instrument],
            candles,
            at_cursor,
            forming=self.forming.get(request.series),
            spreads=self._spreads(request),
        )

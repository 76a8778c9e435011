"""Candles of files, asked for as those of the broker are: histories that end at an instant."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ninja_daemon.adapters.candle_files.open_candles import OpenCandles
from ninja_daemon.app.candles.series import instrument_of
from ninja_daemon.core.errors import HistoryGap, NinjaError
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import Fetched, WantedHistory


@dataclass(frozen=True, slots=True)
class FileHistory:
    """The candles of one instrument in files.

    Attributes:
        instrument: how their prices are counted.
        candles: by timeframe, oldest first.
    """

    instrument: Instrument
    candles: Mapping[Granularity, CandleColumns]

    def history(self, wanted: Collection[WantedHistory]) -> Mapping[WantedHistory, Fetched | NinjaError]:
        """See ``HistorySource``."""
        return {each: self._fetched(each) for each in wanted}

    def _fetched(self, wanted: WantedHistory) -> Fetched:
        candles = self.candles[wanted.series.granularity]
        stop = len(candles) if wanted.until is None else candles.number_until(wanted.until)
        return Fetched(self.instrument, list(candles.part(max(0, stop - wanted.count), stop)))

    def first_judged(self, strategy: Strategy) -> Instant:
        """Return the open of the first candle that has the candles before it which a strategy needs.

        Raises:
            HistoryGap: there is none.
        """
        candles = self.candles[strategy.granularity]
        if len(candles) <= strategy.warm_up:
            message = (
                f"{strategy.name} needs more than {strategy.warm_up:,} {strategy.granularity.name} candles, the files "
                f"give {len(candles):,}"
            )
            raise HistoryGap(message)
        return int(candles.time[strategy.warm_up])


def file_history(opened: OpenCandles, strategies: Sequence[Strategy]) -> FileHistory:
    """Read the candles of files that strategies of one instrument need, larger timeframes included.

    Raises:
        CandleFileRejected: the files cannot be taken in.
    """
    instrument = instrument_of(strategies[0].instrument, opened)
    needed = {each.granularity for each in strategies}
    needed |= {each.larger.granularity for each in strategies if each.larger is not None}
    # The finest comes last, so that the closing paragraph tells of it.
    ordered = sorted(needed, key=lambda each: -each.seconds)
    return FileHistory(instrument, {each: CandleColumns.joined(list(opened.columns(each))) for each in ordered})

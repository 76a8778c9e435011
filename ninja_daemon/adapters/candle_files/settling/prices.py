"""Prices of one side, positive, plausible, without filling."""

from __future__ import annotations

from typing import Final

import numpy as np

from ninja_daemon.adapters.candle_files.clocks.closed_time import is_weekend
from ninja_daemon.adapters.candle_files.settling.parts import CandlePart, FileToSettle
from ninja_daemon.adapters.candle_files.settling.progress import Progress
from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.core.spans import DAY

_FIFTH: Final = 5
_DEFAULT_CURE: Final = "mend the line; where the columns have another order, name it by --columns"


class Pricing:
    """The second step: what each row says of the price.

    Attributes:
        bid_above_ask: rows whose bid is above their ask.
        same_close: days of a file of Yahoo's whose close is their open, and all days.
    """

    def __init__(self, at: Progress) -> None:
        """Begin with the first row."""
        self._at = at
        self._zeros: list[tuple[str, int]] = []
        self.bid_above_ask = 0
        self.same_close = [0, 0]

    def finish(self) -> None:
        """Count the rows of zeros at the end."""
        if self._zeros:
            self._at.count("rows of zeros at the end", len(self._zeros))

    def priced(self, part: CandlePart, number: Integers, file: FileToSettle) -> tuple[CandlePart, Integers]:
        """Keep the rows with good prices, of one side."""
        self._at.last_prices = part.prices[:, -1]
        part, number = self._without_zeros(part, number, file)
        if not len(part.time):
            return part, number
        good = self._checked(part, number, file)
        if not good.all():
            part, number = part.where(good), number[good]
        part = self._one_side(part, file)
        good = self._plausible(part, number, file) if len(part.time) else good
        if len(part.time) and not good.all():
            part, number = part.where(good), number[good]
        return part, number

    def _without_zeros(self, part: CandlePart, number: Integers, file: FileToSettle) -> tuple[CandlePart, Integers]:
        zero = np.zeros(len(part.time), dtype=np.bool_) if part.prices.min() > 0 else (part.prices == 0).all(axis=0)
        others = np.flatnonzero(~zero)
        if self._zeros and len(others):
            self._no_price(self._zeros[0][0], self._zeros[0][1], len(self._zeros))
            self._zeros.clear()
        if zero.any():
            rows = np.flatnonzero(zero)
            inside = rows[rows < others[-1]] if len(others) else rows[:0]
            if len(inside):
                self._no_price(file.spool.name, int(number[inside[0]]), len(inside))
            self._zeros += [(file.spool.name, int(number[at])) for at in rows[len(inside) :].tolist()]
            part, number = part.where(~zero), number[~zero]
        return part, number

    def _no_price(self, where: str, number: int, count: int) -> None:
        self._at.faults.add("zero", where, number, "prices must be positive, were not", "take the line out", count)

    def _checked(self, part: CandlePart, number: Integers, file: FileToSettle) -> Integers:
        positive = np.asarray((part.prices > 0).all(axis=0))
        if not positive.all():
            bad = np.flatnonzero(~positive)
            self._no_price(file.spool.name, int(number[bad[0]]), len(bad))
        good = positive.copy()
        if not file.layout.is_ticks:
            for at in range(0, len(part.prices), 4):
                open_, high, low, close = part.prices[at : at + 4]
                inside = (low <= open_) & (open_ <= high) & (low <= close) & (close <= high)
                bad = np.flatnonzero(~inside & positive)
                if len(bad):
                    message = "open and close must lie between low and high, did not"
                    self._at.faults.add("range", file.spool.name, int(number[bad[0]]), message, _DEFAULT_CURE, len(bad))
                good &= inside
        return good

    def _one_side(self, part: CandlePart, file: FileToSettle) -> CandlePart:
        if len(part.prices) == 4:  # noqa: PLR2004 - one side
            return part
        half = len(part.prices) // 2
        bid, ask = part.prices[:half], part.prices[half:]
        self.bid_above_ask += int((bid > ask).any(axis=0).sum())
        chosen = (bid + ask) * 5 if file.options.price == "mid" else bid if file.options.price == "bid" else ask
        if half == 1:
            chosen = np.repeat(chosen, 4, axis=0)
        return CandlePart(part.time, chosen, part.volume)

    def _plausible(self, part: CandlePart, number: Integers, file: FileToSettle) -> Integers:
        open_, high, low, close = part.prices
        before = np.concatenate(([open_[0] if self._at.close is None else self._at.close], close[:-1]))
        if file.layout.format == "yahoo" and self._at.step >= DAY:
            self.same_close[0] += int((np.abs(close - open_) * 2_000 <= close).sum())
            self.same_close[1] += len(close)
        good = np.ones(len(close), dtype=np.bool_)
        if file.layout.is_ticks or self._at.step > DAY:
            wide = high > _FIFTH * low
            step = np.zeros_like(wide)
        else:
            wide = (high - low) * _FIFTH > close
            step = (open_ > _FIFTH * before) | (open_ * _FIFTH < before)
        for kind, what, found in (
            ("wide", "a candle's range must be at most a fifth of the price", wide),
            ("jump", "a price must be at most five times the one before", step),
        ):
            if found.any() and not (kind == "jump" and self._at.faults.has("wide")):
                bad = np.flatnonzero(found)
                message = f"{what}, was more: has a decimal point been lost?"
                self._at.faults.add(kind, file.spool.name, int(number[bad[0]]), message, "mend the line", len(bad))
        filling = self._filling(part, before, file)
        if filling is not None and filling.any():
            self._at.count("flat candles of closed time", int(filling.sum()))
            good &= ~filling
        return good

    def _filling(self, part: CandlePart, before: Integers, file: FileToSettle) -> Integers | None:
        if file.layout.is_ticks or self._at.step > DAY:
            return None
        _, high, low, close = part.prices
        flat = high == low
        if not flat.any():
            return None
        if file.layout.drops_flat:
            flat_and_empty: Integers = flat & (part.volume == 0)
            return flat_and_empty
        if file.is_always_open or file.layout.is_fine or self._at.step == DAY or not self._at.knows_zone:
            return None
        filling: Integers = flat & ((part.volume == 0) | (close == before)) & is_weekend(part.time)
        return filling

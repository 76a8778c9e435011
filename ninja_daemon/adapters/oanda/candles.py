"""What OANDA's answers about candles mean: integers of the instrument's precision, complete candles only, in order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from ninja_daemon.core.errors import BrokerUnavailable, CandleRejected, NinjaError
from ninja_daemon.core.market.candle import Candle, checked_candle
from ninja_daemon.core.market.instant import Instant, format_instant, parse_instant
from ninja_daemon.core.market.instrument import Instrument, PriceSide, Series
from ninja_daemon.core.rounding import MOST_DIGITS

_WITH_QUOTES: Final = {PriceSide.MID: "MBA", PriceSide.BID: "BA", PriceSide.ASK: "BA"}
PRICE_LETTERS: Final = {PriceSide.MID: "M", PriceSide.BID: "B", PriceSide.ASK: "A"}
_BEYOND: Final = 10**MOST_DIGITS
_LATEST: Final = 2**32
"""Past every candle there will be, and within what the calendar of the grid can reckon with: the year 2106."""
_PRICE: Final = re.compile(r"(\d{1,12})(?:\.(\d{1,12}))?", re.ASCII)
_PARTS: Final = ("o", "h", "l", "c")
_QUOTES: Final = ("bid", "ask")


def letters(series: Series, *, with_spreads: bool) -> str:
    """Return which prices to ask for."""
    return _WITH_QUOTES[series.price] if with_spreads else PRICE_LETTERS[series.price]


class RawCandle(NamedTuple):
    """A candle as it was sent; only what tells its place is checked.

    Attributes:
        time: its open.
        complete: whether the broker says that it is complete.
        prices: what was sent as open, high, low and close; decimal texts, if all is well.
        quotes: what was sent as bid and ask of the close, where both were.
    """

    time: Instant
    complete: bool
    prices: tuple[object, ...]
    quotes: tuple[object, ...] = ()


class Page(NamedTuple):
    """One answer.

    Attributes:
        candles: as sent, up to the first whose place cannot be told.
        rejected: why the next one was refused, None when all have a place.
    """

    candles: Sequence[RawCandle]
    rejected: NinjaError | None = None


def read_page(series: Series, answer: Mapping[str, Any]) -> Page:
    """Read the body of a candles answer.

    Raises:
        BrokerUnavailable: it is no candles answer, or one of another series.
    """
    rows = answer.get("candles")
    if not isinstance(rows, list):
        message = f"the broker's answer must hold a list of candles, was {type(rows).__name__}"
        raise BrokerUnavailable(message)
    for name, expected in (("instrument", series.instrument), ("granularity", series.granularity.name)):
        if answer.get(name, expected) != expected:
            message = f"the broker's answer must be about {expected}, was about {str(answer.get(name))[:20]!r}"
            raise BrokerUnavailable(message)
    candles: list[RawCandle] = []
    for row in rows:
        try:
            candles.append(_raw(series, row))
        except CandleRejected as error:
            return Page(candles, error)
    return Page(candles)


def _raw(series: Series, row: object) -> RawCandle:
    if not isinstance(row, dict):
        message = f"a candle of {series} must be a JSON object, was {type(row).__name__}"
        raise CandleRejected(message)
    complete, time, prices = row.get("complete"), row.get("time"), row.get(series.price)
    if not isinstance(complete, bool) or not isinstance(time, str):
        message = f"a candle of {series} must say when it opened and whether it is complete, did not"
        raise CandleRejected(message)
    try:
        opened = parse_instant(time)
    except (ValueError, OverflowError) as error:
        message = f"a candle of {series}: {error}"
        raise CandleRejected(message) from None
    if not 0 < opened < _LATEST:
        message = f"a candle of {series} must open between 1970 and 2106, was {time[:40]!r}"
        raise CandleRejected(message)
    bid, ask = row.get("bid"), row.get("ask")
    quotes = (bid.get("c"), ask.get("c")) if isinstance(bid, dict) and isinstance(ask, dict) else ()
    return RawCandle(opened, complete, tuple(map(prices.get, _PARTS)) if isinstance(prices, dict) else (), quotes)


def decimals_of(candles: Sequence[RawCandle]) -> int:
    """Return the most digits behind the point that any price shows."""
    prices = (_price(text) for candle in candles for text in candle.prices)
    return max((len(price[1]) for price in prices if price is not None), default=0)


def is_finer(candles: Sequence[RawCandle], decimals: int) -> bool:
    """Tell whether any price shows more digits behind the point, zeros at its end not counted."""
    prices = (_price(text) for candle in candles for text in candle.prices)
    return any(price is not None and price[1][decimals:].strip("0") for price in prices)


def _price(text: object) -> tuple[str, str] | None:
    """Return the digits before and behind the point; None when it is no price."""
    if not isinstance(text, str) or len(text) > MOST_DIGITS + 1:
        return None
    match = _PRICE.fullmatch(text)
    return None if match is None else (match[1], match[2] or "")


def in_units(series: Series, raw: RawCandle, instrument: Instrument) -> Candle:
    """Turn a raw candle into integers, exactly.

    Raises:
        CandleRejected: a price has more digits than the instrument, or the candle cannot be true.
    """
    if not raw.prices:
        message = f"the candle of {format_instant(raw.time)} of {series} must have {series.price} prices, was without"
        raise CandleRejected(message)
    return checked_candle(series.granularity, raw.time, *(_units(series, raw, text, instrument) for text in raw.prices))


def _units(series: Series, raw: RawCandle, text: object, instrument: Instrument) -> int:
    decimals = instrument.decimals
    # Nearly every price shows all of its digits; then there is less to ask of it.
    if isinstance(text, str) and 0 < decimals < len(text) - 1 <= MOST_DIGITS and text[-decimals - 1] == ".":
        digits = text.replace(".", "", 1)
        if digits.isdigit() and digits.isascii():
            return int(digits)
    price = _price(text)
    if price is not None:
        whole, fraction = price
        if not fraction[decimals:].strip("0"):
            units = int(whole + fraction[:decimals].ljust(decimals, "0"))
            if units < _BEYOND:
                return units
    raise CandleRejected(_problem(series, raw, text, decimals, is_price=price is not None))


def spread_of(raw: RawCandle, instrument: Instrument) -> int | None:
    """Return ask less bid at the close in units; None where the broker did not give both as prices of these digits."""
    sides = [price for text in raw.quotes if (price := _price(text)) is not None]
    if len(sides) != len(_QUOTES) or any(fraction[instrument.decimals :].strip("0") for _, fraction in sides):
        return None
    bid, ask = (int(whole + part[: instrument.decimals].ljust(instrument.decimals, "0")) for whole, part in sides)
    return ask - bid if 0 < bid <= ask else None


def _problem(series: Series, raw: RawCandle, text: object, decimals: int, *, is_price: bool) -> str:
    """Say why a price cannot be taken."""
    where = f"in the candle of {format_instant(raw.time)}"
    if not is_price:
        return (
            f"a price of {series} must be a plain decimal of at most {MOST_DIGITS} digits such as 1.08412, "
            f"was {str(text)[:24]!r} {where}"
        )
    if str(text).partition(".")[2][decimals:].strip("0"):
        return f"a price of {series} must have at most {decimals} decimals, was {text} {where}"
    return f"a price of {series} must have at most {MOST_DIGITS} digits with its decimals, was {text} {where}"


class Taken(NamedTuple):
    """What can be used of the raw candles of one or more pages.

    Attributes:
        complete: complete candles, ascending, no time twice.
        spreads: ask less bid at their closes, by open, as far as the broker gave both.
        forming: open of the oldest candle that was not complete; nothing behind it is used.
        rejected: why the next candle was refused; nothing behind it is used.
    """

    complete: Sequence[Candle]
    forming: Instant | None = None
    rejected: NinjaError | None = None
    spreads: Mapping[Instant, int] = MappingProxyType({})


def usable(series: Series, instrument: Instrument, page: Page) -> Taken:
    """Return the sound beginning of a page: complete candles in order, up to the first that is not or cannot be.

    Order is looked at first and over the whole page: a candle that comes behind a later one would be skipped for good
    if the later one were taken in.
    """
    ordered, disorder = _ordered(series, page.candles)
    complete: list[Candle] = []
    spreads: dict[Instant, int] = {}
    for raw in ordered:
        if not raw.complete:
            return Taken(complete, raw.time, disorder, spreads)
        try:
            complete.append(in_units(series, raw, instrument))
        except CandleRejected as error:
            return Taken(complete, None, error, spreads)
        if raw.quotes and (spread := spread_of(raw, instrument)) is not None:
            spreads[raw.time] = spread
    return Taken(complete, None, disorder or page.rejected, spreads)


def _ordered(series: Series, raws: Sequence[RawCandle]) -> tuple[list[RawCandle], CandleRejected | None]:
    """Return the candles before the earliest one that comes twice with other prices or behind a later one."""
    kept: list[RawCandle] = []
    problem: CandleRejected | None = None
    for raw in raws:
        if kept and raw == kept[-1]:
            continue
        if kept and raw.time <= kept[-1].time:
            how = "twice, with other prices" if any(raw.time == other.time for other in kept) else "out of order"
            message = f"the candle of {format_instant(raw.time)} of {series} must come once and in order, came {how}"
            problem = CandleRejected(message)
            kept = [other for other in kept if other.time < raw.time]
        elif problem is None:
            kept.append(raw)
    return kept, problem


def shown_again(
    series: Series, instrument: Instrument, raws: Sequence[RawCandle], cursor: Instant
) -> tuple[Candle | None, list[Candle]]:
    """Return the candle at the cursor and the two before it, newest first, as far as the broker shows sound ones.

    They were taken in long ago: one that cannot be read now is no reason to keep newer candles waiting.
    """
    candles: list[Candle] = []
    for raw in raws:
        if raw.complete and raw.time <= cursor:
            try:
                candles.append(in_units(series, raw, instrument))
            except CandleRejected:
                continue
    before = [candle for candle in candles if candle.time < cursor]
    at_cursor = next((candle for candle in candles if candle.time == cursor), None)
    return at_cursor, sorted(before, reverse=True)[:2]

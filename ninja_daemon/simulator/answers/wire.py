"""The broker's JSON: candles, instruments and prices as the real server writes them (facts: 1.4–1.6, 2)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.simulator.faults import Shown
from ninja_daemon.simulator.markets.quotes import Listing, Row

_ORDER: Final = (("B", "bid"), ("M", "mid"), ("A", "ask"))


@dataclass(frozen=True, slots=True)
class TimeStyle:
    """How times are written: RFC 3339, or UNIX seconds when the request says so."""

    is_unix: bool = False

    def moment(self, at: Instant, nanoseconds: int = 0) -> str:
        """Write a time with nine digits after the point."""
        if self.is_unix:
            return f"{at}.{nanoseconds:09d}"
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def price_text(units: int, decimals: int) -> str:
    """Write a price with all its decimals, trailing zeros, too."""
    if not decimals:
        return str(units)
    whole, fraction = divmod(abs(units), 10**decimals)
    return f"{'-' if units < 0 else ''}{whole}.{fraction:0{decimals}d}"


def candles_json(
    listing: Listing, granularity: Granularity, candles: Iterable[Shown], prices: str, style: TimeStyle
) -> str:
    """Write the answer of a candle endpoint, fields in the order of the real server."""
    half = listing.spread // 2
    shifts = [(name, shift) for (letter, name), shift in zip(_ORDER, (-half, 0, half), strict=True) if letter in prices]
    written = ",".join(_candle(candle, listing.instrument.decimals, shifts, style) for candle in candles)
    name = listing.instrument.name
    return f'{{"instrument":"{name}","granularity":"{granularity.name}","candles":[{written}]}}'


def instruments_json(listings: Iterable[Listing]) -> str:
    """Write the answer of the account's instruments."""
    return _text({"instruments": [_instrument(listing) for listing in listings], "lastTransactionID": "1"})


def pricing_json(prices: Sequence[tuple[Listing, Row]], now: float, style: TimeStyle) -> str:
    """Write the answer of the account's pricing."""
    at, nanoseconds = int(now), int(now % 1 * 1_000) * 1_000_000
    time = style.moment(at, nanoseconds)
    return _text({"prices": [_price(listing, row, time) for listing, row in prices], "time": time})


def _candle(candle: Shown, decimals: int, shifts: Sequence[tuple[str, int]], style: TimeStyle) -> str:
    row = candle.row
    parts = [
        f'"{name}":{{"o":"{price_text(row.open + shift, decimals)}","h":"{price_text(row.high + shift, decimals)}",'
        f'"l":"{price_text(row.low + shift, decimals)}",'
        f'"c":"{candle.close_text or price_text(row.close + shift, decimals)}"}}'
        for name, shift in shifts
    ]
    complete = "true" if candle.complete else "false"
    return f'{{"complete":{complete},"volume":{row.volume},"time":"{style.moment(row.time)}",{",".join(parts)}}}'


def _instrument(listing: Listing) -> dict[str, Any]:
    instrument = listing.instrument
    pip = 10**instrument.pip_digits
    return {
        "name": instrument.name,
        "type": listing.kind,
        "displayName": instrument.name.replace("_", "/"),
        "pipLocation": instrument.pip_location,
        "displayPrecision": instrument.decimals,
        "tradeUnitsPrecision": 0,
        "minimumTradeSize": "1",
        "maximumTrailingStopDistance": price_text(10_000 * pip, instrument.decimals),
        "minimumTrailingStopDistance": price_text(5 * pip, instrument.decimals),
        "maximumPositionSize": "0",
        "maximumOrderUnits": "100000000",
        "marginRate": "0.02",
        "guaranteedStopLossOrderMode": "DISABLED",
        "tags": [{"type": "ASSET_CLASS", "name": listing.kind}],
    }


def _price(listing: Listing, row: Row, time: str) -> dict[str, Any]:
    decimals, half = listing.instrument.decimals, listing.spread // 2
    bid, ask = price_text(row.close - half, decimals), price_text(row.close + half, decimals)
    return {
        "type": "PRICE",
        "time": time,
        "instrument": listing.instrument.name,
        "tradeable": True,
        "bids": [{"price": bid, "liquidity": 10_000_000}],
        "asks": [{"price": ask, "liquidity": 10_000_000}],
        "closeoutBid": bid,
        "closeoutAsk": ask,
    }


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))

"""The endpoint that gives the two newest candles of many series in one answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final
from urllib.parse import quote

from oandapyV20.endpoints.apirequest import APIRequest

from ninja_daemon.adapters.oanda.candles import PRICE_LETTERS, RawCandle, in_units, letters
from ninja_daemon.adapters.oanda.getting import Quoted
from ninja_daemon.core.errors import BrokerRefused, CandleRejected
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.instrument import Instrument, Series
from ninja_daemon.usecases.candle_ports import Fetched, Wanted

_MOST_SPECIFICATIONS: Final = 60
_LONGEST_SPECIFICATIONS: Final = 1_700
"""Characters, encoded; with the rest the address stays below 2,000, which every gateway lets through."""
_NEWEST: Final = 2
"""Candles that the endpoint gives of a series."""
_LETTERS: Final = tuple((side.value, letter) for side, letter in PRICE_LETTERS.items())


class LatestCandles(APIRequest):  # type: ignore[misc]  # oandapyV20 is untyped
    """``GET /v3/accounts/{id}/candles/latest``, which oandapyV20 has no class for."""

    def __init__(self, account_id: str, wanted: Iterable[Wanted], params: Mapping[str, object]) -> None:
        """Ask for the two newest candles of each series."""
        names = Quoted("%2C".join(dict.fromkeys([_quoted(one.series, one.with_spreads) for one in wanted])))
        super().__init__(f"v3/accounts/{account_id}/candles/latest", method="GET", expected_status=200)
        self.params = {"candleSpecifications": names, **params}


@lru_cache(maxsize=65_536)
def specification(series: Series) -> str:
    """Return the name under which ``by_specification`` finds a series."""
    return f"{series.instrument}:{series.granularity.name}:{PRICE_LETTERS[series.price]}"


@lru_cache(maxsize=65_536)
def _quoted(series: Series, with_spreads: bool) -> str:  # noqa: FBT001 - of a request
    """Return the name of a series in a request, as it is written in an address."""
    return quote(f"{series.instrument}:{series.granularity.name}:{letters(series, with_spreads=with_spreads)}", safe="")


def chunks(wanted: Sequence[Wanted]) -> Iterator[Sequence[Wanted]]:
    """Cut requests into parts whose address is short enough."""
    chunk: list[Wanted] = []
    length = 0
    for request in wanted:
        size = len("%2C") + len(_quoted(request.series, request.with_spreads))
        if chunk and (length + size > _LONGEST_SPECIFICATIONS or len(chunk) == _MOST_SPECIFICATIONS):
            yield chunk
            chunk, length = [], 0
        chunk.append(request)
        length += size
    if chunk:
        yield chunk


def next_candle(wanted: Wanted, row: Mapping[str, Any], instrument: Instrument) -> Fetched | None:
    """Return what an answer says when it has the form of nearly all: the candle after the cursor, and one that forms.

    None for any other, which is looked at in every respect elsewhere.
    """
    series, cursor, with_spreads = wanted
    candles = row["candles"]
    if len(candles) != _NEWEST or with_spreads:
        return None
    new, forming = candles
    try:
        if new["complete"] is not True or forming["complete"] is not False or "bid" in new:
            return None
        opened, forms = parse_instant(new["time"]), parse_instant(forming["time"])
        close_of = series.granularity.close_of
        if opened != close_of(cursor) or forms != close_of(opened):
            return None
        candle = in_units(series, RawCandle(opened, complete=True, prices=_prices_of(new[series.price])), instrument)
    except (CandleRejected, KeyError, TypeError, ValueError, OverflowError):
        return None
    return Fetched(instrument, [candle], forming=forms)


_prices_of: Final = itemgetter("o", "h", "l", "c")


def by_specification(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the batched endpoint's answers by what was asked for.

    Raises:
        BrokerRefused: its answer has a shape of its own and cannot be used.
    """
    rows = body.get("latestCandles")
    if not isinstance(rows, list):
        message = f"the broker's answer must hold a list of latest candles, was {type(rows).__name__}"
        raise BrokerRefused(message)
    found: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for row in rows:
        if isinstance(row, dict) and isinstance(candles := row.get("candles"), list):
            what = f"{row.get('instrument')}:{row.get('granularity')}"
            there = [
                letter for side, letter in _LETTERS if any(isinstance(one, dict) and side in one for one in candles)
            ]
            for letter in there:
                # An answer with more prices holds what one with fewer does.
                if len(there) > found.get(f"{what}:{letter}", (0, {}))[0]:
                    found[f"{what}:{letter}"] = len(there), row
    return {name: row for name, (_, row) in found.items()}

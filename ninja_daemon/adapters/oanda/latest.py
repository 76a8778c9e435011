"""The endpoint that gives the two newest candles of many series in one answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from oandapyV20.endpoints.apirequest import APIRequest

from ninja_daemon.adapters.oanda.candles import PRICE_LETTERS
from ninja_daemon.core.errors import BrokerRefused
from ninja_daemon.core.market.instrument import Series
from ninja_daemon.usecases.candle_ports import Wanted

_MOST_SPECIFICATIONS: Final = 60
_LONGEST_SPECIFICATIONS: Final = 1_700
"""Characters, encoded; with the rest the address stays below 2,000, which every gateway lets through."""
_LETTERS: Final = tuple((side.value, letter) for side, letter in PRICE_LETTERS.items())


class LatestCandles(APIRequest):  # type: ignore[misc]  # oandapyV20 is untyped
    """``GET /v3/accounts/{id}/candles/latest``, which oandapyV20 has no class for."""

    def __init__(self, account_id: str, series: Iterable[Series], params: Mapping[str, object]) -> None:
        """Ask for the two newest candles of each series."""
        names = ",".join(dict.fromkeys(specification(one) for one in series))
        super().__init__(f"v3/accounts/{account_id}/candles/latest", method="GET", expected_status=200)
        self.params = {"candleSpecifications": names, **params}


@lru_cache(maxsize=4096)
def specification(series: Series) -> str:
    """Return the name of a series in a request."""
    return f"{series.instrument}:{series.granularity.name}:{PRICE_LETTERS[series.price]}"


@lru_cache(maxsize=4096)
def _length(series: Series) -> int:
    """Return how many characters of the address a series takes."""
    return len(quote(f",{specification(series)}", safe=""))


def chunks(wanted: Sequence[Wanted]) -> Iterator[Sequence[Wanted]]:
    """Cut requests into parts whose address is short enough."""
    chunk: list[Wanted] = []
    length = 0
    for request in wanted:
        size = _length(request.series)
        if chunk and (length + size > _LONGEST_SPECIFICATIONS or len(chunk) == _MOST_SPECIFICATIONS):
            yield chunk
            chunk, length = [], 0
        chunk.append(request)
        length += size
    if chunk:
        yield chunk


def by_specification(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the batched endpoint's answers by what was asked for.

    Raises:
        BrokerRefused: it answers in a shape of its own, and is of no use.
    """
    rows = body.get("latestCandles")
    if not isinstance(rows, list):
        message = f"the broker's answer must hold a list of latest candles, was {type(rows).__name__}"
        raise BrokerRefused(message)
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        if isinstance(row, dict) and isinstance(candles := row.get("candles"), list):
            what = f"{row.get('instrument')}:{row.get('granularity')}"
            for side, letter in _LETTERS:
                if any(isinstance(candle, dict) and side in candle for candle in candles):
                    found[f"{what}:{letter}"] = row
    return found

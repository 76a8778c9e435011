"""What a request for candles may say, with the broker's defaults and its words for what it refuses (facts: 1.1–1.3).

The order of the checks is that of section 7: instrument, price, granularity, the form of count, from and to, the
future, count beside from and to, the limit of 5,000; what concerns alignment and smoothing comes last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NoReturn
from zoneinfo import ZoneInfo

from ninja_daemon.core.market.granularity import Granularity

MOST_CANDLES: Final = 5_000
_DEFAULT_COUNT: Final = 500
NANO: Final = 1_000_000_000
_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_UNIX: Final = re.compile(r"(\d{1,12})(?:\.(\d{1,9})\d*)?", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_BOOLEANS: Final = {"true": True, "false": False}
_WEEKDAYS: Final = frozenset({"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"})
_INVALID: Final = "Invalid value specified for '{}'"
_FUTURE: Final = "Invalid value specified for '{}'. Time is in the future"
_COUNT_BESIDE_WINDOW: Final = "'count' cannot be specified when 'to' and 'from' parameters are set"
_TOO_MANY: Final = "Maximum value for 'count' exceeded"
_ONLY_DEFAULTS: Final = (
    "The simulator serves dailyAlignment=17, alignmentTimezone=America/New_York and weeklyAlignment=Friday only"
)


class RequestRefused(Exception):
    """A request that the broker answers with an error; becomes a reply and never leaves the simulator."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def refuse_value(name: str) -> NoReturn:
    """Refuse a parameter's value.

    Raises:
        Refused: always.
    """
    raise RequestRefused(_INVALID.format(name))


@dataclass(frozen=True, slots=True)
class CandleQuery:
    """A request for candles that can be answered.

    Attributes:
        prices: letters out of ``MBA``, at least one.
        granularity: of the candles.
        count: as it was given; None without.
        since: ``from`` in nanoseconds since the epoch; None without.
        until: ``to``, in the same form.
        smooth: open at the close of the candle before.
        include_first: whether the candle that covers ``from`` is wanted.
    """

    prices: str
    granularity: Granularity
    count: int | None
    since: int | None
    until: int | None
    smooth: bool
    include_first: bool

    @property
    def wanted(self) -> int:
        """Return how many candles at most."""
        return _DEFAULT_COUNT if self.count is None else self.count


def read_candle_query(query: Mapping[str, str], now: float) -> CandleQuery:
    """Read the parameters of a request for candles.

    Raises:
        Refused: one is not acceptable.
    """
    prices = read_prices(query.get("price", "M"))
    granularity = read_granularity(query.get("granularity", "S5"))
    count = _count(query)
    since, until = _moment(query, "from"), _moment(query, "to")
    for name, moment in (("from", since), ("to", until)):
        if moment is not None and moment > int(now * 1_000_000) * 1_000:
            raise RequestRefused(_FUTURE.format(name))
    if count is not None and since is not None and until is not None:
        raise RequestRefused(_COUNT_BESIDE_WINDOW)
    span = 0 if since is None or until is None else until - since
    if (count or 0) > MOST_CANDLES or span > MOST_CANDLES * granularity.seconds * NANO:
        raise RequestRefused(_TOO_MANY)
    check_alignment(query, granularity)
    smooth, include_first = _boolean(query, "smooth", "false"), _boolean(query, "includeFirst", "true")
    return CandleQuery(prices, granularity, count, since, until, smooth, include_first)


def read_prices(text: str) -> str:
    """Return the letters of a price component.

    Raises:
        Refused: it is empty or has other letters.
    """
    if not text or set(text) - set("MBA"):
        refuse_value("price")
    return text


def read_granularity(text: str) -> Granularity:
    """Return a granularity by name.

    Raises:
        Refused: no granularity has that name.
    """
    if text not in Granularity.__members__:
        refuse_value("granularity")
    return Granularity[text]


def check_alignment(query: Mapping[str, str], granularity: Granularity) -> None:
    """Check the three parameters of alignment; other than the defaults are refused where they would matter.

    Raises:
        Refused: a value is wrong, or not served here.
    """
    hour = query.get("dailyAlignment", "17")
    if not _INTEGER.fullmatch(hour) or not 0 <= int(hour) <= 23:  # noqa: PLR2004 - hours of a day
        refuse_value("dailyAlignment")
    zone = query.get("alignmentTimezone", "America/New_York")
    if not _is_zone(zone):
        refuse_value("alignmentTimezone")
    weekday = query.get("weeklyAlignment", "Friday")
    if weekday not in _WEEKDAYS:
        refuse_value("weeklyAlignment")
    if granularity.seconds > Granularity.H1.seconds and (int(hour), zone) != (17, "America/New_York"):
        raise RequestRefused(_ONLY_DEFAULTS)
    if granularity is Granularity.W and weekday != "Friday":
        raise RequestRefused(_ONLY_DEFAULTS)


def _count(query: Mapping[str, str]) -> int | None:
    text = query.get("count")
    if text is None:
        return None
    if not _INTEGER.fullmatch(text) or int(text) < 1:
        refuse_value("count")
    return int(text)


def _boolean(query: Mapping[str, str], name: str, default: str) -> bool:
    text = query.get(name, default).lower()
    if text not in _BOOLEANS:
        refuse_value(name)
    return _BOOLEANS[text]


def _moment(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    moment = _nanoseconds(text)
    if moment is None:
        refuse_value(name)
    return moment


def _nanoseconds(text: str) -> int | None:
    if match := _UNIX.fullmatch(text):
        return int(match[1]) * NANO + int((match[2] or "0").ljust(9, "0"))
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    day, time, fraction, sign, hours, minutes = match.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=UTC)
    except ValueError:
        return None
    offset = int(hours or 0) * 3_600 + int(minutes or 0) * 60
    seconds = int(at.timestamp()) - (offset if sign == "+" else -offset)
    return seconds * NANO + int((fraction or "0").ljust(9, "0"))


@lru_cache(maxsize=256)
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such zone, not a name at all, a folder
        return False
    return True

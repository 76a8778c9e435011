"""``[strategies.NAME]`` and ``[defaults]``: the keys of a strategy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import create_model

from ninja_daemon.app.plug_ins import FILTERS, KINDS, filters_named, kind_named
from ninja_daemon.app.settings.known_instruments import is_known, suggestion
from ninja_daemon.app.settings.tables import Table
from ninja_daemon.app.settings.values import SWITCH, Refused, Value, ValueOf, decimal, one_of, whole
from ninja_daemon.core.averages.average import LONGEST_PERIOD
from ninja_daemon.core.averages.kinds import AverageKind, MovingAverageKind
from ninja_daemon.core.errors import PlugInFailed
from ninja_daemon.core.filters.kinds import KEYS, chosen
from ninja_daemon.core.filters.plug_in import FilterPlugIn
from ninja_daemon.core.market.candle import AtrType
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import PriceSide
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.market.source import Source
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.spans import span

NO_LONGER_NEEDED: Final = {
    "sleep_seconds": "the daemon wakes at each candle close",
    "min_candles": "the daemon reads exactly as much history as the averages need",
}
"""Keys of the replaced system that are read, reported and have no effect."""
_CANDLES: Final = re.compile(r"(\d{1,9})\s*candles?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Age:
    """A ``max_signal_age``.

    Attributes:
        count: number of candles or of seconds.
        in_candles: whether they are candles.
    """

    count: int
    in_candles: bool

    def seconds(self, granularity: Granularity) -> int | None:
        """Return it in seconds for a timeframe; None for one candle, whose real length the core knows."""
        if not self.in_candles:
            return self.count
        return None if self.count == 1 else self.count * granularity.seconds


def _age(value: object) -> Age:
    candles = _CANDLES.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    count = Decimal(candles[1]) if candles else span(value)
    if not count or count != int(count):
        raise ValueError
    return Age(int(count), in_candles=candles is not None)


def _instrument(name: object, extra: Sequence[str]) -> str:
    if not isinstance(name, str):
        raise ValueError  # noqa: TRY004 - for the caller the value is wrong, whatever its type
    if name not in extra and not is_known(name):
        likely = suggestion(name)
        raise ValueError(f"did you mean {likely}?" if likely else "")
    return name


_INSTRUMENT: Final = ValueOf(
    "an instrument of the broker such as EUR_USD (docs/configuration.md lists them; newer ones go into "
    "extra_instruments at the top of the file)",
    _instrument,
)
_AGE: Final = Value('text such as "1 candle", "3 candles", "90 s", "10 min", "1.5 h" or "2 days"', _age)
_KIND: Final = Value(f"one of {' '.join(KINDS)}", kind_named)
_PLUG_INS: Final = Value("a list of names of installed filters", filters_named)
_MOST_CANDLES: Final = 1_000_000
_PERIOD: Final = whole(1, LONGEST_PERIOD, " of candles")
_MULTIPLIER: Final = decimal(above_zero=True)
_THRESHOLD: Final = decimal(above_zero=False)
_SPREAD: Final = "spread"
_COST: Final[Value[Decimal | str]] = Value(
    f'{_THRESHOLD.allowed}, or "{_SPREAD}"', lambda cost: cost if cost == _SPREAD else _THRESHOLD.read(cost)
)


class _StrategyTable(Table):
    """A ``[strategies.NAME]`` table, or ``[defaults]``. None stands for a key that is left out."""

    instrument: Annotated[str | None, _INSTRUMENT] = None
    """What to trade, by OANDA's name. Required."""
    pair: Annotated[str | None, _INSTRUMENT] = None
    """Another name of ``instrument``."""
    timeframe: Annotated[Granularity | None, one_of(Granularity.__members__)] = None
    """Length of the candles, by OANDA's name of the granularity. Required."""
    fast_ma: Annotated[int | None, _PERIOD] = None
    """Period of the fast average in candles. Required."""
    slow_ma: Annotated[int | None, _PERIOD] = None
    """Period of the slow average in candles. Required."""
    ma_type: Annotated[AverageKind | None, _KIND] = None
    """Kind of both averages."""
    fast_type: Annotated[AverageKind | None, _KIND] = None
    """Kind of the fast average, where it is another."""
    slow_type: Annotated[AverageKind | None, _KIND] = None
    """Kind of the slow average, where it is another."""
    source: Annotated[Source | None, one_of({source.value: source for source in Source})] = None
    """Prices of a candle that the averages are made of; entry, stop and target stand on the close."""
    price: Annotated[PriceSide | None, one_of({side.value: side for side in PriceSide})] = None
    """Which of the broker's prices the candles are made of."""
    atr_period: Annotated[int | None, _PERIOD] = None
    """Candles in the average true range."""
    atr_type: Annotated[AtrType | None, one_of({kind.value: kind for kind in AtrType})] = None
    """How true ranges are averaged: the simple mean, or Wilder's smoothing."""
    sl_atr_multiplier: Annotated[Decimal | None, _MULTIPLIER] = None
    """Distance of the stop in average true ranges."""
    tp_atr_multiplier: Annotated[Decimal | None, _MULTIPLIER] = None
    """Distance of the target in average true ranges."""
    min_atr_value: Annotated[Decimal | None, _THRESHOLD] = None
    """Smallest average true range of a signal, as a price difference: 0.0002 is two pips of EUR_USD."""
    min_rr_ratio: Annotated[Decimal | None, _THRESHOLD] = None
    """Smallest ``tp_atr_multiplier`` / ``sl_atr_multiplier`` of a signal."""
    max_signal_age: Annotated[Age | None, _AGE] = None
    """How long after its candle's close a signal is not yet late."""
    market_hours: Annotated[MarketHours | None, one_of({hours.value: hours for hours in MarketHours})] = None
    """When candles are to be expected: the currency week, or all the time."""
    enabled: Annotated[bool | None, SWITCH] = None
    """Whether candles are evaluated; what was missed meanwhile is taken in when it is enabled again."""
    exit_on_reverse: Annotated[bool | None, SWITCH] = None
    """Whether a signal ends when one to the other side is listed. Stored with the signal, as the two below."""
    max_candles: Annotated[int | None, whole(1, _MOST_CANDLES, " of candles")] = None
    """Candles after which a signal ends that reached neither stop nor target."""
    filters: Annotated[tuple[FilterPlugIn, ...] | None, _PLUG_INS] = None
    """Filters of installed packages, judged after all others in this order."""
    cost_pips: Annotated[Decimal | str | None, _COST] = None
    """What a trade costs, spread and commission, in pips, or the spread at the signal's close; off the net figures."""


_filters: Final[dict[str, Any]] = {
    name: (Annotated[Any, Value(key.allowed, key.read)], None) for name, key in KEYS.items()
}
StrategyTable: Final = create_model("StrategyTable", __base__=_StrategyTable, **_filters)
"""The same with the keys of the optional filters, whose table says what each must be."""

REQUIRED: Final = {
    "instrument": _INSTRUMENT.allowed,
    "timeframe": one_of(Granularity.__members__).allowed,
    "fast_ma": _PERIOD.allowed,
    "slow_ma": _PERIOD.allowed,
}
"""The keys that a strategy or the defaults must have, and what each must be."""


def missing(table: Mapping[str, object], defaults: object) -> Iterator[tuple[str, str]]:
    """Yield the keys that a strategy must have and has nowhere, with what they must be."""
    present = {*table, *(defaults if isinstance(defaults, dict) else ())}
    for required, allowed in REQUIRED.items():
        if required not in present and not (required == "instrument" and "pair" in present):
            yield required, f"must be {allowed}, was missing"


def _with_cost(values: Mapping[str, Any]) -> dict[str, Any]:
    is_spread = values.get("cost_pips") == _SPREAD
    return {**values, "cost_pips": Decimal(0), "cost_is_spread": True} if is_spread else dict(values)


def strategy_of(name: str, values: Mapping[str, Any]) -> Strategy:
    """Make a strategy of its keys, those of ``[defaults]`` among them.

    Raises:
        Refused: a filter cannot be one of its timeframe, or a plug-in does not say how far it looks back.
    """
    plain = _with_cost(values)
    age, granularity = plain.pop("max_signal_age", None), plain.pop("timeframe")
    filters = chosen(plain)
    refusals = ((f".{which}", KEYS[which].refusal(value, granularity)) for which, value in filters)
    if refused := [(place, refusal) for place, refusal in refusals if refusal]:
        raise Refused(*refused)
    plain = {key: value for key, value in plain.items() if key not in KEYS}
    both = plain.pop("ma_type", MovingAverageKind.SMA)
    fast, slow = plain.pop("fast_type", both), plain.pop("slow_type", both)
    made = Strategy(
        name=name,
        granularity=granularity,
        max_signal_age=None if age is None else age.seconds(granularity),
        ma_type=slow,
        fast_type=None if fast == slow else fast,  # so that the same two kinds are the same settings
        filters=filters,
        plug_ins=plain.pop(FILTERS, ()),
        **plain,
    )
    try:
        _ = made.warm_up  # asks plug-ins how far they look back, once
    except PlugInFailed as error:
        raise Refused(("", str(error))) from error
    return made

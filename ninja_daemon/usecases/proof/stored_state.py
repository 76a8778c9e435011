"""The averages and the side that are stored, candle by candle against the broker's."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from ninja_daemon.core.averages.average import Ratio
from ninja_daemon.core.averages.trend import TrendState
from ninja_daemon.core.market.candle import Candle, true_range
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.signal import rounded
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.usecases.proof.derivation import Derived
from ninja_daemon.usecases.proof.difference import Difference, difference, side_name
from ninja_daemon.usecases.proof.kind import DifferenceKind
from ninja_daemon.usecases.revisions import scaled


def state_differences(
    derived: Derived,
    state: StrategyState,
    instrument: Instrument | None,
    trend: TrendState | None,
    side: str | None,
    index: int,
) -> Iterator[Difference]:
    """Compare the averages and the side that were stored after the candle at ``index``."""
    decimals = derived.rules.instrument.decimals
    factor = 10 ** (decimals - (decimals if instrument is None else instrument.decimals))
    revised = list(_revised(derived, state, index, factor))
    yield from revised
    time = derived.candles.candle(index).time
    if not revised:
        columns = (("fast_ma", state.fast, derived.result.fast), ("slow_ma", state.slow, derived.result.slow))
        for field, average, column in columns:
            ratio = None if average.ratio is None else derived.rules.value(average.ratio)
            was, now = _price(ratio, factor, decimals), _price(column.ratio(index), 1, decimals)
            if was != now and state.seen >= derived.rules.strategy.warm_up:
                meaning = "the stored average is not that of the candles: signals after it cannot be relied on"
                yield difference(derived, DifferenceKind.STORED, time, field, was, now, meaning=meaning)
        yield from _trend(derived, time, trend)
    own = side_name(int(derived.result.sides[index]))
    stored = {"ma_state side": side_name(int(state.side or 0)), "signal_state side": side}
    for field, name in stored.items():
        if name is not None and (name or "-") != own:
            meaning = "the next cross is found from the side: one may be missed, or found where there is none"
            yield difference(derived, DifferenceKind.STORED, time, field, name or "-", own, meaning=meaning)


def _trend(derived: Derived, time: Instant, trend: TrendState | None) -> Iterator[Difference]:
    """Compare the larger timeframe's average that was stored with the candle."""
    if trend is None:
        return
    decimals, close_of = derived.rules.instrument.decimals, derived.rules.strategy.granularity.close_of
    own = derived.rules.trend.at(close_of(time))
    was, now = _price(trend.average.ratio, 10 ** max(0, decimals - trend.decimals), decimals), _price(own, 1, decimals)
    if was != now:
        meaning = (
            "a larger candle was revised or came late, or the value was changed: crosses are judged by the stored one"
        )
        yield difference(derived, DifferenceKind.STORED, time, "trend", was, now, meaning=meaning)


def _revised(derived: Derived, state: StrategyState, index: int, factor: int) -> Iterator[Difference]:
    """Find the candles that the broker shows otherwise than when they were taken in, as far back as the state goes."""
    count = min(len(state.closes), index + 1)
    candles = list(derived.candles.part(index + 1 - count, index + 1))
    source = derived.rules.strategy.source
    was, now = [close * factor for close in list(state.closes)[-count:]], [source.sum_of(each) for each in candles]
    changed = [place for place in range(count) if was[place] != now[place]]
    decimals = derived.rules.instrument.decimals
    if len(changed) > 1:
        place = changed[-1]
        if was[1 : place + 1] == now[:place]:
            yield _moved(derived, candles[place].time, "-", _units(candles[place].close, decimals))
            return
        if was[:place] == now[1 : place + 1]:
            yield _moved(derived, candles[place].time, _units(was[place], decimals), "-")
            return
    for place in changed:
        yield _changed(derived, candles[place], source.field, was[place], now[place])
    touched = {candles[place].time for place in changed}
    touched |= {candles[place + 1].time for place in changed if place + 1 < count}
    ranges = [each * factor for each in state.ranges]
    for place in range(max(1, count - len(ranges)), count):
        held, shown = ranges[place - count], true_range(candles[place], candles[place - 1].close)
        if held != shown and candles[place].time not in touched:
            touched.add(candles[place].time)
            yield _changed(derived, candles[place], "true range", held, shown)
    last = None if state.last is None else scaled(state.last, factor)
    if last is not None and candles[-1].time not in touched and last != candles[-1]:
        field = next(name for name in Candle._fields if getattr(last, name) != getattr(candles[-1], name))
        yield _changed(derived, candles[-1], field, getattr(last, field), getattr(candles[-1], field))


def _changed(derived: Derived, candle: Candle, field: str, was: int, now: int) -> Difference:
    decimals = derived.rules.instrument.decimals
    meaning = "the candle is another one than the one taken in: the first version counts, a replay sees this one"
    then, shown = _units(was, decimals), _units(now, decimals)
    return difference(derived, DifferenceKind.REVISED, candle.time, field, then, shown, meaning=meaning)


def _moved(derived: Derived, time: Instant, was: str, now: str) -> Difference:
    what = "there is a candle more" if was == "-" else "there is a candle less"
    meaning = f"{what} than was taken in up to the cursor: the averages stay those of the candles that were"
    return difference(derived, DifferenceKind.REVISED, time, "candle", was, now, meaning=meaning)


def _price(ratio: Ratio | None, factor: int, decimals: int) -> str:
    return "-" if ratio is None else str(rounded(Fraction(*ratio) * factor, decimals))


def _units(units: int, decimals: int) -> str:
    return str(Decimal(units).scaleb(-decimals))

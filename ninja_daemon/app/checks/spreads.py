"""``max_spread_pips`` against the spreads that the broker's recent candles have, judged by the filters themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from statistics import median
from typing import Final

from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.core.errors import NinjaError
from ninja_daemon.core.filters import max_spread
from ninja_daemon.core.filters.filter import Judge, Moment
from ninja_daemon.core.filters.kinds import judges_of, written
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import CandleSource, WantedHistory

_LOOKED_AT: Final = 14 * 86_400
"""Seconds of history whose spreads count as usual ones."""
_LEAST, _MOST = 200, 5_000


def check_spreads(broker: CandleSource, strategies: Sequence[Strategy]) -> Iterator[Finding]:
    """Ask for recent candles with bid and ask, and say for which strategies no close could ever pass.

    Raises:
        NinjaError: the broker did not answer.
    """
    asked = {one.name: _wanted(one) for one in strategies if max_spread.FILTER.name in dict(one.filters)}
    answers = broker.history(set(asked.values())) if asked else {}
    for one in strategies:
        if one.name in asked:
            answer = answers[asked[one.name]]
            if isinstance(answer, NinjaError):
                raise answer
            yield from _judged(one, answer.instrument, answer.spreads)


def _wanted(one: Strategy) -> WantedHistory:
    count = min(_MOST, max(_LEAST, _LOOKED_AT // one.granularity.seconds))
    return WantedHistory(one.series, None, count, with_spreads=True)


def _judged(one: Strategy, instrument: Instrument, spreads: Mapping[Instant, int]) -> Iterator[Finding]:
    judges = {each.name: judge for each, judge in judges_of(one, instrument, one.filters)}
    is_narrow = judges[max_spread.FILTER.name]
    by_time = {name: judge for name, judge in judges.items() if judge.passes_at is not None}
    narrow = [opened for opened, spread in spreads.items() if _passes(is_narrow, opened, spread)]
    both = [
        at for at in map(one.granularity.close_of, narrow) if all(_passes_at(each, at) for each in by_time.values())
    ]
    if not spreads or both:
        return
    settings, scale = written(one.filters), -instrument.pip_digits
    names = [max_spread.FILTER.name, *(by_time if narrow else ())]
    shown = " and ".join(f"{name} = {settings[name]}" for name in names)
    cause = (
        f"none of the last {len(spreads)} closes passes {shown}: "
        f"the narrowest spread was {_pips(min(spreads.values()), scale)} pips, the usual one "
        f"{_pips(round(median(spreads.values())), scale)}"
    )
    cure = "raise max_spread_pips" + (" or choose hours in which the spread is narrower" if narrow else "")
    yield Finding(Level.WARNING, "strategy.spread_never_passes", f"strategy {one.name}", cause, cure)


def _passes(judge: Judge, opened: Instant, spread: int) -> bool:
    nothing = (0, 1)
    moment = Moment(1, opened, 0, nothing, nothing, 0, 0, nothing, nothing, spread=spread)
    return judge.passes is None or judge.passes(moment)


def _passes_at(judge: Judge, close: Instant) -> bool:
    return judge.passes_at is None or judge.passes_at(close)


def _pips(spread: int, scale: int) -> str:
    return format(Decimal(spread).scaleb(scale).normalize(), "f")

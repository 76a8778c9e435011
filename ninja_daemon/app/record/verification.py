"""Derive every signal and every outcome of a record again from candles, and compare every digit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ninja_daemon.adapters.stored.open_signals import decode_terms
from ninja_daemon.adapters.stored.outcome import encode_outcome
from ninja_daemon.adapters.stored.record import Findings, canonical, parsed
from ninja_daemon.adapters.stored.signal import decode_signal, encode_signal
from ninja_daemon.app.plug_ins import recorded_filters, recorded_kind
from ninja_daemon.core.errors import StateError
from ninja_daemon.core.filters.kinds import restored
from ninja_daemon.core.market.candle import AtrType, Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.instrument import Instrument, PriceSide, Series
from ninja_daemon.core.market.news import NO_CALENDAR, Calendar
from ninja_daemon.core.market.source import Source
from ninja_daemon.core.outcomes.following import Book, follow
from ninja_daemon.core.outcomes.open_signal import opened
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import signal_id
from ninja_daemon.core.signals.state import Begin
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.history.broker_history import BrokerHistory
from ninja_daemon.usecases.history.larger_history import Larger, bound, judgeable
from ninja_daemon.usecases.replay import replay

_SOURCES: Final = {source.value: source for source in Source}
_OWN_TO_THE_RUN: Final = ("created_at", "late", "calendar_old")
"""Fields of a signal that say when it was found."""


def recorded_strategies(found: Findings) -> Mapping[tuple[str, str], Strategy]:
    """Return the strategies of a record's settings, by name and settings hash.

    Raises:
        StateError: one is of a plug-in that is not here, or not of this version.
    """
    return {key: recorded_strategy(key[0], settings) for key, settings in found.settings.items()}


def recorded_strategy(name: str, settings: Mapping[str, Any]) -> Strategy:
    """Return a strategy as its settings were recorded.

    Raises:
        StateError: see ``recorded_strategies``.
    """
    try:
        return _strategy(name, _whole_numbers(settings))
    except ValueError as error:
        message = f"the settings of {name} in the record cannot be used here: {error}"
        raise StateError(message) from error


def _whole_numbers(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return JSON that was read with exact numbers as it was written: whole numbers are whole."""
    if isinstance(value, Mapping):
        return {key: _whole_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(each) for each in value]
    return int(value) if isinstance(value, Decimal) and value == int(value) else value


def _strategy(name: str, settings: Mapping[str, Any]) -> Strategy:
    return Strategy(
        name=name,
        instrument=settings["instrument"],
        granularity=Granularity.named(settings["timeframe"]),
        fast_ma=int(settings["fast_ma"]),
        slow_ma=int(settings["slow_ma"]),
        ma_type=recorded_kind(settings["ma_type"]),
        price=PriceSide(settings["price"]),
        atr_period=int(settings["atr_period"]),
        sl_atr_multiplier=Decimal(settings["sl_atr_multiplier"]),
        tp_atr_multiplier=Decimal(settings["tp_atr_multiplier"]),
        min_atr_value=Decimal(settings["min_atr_value"]),
        min_rr_ratio=Decimal(settings["min_rr_ratio"]),
        fast_type=recorded_kind(settings["fast_type"]) if "fast_type" in settings else None,
        source=_SOURCES[settings.get("source", "close")],
        atr_type=AtrType(settings.get("atr_type", "sma")),
        filters=restored(settings),
        plug_ins=recorded_filters(settings),
    )


def derive(
    found: Findings,
    series: Series,
    history: BrokerHistory,
    larger_of: Callable[[Sequence[Strategy]], Larger],
    calendar: Calendar = NO_CALENDAR,
) -> Iterator[str]:
    """Compare all signals and outcomes of one series with what its candles make; say each difference.

    Args:
        found: a record that was checked.
        series: whose candles these are.
        history: with what the averages need before the first signal.
        larger_of: returns the larger timeframes of strategies.
        calendar: scheduled news.
    """
    strategies = [each for each in recorded_strategies(found).values() if each.series == series]
    larger, instrument, spreads = larger_of(strategies), history.instrument, history.spreads
    bounds = [(each, _begun(bound(each, instrument, larger, spreads, calendar), found)) for each in strategies]
    reports = [one for each, rules in bounds for one in replay([rules], judgeable(each, history.parts, larger))]
    derived = {signal.id: signal for report in reports for signal in report.signals}
    lines = _lines_of(found, {each.name for each in strategies}, series)
    for line in lines:
        own = derived.get(line["entry"]["id"])
        yield from _differences("signal", line["entry"], own and parsed(encode_signal(own)), _OWN_TO_THE_RUN)
    for report in reports:
        yield from _missing(report.rules.strategy, [signal.id for signal in report.signals], found)
    yield from _outcomes_again(
        found, strategies, instrument, [candle for part in history.parts for candle in part], lines
    )


def _lines_of(found: Findings, names: Collection[str], series: Series) -> list[dict[str, Any]]:
    return [
        line
        for line in found.signals.values()
        if line["entry"]["strategy"] in names and line["follow"]["price"] == series.price.value
    ]


def _outcomes_again(
    found: Findings,
    strategies: Sequence[Strategy],
    instrument: Instrument,
    candles: Sequence[Candle],
    lines: Sequence[dict[str, Any]],
) -> Iterator[str]:
    """Compare the outcomes of recorded signals with what the candles make of them."""
    in_order = sorted(lines, key=lambda line: str(line["entry"]["time"]))
    for strategy in {each.name: each for each in strategies}.values():
        own = [line for line in in_order if line["entry"]["strategy"] == strategy.name]
        listed = [opened(decode_signal(canonical(line["entry"])), decode_terms(line["follow"])) for line in own]
        since = listed[0].time if listed else 0
        after = follow(strategy, instrument, Book(), [one for one in candles if one.time >= since], listed)
        yield from _compare_outcomes(found, {one.id: parsed(encode_outcome(one)) for one in after.outcomes}, listed)


def _begun(rules: Rules, found: Findings) -> Rules:
    """Return the rules as of the first recorded signal, where signals keep a distance: no earlier one was listed."""
    if not rules.is_spaced:
        return rules
    entries = [line["entry"] for line in found.signals.values() if line["entry"]["strategy"] == rules.strategy.name]
    times = [parse_instant(entry["time"]) for entry in entries]
    own = [
        time
        for time, entry in zip(times, entries, strict=True)
        if signal_id(rules.strategy, time, Side[entry["side"]]) == entry["id"]
    ]
    if not own:
        return rules
    return rules.begun(Begin(min(own), max((time for time in times if time < min(own)), default=None)))


def _compare_outcomes(found: Findings, derived: Mapping[str, Any], listed: Sequence[Any]) -> Iterator[str]:
    ends = [found.outcomes[one.id]["entry"]["exit_time"] for one in listed if one.id in found.outcomes]
    newest = max(ends, default="")
    for one in listed:
        line, again = found.outcomes.get(one.id), derived.get(one.id)
        if line is not None:
            yield from _differences("outcome", line["entry"], again, ())
        elif again is not None and again["exit_time"] < newest:
            yield f"outcome {one.id}: it is missing, the signal ended at {again['exit_time']}"


def _missing(strategy: Strategy, ids: Sequence[str], found: Findings) -> Iterator[str]:
    """Say which signals between the first and the last recorded one of the same settings are not recorded."""
    places = [place for place, id_ in enumerate(ids) if id_ in found.signals]
    if places:
        for id_ in ids[places[0] : places[-1]]:
            if id_ not in found.signals:
                yield f"signal {id_} of {strategy.name}: it is missing"


def _differences(kind: str, entry: Mapping[str, Any], again: Any, left_out: Sequence[str]) -> Iterator[str]:  # noqa: ANN401
    if again is None:
        yield f"{kind} {entry['id']} of {entry['strategy']}, {entry['time']}: it does not follow from the candles"
        return
    for name, value in again.items():
        if name not in left_out and entry.get(name) != value:
            where = f"{kind} {entry['id']} of {entry['strategy']}, {entry['time']}"
            yield f"{where}: {name} must be {value}, was {entry.get(name)}"

"""One strategy's commit as data: what the script gets, so that it can be kept while Redis is away and sent later.

Two commits that follow each other are one: the later fields win, the signals are those of both. So what waits for
Redis does not grow with the outage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ninja_daemon.adapters.stored.open_signals import encode_book, encode_terms
from ninja_daemon.adapters.stored.outcome import encode_outcome
from ninja_daemon.adapters.stored.prepared import ListedOutcome, ListedSignal, PreparedCommit, name_of
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.adapters.stored.state.state_form import encode_state
from ninja_daemon.adapters.stored.state.tally import encode_tally
from ninja_daemon.adapters.stored.state.trend_form import encode_trend
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.outcomes.open_signal import terms_of
from ninja_daemon.usecases.ports import Change

_FOUR_DAYS_MS: Final = 4 * 86_400_000


def prepared(change: Change, ma_state_floor: int) -> PreparedCommit:
    """Write a change down for the commit script.

    Args:
        change: what some candles changed.
        ma_state_floor: seconds for which the averages live at least.
    """
    rules, state, strategy = change.rules, change.state, change.rules.strategy
    assert state.last is not None  # noqa: S101 - only states with a candle are committed
    base = _base_of(change)
    averages = encode_state(rules, state, state.seen - change.taken_in if base is not None else None)
    averages |= encode_trend(change.trend, change.loaded.trend if base is not None else None)
    signals = _listed(change) if change.signals else ()
    outcomes = tuple(ListedOutcome(one.id, one.time, encode_outcome(one)) for one in change.outcomes)
    book = {} if change.book is None else {"open": encode_book(change.book, strategy.series)}
    expected = change.loaded.cursor_token
    return PreparedCommit(
        strategy=strategy.name,
        expected=expected,
        target=format_instant(state.last.time),
        # The same work after a lost reply has the same name.
        commit=name_of(expected, lines(averages), *[one.id for one in signals], *[one.id for one in outcomes]),
        life_ms=averages_life_ms(strategy.granularity, ma_state_floor),
        base="" if base is None else format_instant(base),
        settings=strategy.settings_hash,
        averages=averages,
        sides={**encode_tally(state, change.tally), **book},
        signals=signals,
        outcomes=outcomes,
    )


def _listed(change: Change) -> tuple[ListedSignal, ...]:
    """Write the signals with their terms, by which open signals that were lost are found again."""
    strategy, instrument = change.rules.strategy, change.rules.instrument
    followed = (encode_terms(one.id, strategy.series, terms_of(strategy, instrument, one)) for one in change.signals)
    return tuple(
        ListedSignal(one.id, one.time, encode_signal(one), terms)
        for one, terms in zip(change.signals, followed, strict=True)
    )


def lines(fields: Mapping[str, str]) -> str:
    """Write fields as the script reads them: in one argument, since fifty cost more than what they say."""
    return "".join([f"{name}\n{value}\n" for name, value in fields.items()])


def averages_life_ms(granularity: Granularity, floor: int) -> int:
    """Return how long averages live, in ms: four candles and four days, or the floor in seconds when that is longer.

    Contract 4.6: no setting may make the daemon forget between two candles.
    """
    return max(floor * 1000, 4 * granularity.seconds * 1000 + _FOUR_DAYS_MS)


def _base_of(change: Change) -> Instant | None:
    """Return the time of the stored averages that the change builds on; None when all fields must be written."""
    before = change.loaded.state
    if before is None or before.last is None or change.taken_in >= change.state.closes.size:
        return None
    grew_from_it = before.seen + change.taken_in == change.state.seen
    same_prices = change.loaded.instrument == change.rules.instrument
    return before.last.time if grew_from_it and same_prices else None

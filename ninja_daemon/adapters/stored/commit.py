"""One strategy's commit as data: what the script gets, so that it can be kept while Redis is away and sent later.

Two commits that follow each other are one: the later fields win, the signals are those of both. So what waits for
Redis does not grow with the outage.
"""

from __future__ import annotations

from typing import Final

from ninja_daemon.adapters.stored.open_signals import encode_book, encode_terms
from ninja_daemon.adapters.stored.outcome import encode_outcome
from ninja_daemon.adapters.stored.prepared import ListedOutcome, ListedSignal, PreparedCommit, name_of
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.adapters.stored.state.counts import encode_counts, encode_quiet_counts, is_quiet
from ninja_daemon.adapters.stored.state.state_form import encode_moves, encode_standing
from ninja_daemon.adapters.stored.state.trend_form import encode_trend
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.outcomes.open_signal import terms_of
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.usecases.ports import Change

_FOUR_DAYS_MS: Final = 4 * 86_400_000


def prepared(change: Change, ma_state_floor: int, since: str = "") -> PreparedCommit:
    """Write a change down for the commit script.

    Args:
        change: what some candles changed.
        ma_state_floor: seconds for which the averages live at least.
        since: name of the commit that has left what is stored now, so that only what changed has to be written; empty
            to write everything.
    """
    rules, loaded, _, _, signals, _, _, outcomes, _ = change
    before, strategy = _base_of(change), rules.strategy
    averages, sides, since = _fields_of(change, before, since)
    expected, settings = loaded.cursor_token, strategy.settings_hash
    # The same work after a lost reply has the same name, whether all or only what changed is written.
    work = [expected, settings, *map(averages.__getitem__, _NAMED_BY)]
    if signals or outcomes:
        work += [*(one.id for one in signals), *(one.id for one in outcomes)]
    return PreparedCommit(
        strategy.name,
        expected,
        averages["time"],
        name_of(*work),
        averages_life_ms(strategy.granularity, ma_state_floor),
        "" if before is None or before.last is None else format_instant(before.last.time),
        settings,
        averages,
        sides,
        _listed(change) if signals else (),
        tuple([ListedOutcome(one.id, one.time, encode_outcome(one)) for one in outcomes]) if outcomes else (),
        since,
    )


def _fields_of(change: Change, before: StrategyState | None, since: str) -> tuple[dict[str, str], dict[str, str], str]:
    """Write the fields of averages and side; ``since`` comes back empty where all had to be written."""
    rules, loaded, state, counts, _, taken_in, book, _, trend = change
    averages = encode_moves(rules, state, state.seen if before is None else taken_in)
    if trend is not None:
        averages |= encode_trend(trend, loaded.trend if before is not None else None)
    if since and before is not None and _is_quiet(before, state) and is_quiet(loaded.counts, counts):
        sides = encode_quiet_counts(state, counts)
    else:
        since, sides = "", encode_counts(state, counts)
        averages |= encode_standing(rules, state)
    if book is not None:
        sides["open"] = encode_book(book, rules.strategy.series)
    return averages, sides, since


_NAMED_BY: Final = ("time", "count", "last", "fast", "slow", "atr")
"""Fields of the averages that a commit is named by."""


def _is_quiet(before: StrategyState, after: StrategyState) -> bool:
    """Tell whether other fields than those of ``encode_moves`` are as they were."""
    return before.side is after.side and before.signal_at == after.signal_at


def _listed(change: Change) -> tuple[ListedSignal, ...]:
    """Write the signals with their terms, by which open signals that were lost are found again."""
    strategy, instrument = change.rules.strategy, change.rules.instrument
    followed = (encode_terms(one.id, strategy.series, terms_of(strategy, instrument, one)) for one in change.signals)
    return tuple(
        ListedSignal(one.id, one.time, encode_signal(one), terms)
        for one, terms in zip(change.signals, followed, strict=True)
    )


def averages_life_ms(granularity: Granularity, floor: int) -> int:
    """Return how long averages live, in ms: four candles and four days, or the floor in seconds when that is longer.

    Contract 4.6: no setting may make the daemon forget between two candles.
    """
    return max(floor * 1000, 4 * granularity.seconds * 1000 + _FOUR_DAYS_MS)


def _base_of(change: Change) -> StrategyState | None:
    """Return the stored averages that the change builds on; None when all fields must be written."""
    before, instrument = change.loaded.state, change.loaded.instrument
    if before is None or before.last is None or change.taken_in >= change.state.closes.size:
        return None
    grew_from_it = before.seen + change.taken_in == change.state.seen
    same_prices = instrument is change.rules.instrument or instrument == change.rules.instrument
    return before if grew_from_it and same_prices else None

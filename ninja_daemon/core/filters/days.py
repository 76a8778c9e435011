"""``days``: the trading day of New York to which the candle belongs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ninja_daemon.core.filters.filter import Filter, Judge, Key, Moments, Settings
from ninja_daemon.core.market.granularity import trading_day
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.market.instrument import Instrument

if TYPE_CHECKING:  # most commands run without numpy
    from ninja_daemon.core.market.candle_columns import Booleans

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Days of the week as they are written."""


def day_of(close: Instant) -> str:
    """Return the trading day of a candle by its close; the day that ends on Friday at 17:00 in New York is ``fri``."""
    begun = trading_day(close - 1)  # a candle that closes at 17:00 belongs to the day that ends then
    return DAYS[(begun.weekday() + 1) % len(DAYS)]


def _read(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not all(isinstance(day, str) and day in DAYS for day in value):
        raise ValueError
    named = tuple(day for day in DAYS if day in value)
    return named if 0 < len(named) < len(DAYS) else None


def _bind(settings: Settings, _: Instrument, days: tuple[str, ...]) -> Judge:
    return by_close(settings, lambda close: day_of(close) in days, day_of, " ".join(days))


FILTER: Final = Filter(
    "days",
    "the candle's trading day is not among `days`",
    _bind,
    Key(f"a list of days, of {' '.join(DAYS)}", _read, list),
)


def by_close(
    settings: Settings, passes: Callable[[Instant], bool], shown: Callable[[Instant], str], limit: str
) -> Judge:
    """Return the judge of a filter that uses the instant of the close alone.

    Args:
        settings: of the strategy.
        passes: tells it of a close.
        shown: what the close had, for ``why``.
        limit: what it had to have.
    """
    close_of = settings.granularity.close_of

    def all_pass(many: Moments) -> Booleans:
        passed: Booleans = many.times < 0  # nothing yet: no candle opens before 1970
        for place, opened in enumerate(many.times.tolist()):
            passed[place] = passes(close_of(opened))
        return passed

    return Judge(
        lambda one: (shown(close_of(one.opened)), limit),
        lambda one: passes(close_of(one.opened)),
        all_pass,
        passes,
    )

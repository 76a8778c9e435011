"""Where an outcome goes: to the destinations of its signal that show outcomes.

An outcome does not say whether its signal was late, nor its exact reward over risk. A condition on either holds when it
may have held for the signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Context, Decimal
from typing import Final

from ninja_daemon.core.messages.destination import Delivery
from ninja_daemon.core.messages.routing import Prospect, Silence, audible, destinations_for
from ninja_daemon.core.messages.send_policy import OutcomePolicy
from ninja_daemon.core.outcomes.outcome import Outcome

_UP: Final = Context(prec=40, rounding=ROUND_CEILING)
_TEN_DECIMALS: Final = Decimal("1e-10")
"""To this a signal's reward over risk is rounded."""


def outcome_destinations(
    delivery: Delivery, outcome: Outcome, silences: Sequence[Silence], now: float
) -> tuple[str, ...]:
    """Return the destinations that show an outcome, each once, in the order of the routes.

    Args:
        delivery: routes and destinations.
        outcome: how the signal ended.
        silences: all that may be in force.
        now: epoch seconds.
    """
    names: dict[str, None] = {}
    for late in (False, True):
        signal = _ended(outcome, late=late)
        routed = destinations_for(delivery.routes, signal) or ()
        names |= dict.fromkeys(audible(routed, silences, signal, now))
    showing = {one.name for one in delivery.destinations if one.policy.outcomes is not OutcomePolicy.NONE}
    return tuple(name for name in names if name in showing)


def _ended(outcome: Outcome, *, late: bool) -> Prospect:
    one = outcome
    return Prospect(one.strategy, one.instrument, one.timeframe, one.side, late, _largest_ratio(outcome))


def _largest_ratio(outcome: Outcome) -> Decimal:
    """Return the largest reward over risk that gives these levels, which are rounded to the instrument's precision."""
    prices = (outcome.entry, outcome.stop_loss, outcome.take_profit)
    half_unit = Decimal((0, (5,), min(int(price.as_tuple().exponent) for price in prices) - 1))
    reward = abs(outcome.take_profit - outcome.entry) + half_unit
    risk = abs(outcome.entry - outcome.stop_loss) - half_unit
    if risk <= 0:
        return reward
    return _UP.quantize(_UP.divide(reward, risk), _TEN_DECIMALS)

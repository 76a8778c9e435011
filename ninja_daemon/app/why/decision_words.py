"""What is said of a decision, of a signal and of a difference: fields of JSON, and lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from ninja_daemon.app.audits.results import difference_fields, difference_words
from ninja_daemon.app.why.noted import evaluated_at
from ninja_daemon.core.averages.average import Ratio
from ninja_daemon.core.market.instant import Instant, format_instant, format_moment
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.decisions import Decision, Verdict, verdicts
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import Signal, id_prefix, rounded
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.proof.difference import Difference
from ninja_daemon.usecases.proof.noted import Evaluation

if TYPE_CHECKING:  # the page says these words without numpy
    from ninja_daemon.usecases.proof.derivation import Derived


def decision_fields(rules: Rules, decision: Decision, evaluation: Evaluation | None = None) -> dict[str, object]:
    """Return a candle as the contract writes it (section 9); ``evaluated_at`` is null where it was not noted."""
    decimals = rules.instrument.decimals
    cross = decision.cross
    return {
        "time": format_instant(decision.candle.time),
        "close": _price(decision.candle.close, decimals),
        "fast_ma": _average(decision.fast, decimals),
        "slow_ma": _average(decision.slow, decimals),
        "gap_pips": decision.gap_pips(rules.instrument),
        "side_before": _side(decision.side_before),
        "side_after": _side(decision.side_after),
        "cross": None if cross is None else cross.side.name,
        "filters": [verdict._asdict() for verdict in verdicts(rules, decision)],
        "id": decision.signal_id(rules),
        "evaluated_at": evaluated_at(evaluation),
    }


def unjudged_words(strategy: Strategy, opened: Instant) -> str:
    """Say since when candles are not evaluated, and what they wait for."""
    larger, close = strategy.larger, strategy.granularity.close_of(opened)
    border = close if larger is None else larger.granularity.last_close(close)
    return (
        f"{strategy.name}: not evaluated since {format_instant(opened)}: the {larger} candle that closed at "
        f"{format_instant(border)} decides the trend and is not complete yet"
    )


def signal_fields(
    derived: Derived,
    listed: Signal,
    index: int | None,
    difference: Difference | None,
    evaluation: Evaluation | None = None,
) -> Mapping[str, object]:
    """Return a signal's candle and what lies behind it; sums are price units, each over its denominator."""
    rules = derived.rules
    fields: dict[str, object] = {"strategy": listed.strategy, "id": listed.id}
    if index is not None:
        after = derived.decision(index)
        before = derived.decision(index - 1) if index else None
        fields |= {
            "candle": decision_fields(rules, after, evaluation),
            "prices": {
                name: _price(getattr(after.candle, name), rules.instrument.decimals)
                for name in ("open", "high", "low", "close")
            },
            "before": None if before is None else {"fast": before.fast, "slow": before.slow},
            "after": {"fast": after.fast, "slow": after.slow},
            "true_ranges": {"count": after.ranges_held, "sum": after.range_total},
        }
    return fields | {
        "id_of": _ingredients(rules, listed),
        "found_at": format_moment(listed.created_at),
        "evaluated_by": None if evaluation is None else evaluation.by,
        "late": listed.late,
        "difference": None if difference is None else difference_fields(difference),
    }


def signal_lines(derived: Derived, listed: Signal, index: int | None, difference: Difference | None) -> list[str]:
    """Return the same for people."""
    rules, decimals = derived.rules, derived.rules.instrument.decimals
    lines = [f"{listed.strategy} {listed.side.name} {listed.id}"]
    lines.append("every digit again" if difference is None else difference_words(difference))
    if index is not None:
        after = derived.decision(index)
        candle = after.candle
        opened, high, low, close = (f"{_price(units, decimals):f}" for units in candle[1:])
        lines.append(f"candle   {format_instant(candle.time)}  open {opened}  high {high}  low {low}  close {close}")
        if index:
            lines += _average_lines("before", rules, derived.decision(index - 1))
        lines += _average_lines("after", rules, after)
        atr = rounded(Fraction(after.range_total, rules.strategy.range_whole), decimals)
        lines.append(f"ranges   {after.ranges_held} true ranges, sum {after.range_total}, average {atr:f}")
        for verdict in verdicts(rules, after):
            word = "passed" if verdict.passed else "REJECTED"
            lines.append(f"filter   {verdict.name}: {verdict_words(verdict)}: {word}")
    lines.append(f"levels   stop {listed.stop_loss:f}  target {listed.take_profit:f}, as listed")
    lines.append(f"id of    {_ingredients(rules, listed)}")
    lines.append(f"found    {format_moment(listed.created_at)}{', late' if listed.late else ''}")
    return lines


def verdict_words(verdict: Verdict) -> str:
    """Say what a filter compared."""
    if isinstance(verdict.value, Decimal) and isinstance(verdict.limit, Decimal):
        return f"{verdict.value:f}, at least {verdict.limit:f}"
    return f"{verdict.value}, of {verdict.limit}"


def _average_lines(when: str, rules: Rules, decision: Decision) -> list[str]:
    lines = []
    for name, ratio in (("fast", decision.fast), ("slow", decision.slow)):
        value = _average(ratio, rules.instrument.decimals)
        if ratio is not None and value is not None:
            lines.append(f"{when:<8} {name} {ratio[0]} / {ratio[1]} = {value:f}")
    side = "none" if decision.side_after is None else decision.side_after.name
    return [*lines, f"{when:<8} gap {decision.gap_pips(rules.instrument)} pips, side {side}"]


def _ingredients(rules: Rules, listed: Signal) -> str:
    return f"{id_prefix(rules.strategy)}{format_instant(listed.time)}|{listed.side.name}"


def _price(units: int, decimals: int) -> Decimal:
    return Decimal(units).scaleb(-decimals)


def _average(ratio: Ratio | None, decimals: int) -> Decimal | None:
    return None if ratio is None else rounded(Fraction(*ratio), decimals)


def _side(side: Side | None) -> str | None:
    return None if side is None else side.name

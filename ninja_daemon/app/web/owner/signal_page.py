"""What the owner sees of one signal besides its numbers: its picture, why it came, and where it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from ninja_daemon.adapters.journal.sent_ledger import Delivered
from ninja_daemon.app.web.html import Child, element, facts, table
from ninja_daemon.app.web.words import link, moment, state_of
from ninja_daemon.app.why.decision_words import verdict_words
from ninja_daemon.core.averages.average import Ratio
from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.market.instant import format_instant, format_moment
from ninja_daemon.core.signals.decisions import Decision, verdicts
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import Signal, id_prefix, rounded
from ninja_daemon.usecases.proof.noted import Evaluation


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided at a signal's candle, derived again from the candles that are kept.

    Attributes:
        rules: the strategy and its instrument.
        before: what was decided one candle earlier.
        after: what was decided at the candle.
    """

    rules: Rules
    before: Decision
    after: Decision


@dataclass(frozen=True, slots=True)
class SignalPage:
    """What the page of a signal shows besides its numbers.

    Attributes:
        picture: its candles, or why there are none.
        decided: None where the candles of this machine do not reach back so far.
        evaluation: when its candle was taken in; None where that was not noted.
        sent: where this machine delivered it.
        failed: deliveries that were given up.
    """

    picture: Child
    decided: Decided | None
    evaluation: Evaluation | None
    sent: Sequence[Delivered]
    failed: Sequence[DeadLetter]


def signal_details(signal: Signal, shown: SignalPage) -> Child:
    """Return the rest of a signal's page."""
    return [
        element("h2", "Picture"),
        shown.picture,
        element("h2", "Why"),
        _why(signal, shown),
        element("h2", "Deliveries"),
        _deliveries(signal, shown.sent),
        element("h2", "Deliveries that failed for good"),
        element("ul", [_failed(letter) for letter in shown.failed]) if shown.failed else element("p", "none"),
    ]


def _why(signal: Signal, shown: SignalPage) -> Child:
    verify = element("code", f"ninja-daemon why {signal.id[:8]} --verify")
    noted = shown.evaluation
    taken_in: Child = "not noted on this machine" if noted is None else f"{format_moment(noted.at)} by {noted.by}"
    first = [("found", format_moment(signal.created_at)), ("taken in", taken_in)]
    if shown.decided is None:
        return [
            facts(first),
            element("p", "The candles that this machine keeps do not reach back to it: ", verify, " asks the broker."),
        ]
    return [
        facts([*first, *_candle(shown.decided, signal)]),
        _averages(shown.decided),
        _filters(shown.decided),
        element("p", "Worked out again from the candles that this machine keeps; ", verify, " asks the broker."),
    ]


def _candle(decided: Decided, signal: Signal) -> list[tuple[str, Child]]:
    rules, after = decided.rules, decided.after
    decimals, candle = rules.instrument.decimals, after.candle
    average = rounded(Fraction(after.range_total, rules.strategy.range_whole), decimals)
    return [
        *((name, f"{_price(getattr(candle, name), decimals):f}") for name in ("open", "high", "low", "close")),
        ("true ranges", f"{after.ranges_held}, sum {after.range_total}, average {average:f}"),
        ("id of", element("code", f"{id_prefix(rules.strategy)}{format_instant(signal.time)}|{signal.side.name}")),
    ]


def _averages(decided: Decided) -> Child:
    decimals = decided.rules.instrument.decimals

    def row(name: str, before: Ratio | None, after: Ratio | None) -> list[Child]:
        return [name, _written(before, decimals), _written(after, decimals)]

    gaps = [each.gap_pips(decided.rules.instrument) for each in (decided.before, decided.after)]
    sides = [None if one is None else one.name for one in (decided.before.side_after, decided.after.side_after)]
    return table(
        "averages before the candle and after it: sum / periods = value",
        ("average", "before", "after"),
        [
            row("fast", decided.before.fast, decided.after.fast),
            row("slow", decided.before.slow, decided.after.slow),
            ["gap in pips", *("–" if gap is None else f"{gap:+}" for gap in gaps)],
            ["side", *(side or "none" for side in sides)],
        ],
    )


def _written(ratio: Ratio | None, decimals: int) -> str:
    return "–" if ratio is None else f"{ratio[0]} / {ratio[1]} = {rounded(Fraction(*ratio), decimals):f}"


def _filters(decided: Decided) -> Child:
    # A listed signal passed all of them; one that looks at more than these candles is asked by the command.
    passed = [one for one in verdicts(decided.rules, decided.after) if one.passed]
    rows: list[list[Child]] = [[one.name, verdict_words(one), state_of("passed", is_well=True)] for one in passed]
    asked = [one.name for one, _ in decided.rules.judges][len(passed) :]
    return [
        table("filters, in their order", ("filter", "compared", "result"), rows),
        element("p", f"Not worked out here: {', '.join(asked)}.") if asked else None,
    ]


def _deliveries(signal: Signal, sent: Sequence[Delivered]) -> Child:
    rows = [[one.destination, moment(one.at), one.message_id[:64] or "–"] for one in sent]
    return [
        table("by this machine in the last seven days", ("destination", "accepted", "message"), rows),
        None if sent else element("p", "What waits: ", link("/deliveries", "deliveries"), "."),
        element("p", element("code", f"ninja-daemon why {signal.id[:8]}"), " says the same on a terminal."),
    ]


def _failed(letter: DeadLetter) -> Child:
    return element("li", f"{letter.destination or 'no destination'}: {letter.cause}, {letter.reason[:300]}")


def _price(units: int, decimals: int) -> Decimal:
    return Decimal(units).scaleb(-decimals)

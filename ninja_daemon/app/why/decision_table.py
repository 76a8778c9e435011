"""The table of ``why``: one candle a line, within 80 columns of a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from rich.table import Table
from rich.text import Text

from ninja_daemon.app.status.rows.ranked_table import Column, ranked_table
from ninja_daemon.core.averages.average import Ratio
from ninja_daemon.core.market.instant import format_instant, format_moment
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.decisions import Decision
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import rounded
from ninja_daemon.usecases.proof.noted import Notes


def decision_table(rules: Rules, shown: Sequence[Decision], width: int, notes: Notes) -> Table:
    """Return the table; the gap, by whose sign the side is decided, stands out at crosses and near ones.

    The averages have one digit more than the price here, and all of them in ``--json``.
    """
    decimals = rules.instrument.decimals
    length = 19 if rules.strategy.granularity.seconds < 60 else 16  # noqa: PLR2004 - seconds of a minute

    def average(ratio: Ratio | None) -> Text:
        return Text("-" if ratio is None else str(round(rounded(Fraction(*ratio), decimals), decimals + 1)))

    columns = (
        Column(
            "opened (UTC)", 0, [Text(format_instant(each.candle.time)[:length].replace("T", " ")) for each in shown]
        ),
        Column(
            "close",
            1,
            [Text(f"{rounded(Fraction(each.candle.close), decimals):.{decimals}f}") for each in shown],
            "right",
        ),
        Column("fast", 2, [average(each.fast) for each in shown], "right"),
        Column("slow", 2, [average(each.slow) for each in shown], "right"),
        Column("gap pips", 0, [_gap(rules, each) for each in shown], "right"),
        Column("side", 0, [_outcome(rules, each) for each in shown], is_elastic=True),
        Column("taken in (UTC)", 3, [_taken_in(notes, each) for each in shown]),
    )
    return ranked_table(columns, width)


def _taken_in(notes: Notes, decision: Decision) -> Text:
    noted = notes.evaluations.get(decision.candle.time)
    return Text("-" if noted is None else format_moment(noted.at)[5:19].replace("T", " "))


def _gap(rules: Rules, decision: Decision) -> Text:
    gap = decision.gap_pips(rules.instrument)
    is_decisive = decision.cross is not None or decision.is_near(rules.strategy.range_whole)
    return Text("-" if gap is None else str(gap), style="bold" if is_decisive else "")


def _outcome(rules: Rules, decision: Decision) -> Text:
    """Say the side, and of a cross its signal's id or the filter that rejected it."""
    side = decision.side_after
    words = ["-" if side is None else side.name]
    if decision.cross is not None:
        rejected_by = decision.cross.rejected_by
        words.append(rejected_by.name if rejected_by is not None else (decision.signal_id(rules) or "")[:8])
    elif decision.is_near(rules.strategy.range_whole):
        words.append("near")
    style = "" if decision.cross is None else "green" if side is Side.BUY else "red"
    return Text(" ".join(words), style=style)

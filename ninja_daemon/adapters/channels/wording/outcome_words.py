"""What became of a signal, in words that no copier takes for an order.

Programs that trade by what they read look for words such as buy, stop, target, entry or close, and for prices. So a
result names neither: it says how much was won or lost, in R and pips, and how long it took.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from ninja_daemon.adapters.channels.words import mark
from ninja_daemon.core.outcomes.open_signal import Result
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.words import counted

RESULT: Final = "Result"
_ARROWS: Final = {Side.BUY: "▲", Side.SELL: "▼"}
_ENDS: Final = {
    Result.TARGET: "reached its goal",
    Result.STOP: "reached its limit",
    Result.REVERSED: "crossed back",
    Result.EXPIRED: "ran out of time",
}


def result_short(outcome: Outcome) -> str:
    """Return a result in a few characters: ``+1.5 R``."""
    return f"{_signed(outcome.r)} R"


def result_text(outcome: Outcome) -> str:
    """Return a result on one line: ``+1.5 R, +123.7 pips, reached its goal after 7 candles``."""
    took = counted(outcome.candles, "candle")
    return f"{result_short(outcome)}, {_signed(outcome.pips)} pips, {_ENDS[outcome.result]} after {took}"


def outcome_title(outcome: Outcome) -> str:
    """Return of which signal it is the result."""
    pair = outcome.instrument.replace("_", "/")
    return f"{RESULT} {_ARROWS[outcome.side]} {pair} {outcome.timeframe}"


def outcome_lines(outcome: Outcome, time_zone: str) -> list[str]:
    """Return an outcome as lines of plain text, for a message of its own."""
    ended, found = (_when(at, time_zone) for at in (outcome.exit_time, outcome.close_time))
    return [
        f"{outcome_title(outcome)}: {result_text(outcome)}",
        f"Signal of {found}, ended {ended} · {mark(outcome.id)}",
    ]


def _signed(number: Decimal) -> str:
    shown = f"{number.normalize():+f}"
    return "0" if not number else shown


def _when(at: int, time_zone: str) -> str:
    moment = datetime.fromtimestamp(at, ZoneInfo(time_zone) if time_zone else UTC)
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname() or time_zone}"

"""One signal as one destination is told of it: its values as texts, in the destination's language and zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ninja_daemon.adapters.channels.wording.languages import say
from ninja_daemon.adapters.channels.wording.outcome_words import result_text
from ninja_daemon.adapters.channels.words import ARROWS, clock, mark, pair
from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.messages.style import symbol_of
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.spans import DAY, HOUR, MINUTE


class Fact(NamedTuple):
    """A number that a reader acts on.

    Attributes:
        name: in the reader's language.
        value: the number.
        beside: its distance from the entry; empty for none.
        is_price: people copy it.
    """

    name: str
    value: str
    beside: str = ""
    is_price: bool = False

    @property
    def text(self) -> str:
        """The number and what stands beside it."""
        return f"{self.value} ({self.beside})" if self.beside else self.value


@dataclass(frozen=True, slots=True)
class Told:
    """A signal for one destination.

    Attributes:
        sent_at: when it is posted, epoch seconds; 0 when that is not known.
        averages: names of the fast and the slow average; None when they are not known.
        ended: what became of it, for the edit of a posted message; None while it is open.
    """

    signal: Signal
    policy: SendPolicy
    sent_at: float = 0.0
    averages: tuple[str, str] | None = None
    ended: Outcome | None = None

    def say(self, key: str, **fields: object) -> str:
        """Return a text of the destination's language."""
        return say(self.policy.language, key, **fields)

    @property
    def headline(self) -> str:
        """The signal in a few words."""
        signal = self.signal
        marks = ["late"] * signal.late + ["calendar_old"] * signal.calendar_old
        marked = "".join(f"⚠ {self.say(mark)} · " for mark in marks)
        side = self.say(signal.side.name.lower())
        return f"{marked}{ARROWS[signal.side]} {side} {pair(signal)} {signal.timeframe}"

    @property
    def reason(self) -> str:
        """Why there is a signal, in words."""
        fast, slow = self.averages or (self.say("fast_average"), self.say("slow_average"))
        return self.say("crossed_above" if self.signal.side is Side.BUY else "crossed_below", fast=fast, slow=slow)

    @property
    def age(self) -> str:
        """Time from the candle's close to the post, or to the finding where nothing is posted now."""
        seconds = max(0, int((self.sent_at or self.signal.created_at) - self.signal.close_time))
        if seconds < MINUTE:
            return self.say("seconds", number=seconds)
        if seconds < HOUR:
            return self.say("minutes", number=seconds // MINUTE)
        if seconds < 2 * DAY:
            return self._two("hours", seconds // HOUR, "minutes", seconds % HOUR // MINUTE)
        return self._two("days", seconds // DAY, "hours", seconds % DAY // HOUR)

    def _two(self, great: str, count: int, small: str, rest: int) -> str:
        return self.say(great, number=count) + (f" {self.say(small, number=rest)}" if rest else "")

    @property
    def lateness(self) -> str:
        """How long after the close it comes: a warning when the signal is late."""
        return self.say("late_by" if self.signal.late else "after_close", age=self.age)

    @property
    def close(self) -> str:
        """The close of the candle by the reader's clock."""
        return clock(self.signal.close_time, self.policy.time_zone)

    @property
    def symbol(self) -> str:
        """The instrument as the destination's broker writes it."""
        return symbol_of(self.signal.instrument, dict(self.policy.symbols), self.policy.symbol_suffix)

    @property
    def origin(self) -> str:
        """Whose signal it is, and the beginning of its id, by which a reader knows a repeat."""
        return f"{self.signal.strategy} · {mark(self.signal.id)}"

    @property
    def facts(self) -> list[Fact]:
        """Everything that a reader acts on."""
        signal = self.signal
        return [
            Fact(self.say("entry"), f"{signal.close:f}", is_price=True),
            Fact(self.say("stop"), f"{signal.stop_loss:f}", self._pips(signal.sl_pips), is_price=True),
            Fact(self.say("target"), f"{signal.take_profit:f}", self._pips(signal.tp_pips), is_price=True),
            Fact(self.say("risk_reward"), f"1 : {signal.shown_ratio:f}"),
            Fact(self.say("atr"), self._atr()),
        ]

    @property
    def result(self) -> str:
        """What became of it, in words that no copier takes for an order; empty while it is open."""
        return "" if self.ended is None else result_text(self.ended)

    def _pips(self, number: Decimal) -> str:
        return self.say("pips", number=f"{number:f}")

    def _atr(self) -> str:
        number = atr_pips(self.signal)
        return f"{self.signal.atr.normalize():f}" if number is None else self._pips(number)


def atr_pips(signal: Signal) -> Decimal | None:
    """Return the average true range in pips, rounded half-even to one decimal; None when no pip can be told.

    A signal does not say what a pip is; the stop's distance, which it has in both units, does.
    """
    distance = abs(signal.close - signal.stop_loss)
    if not distance or not signal.sl_pips:
        return None
    exact = Fraction(signal.atr) * Fraction(signal.sl_pips) / Fraction(distance)
    return Decimal(round(exact * 10)).scaleb(-1)


def told_of(bundle: Bundle, policy: SendPolicy) -> Sequence[Told]:
    """Return the signals of a bundle as a destination with these policy is told of them."""
    return [
        Told(one, policy, bundle.sent_at, bundle.averages.get(one.id), bundle.results.get(one.id))
        for one in bundle.signals
    ]

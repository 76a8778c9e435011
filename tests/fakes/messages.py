"""Signals, entries and bundles to send in tests."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ninja_daemon.adapters.stored.alert import encode_notice
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.core.messages.message import Bundle, Entry, Kind, Notice, Severity
from ninja_daemon.core.outcomes.open_signal import Result
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal

CLOSE_TIME = 1_646_416_800


def a_signal(number: int = 0, **changes: Any) -> Signal:
    """The signal of the contract's example, with an id of its own a number."""
    made = Signal(
        id=hashlib.md5(f"signal {number}".encode(), usedforsecurity=False).hexdigest(),
        strategy="EUR_USD_H4",
        instrument="EUR_USD",
        timeframe="H4",
        time=CLOSE_TIME - 14_400,
        close_time=CLOSE_TIME,
        side=Side.SELL,
        close=Decimal("1.09259"),
        fast_ma=Decimal("1.1187312500"),
        slow_ma=Decimal("1.1190142857"),
        atr=Decimal("0.0041235714"),
        stop_loss=Decimal("1.10084"),
        take_profit=Decimal("1.08022"),
        sl_pips=Decimal("82.5"),
        tp_pips=Decimal("123.7"),
        risk_reward_ratio=Decimal("1.5"),
        late=False,
        created_at=CLOSE_TIME + 2.113,
    )
    return made._replace(**changes)


def an_entry(number: int = 1, accepted: float = CLOSE_TIME + 3.0, **changes: Any) -> Entry:
    """An entry of a lane."""
    signal = a_signal(number, **changes)
    return Entry(Kind.SIGNAL, signal.id, number, accepted, encode_signal(signal), signal)


def a_notice(**changes: Any) -> Notice:
    """An alert."""
    made = Notice("a1", "broker_denied", Severity.CRITICAL, "The broker refuses the token.", float(CLOSE_TIME))
    return replace(made, **changes)


def a_notice_entry(number: int = 1, **changes: Any) -> Entry:
    """An alert in a lane."""
    notice = a_notice(**changes)
    return Entry(Kind.ALERT, notice.id, number, CLOSE_TIME + 3.0, encode_notice(notice), notice=notice)


def a_bundle(*entries: Entry, **changes: Any) -> Bundle:
    """A bundle, of one ordinary signal when nothing else is said."""
    return replace(Bundle("desk", entries or (an_entry(),), sent_at=CLOSE_TIME + 3.0), **changes)


def an_outcome(number: int = 0, **changes: Any) -> Outcome:
    """What became of ``a_signal`` of the same number."""
    signal = a_signal(number)
    made = Outcome(
        id=signal.id,
        strategy=signal.strategy,
        instrument=signal.instrument,
        timeframe=signal.timeframe,
        side=signal.side,
        time=signal.time,
        close_time=signal.close_time,
        entry=signal.close,
        stop_loss=signal.stop_loss,
        take_profit=signal.take_profit,
        result=Result.TARGET,
        exit=signal.take_profit,
        exit_time=signal.close_time + 7 * 14_400,
        candles=7,
        r=Decimal("1.4994"),
        net_r=Decimal("1.4"),
        pips=Decimal("123.7"),
        mfe_r=Decimal("1.4994"),
        mae_r=Decimal("-0.41"),
        ambiguous=False,
    )
    return made._replace(**changes)

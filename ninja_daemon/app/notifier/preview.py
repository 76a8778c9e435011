"""What each destination would post: written by its own channel, shown to the byte, and not sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from ninja_daemon.adapters.channels.kind import Draft
from ninja_daemon.adapters.channels.registry import KINDS, open_channel
from ninja_daemon.adapters.stored.alert import encode_notice
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.core.messages.destination import Destination, Failure
from ninja_daemon.core.messages.message import Bundle, Entry, Kind, Notice, Severity
from ninja_daemon.core.messages.send_policy import LatePolicy
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Strategy

_MADE_UP_CLOSE: Final = 1_646_416_800
_SOON: Final = 3.0
"""Seconds after its finding at which a fresh signal is shown as sent."""
_SAMPLE_ALERT: Final = "Redis is away for a minute (this is a sample, shown by notify --preview)."


def made_up_signals() -> Sequence[Signal]:
    """Return two signals for a namespace that has none yet."""
    first = Signal(
        id="6f1c0e" + "0" * 26,
        strategy="EUR_USD_H4",
        instrument="EUR_USD",
        timeframe="H4",
        time=_MADE_UP_CLOSE - 14_400,
        close_time=_MADE_UP_CLOSE,
        side=Side.SELL,
        close=Decimal("1.09259"),
        fast_ma=Decimal("1.11873125"),
        slow_ma=Decimal("1.1190142857"),
        atr=Decimal("0.0041235714"),
        stop_loss=Decimal("1.10084"),
        take_profit=Decimal("1.08022"),
        sl_pips=Decimal("82.5"),
        tp_pips=Decimal("123.7"),
        risk_reward_ratio=Decimal("1.5"),
        late=False,
        created_at=_MADE_UP_CLOSE + 2.1,
    )
    return first, first._replace(id="7a2d1f" + "0" * 26, instrument="GBP_USD", strategy="GBP_USD_H4")


def preview(
    destination: Destination, strategies: Sequence[Strategy], signals: Sequence[Signal], now: float
) -> Iterator[str]:
    """Yield what a destination would post for a signal, a late one, a group and an alert, each under a title.

    Args:
        strategies: whose settings messages may name.
        signals: the newest of the history, oldest first; at least two for a group.
    """
    channel = open_channel(destination, strategies)
    try:
        yield f"== {destination.name} ({destination.channel}) =="
        for title, bundle in _parcels(destination, signals, now):
            yield f"\n-- {title} --"
            yield bundle if isinstance(bundle, str) else _shown(channel.written(bundle))
    finally:
        channel.close()


def _parcels(destination: Destination, signals: Sequence[Signal], now: float) -> Iterator[tuple[str, Bundle | str]]:
    policy, newest = destination.policy, signals[-1]
    fresh = Bundle(destination.name, (_entry(newest),), policy.group, sent_at=newest.created_at + _SOON)
    yield "a signal", fresh
    late = replace(fresh, entries=(_entry(newest._replace(late=True)),), sent_at=now)
    match policy.late:
        case LatePolicy.DROP:
            yield "a late signal", 'left out: late = "drop"'
        case LatePolicy.DIGEST:
            yield "a late signal", replace(late, digest=True, grouped=False)
        case LatePolicy.SEND:
            yield "a late signal", late
    if policy.group:
        yield "a group", replace(fresh, entries=tuple(_entry(signal) for signal in signals[-2:]))
    else:
        yield "a group", "each signal is a message of its own: group = false"
    if KINDS[destination.channel].takes_notices(destination):
        yield "an alert", Bundle(destination.name, (_alert(now),), sent_at=now)
    else:
        yield "an alert", "none: its body is made of a signal"


def _entry(signal: Signal) -> Entry:
    return Entry(Kind.SIGNAL, signal.id, 1, signal.created_at, encode_signal(signal), signal)


def _alert(now: float) -> Entry:
    notice = Notice("sample", "redis_away", Severity.WARNING, _SAMPLE_ALERT, now)
    return Entry(Kind.ALERT, notice.id, 1, now, encode_notice(notice), notice=notice)


def _shown(written: Draft | Failure) -> str:
    if isinstance(written, Failure):
        return f"not sent: {written.text}"
    headers = "".join(f"{name}: {value}\n" for name, value in written.headers.items())
    return f"{headers}\n{written.body}" if headers else written.body

"""Signals to put on the list."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import Final

from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal

_CLOSE: Final = 1_646_416_800


def signal_texts(count: int) -> list[str]:
    """Return so many signals as they stand in the list, each with an id of its own."""
    signal = Signal(
        id="",
        strategy="EUR_USD_H4",
        instrument="EUR_USD",
        timeframe="H4",
        time=_CLOSE - 14_400,
        close_time=_CLOSE,
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
        created_at=_CLOSE + 2.0,
    )
    return [encode_signal(signal._replace(id=sha256(str(number).encode()).hexdigest()[:32])) for number in range(count)]

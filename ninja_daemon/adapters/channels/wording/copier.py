"""Lines for programs that read a message and trade by it (copiers).

Four lines and nothing else: the order with the broker's name of the instrument, ``Entry NOW``, ``SL`` and ``TP`` with
prices. Parsers that go by lines and parsers that look for words both read them; a fifth line would be a second target.
"""

from __future__ import annotations

from ninja_daemon.adapters.channels.wording.told import Told
from ninja_daemon.adapters.channels.words import mark, pair


def order(told: Told) -> str:
    """Return the signal as an order at the market."""
    signal = told.signal
    return f"{signal.side.name} {told.symbol}\nEntry NOW\nSL {signal.stop_loss:f}\nTP {signal.take_profit:f}"


def not_an_order(told: Told) -> str:
    """Return a signal that must not be traded unseen (late, perhaps a repeat) in words that no copier acts on."""
    signal = told.signal
    return told.say("not_an_order", pair=pair(signal), timeframe=signal.timeframe, age=told.age, mark=mark(signal.id))

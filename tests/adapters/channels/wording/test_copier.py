"""What programs read: parsers written from the grammars of public copiers read our lines, and only orders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from ninja_daemon.adapters.channels.wording.plain import plain_text
from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.messages.style import Style
from ninja_daemon.core.signals.crossover import Side
from tests.fakes.messages import CLOSE_TIME, a_bundle, an_entry

COPIER = SendPolicy(style=Style.COPIER)
BUY: dict[str, Any] = {"side": Side.BUY, "stop_loss": Decimal("1.08434"), "take_profit": Decimal("1.10496")}


@dataclass(frozen=True)
class Order:
    """What a copier makes of a message."""

    side: str
    symbol: str
    entry: str
    stop: Decimal
    target: Decimal


def by_lines(text: str) -> Order | None:
    """The first grammar: an order and a symbol, ``Entry`` with NOW or a price, ``SL``, ``TP``; the last word counts.

    A fifth line would be a second target, and what is no number there makes the whole message unreadable.
    """
    lines = text.splitlines()
    if len(lines) < 4 or lines[0].split(" ")[0] not in {"BUY", "SELL"}:
        return None
    words = [line.split(" ")[-1] for line in lines]
    targets = [Decimal(word) for word in words[3:]]
    return Order(lines[0].split(" ")[0], words[0], words[1], Decimal(words[2]), targets[0])


def by_words(text: str) -> Order | None:
    """The second grammar: words anywhere, whatever their case, each followed by its price."""
    side = re.search(r"\b(buy|sell)\b\s+([A-Z0-9.#+/_-]+)", text, re.IGNORECASE)
    entry = re.search(r"\b(?:Enter|Entry)\b\W*(\S+)", text, re.IGNORECASE)
    stop = re.search(r"\b(?:SL|stop ?loss)\b\W*([\d.]+)", text, re.IGNORECASE)
    target = re.search(r"\b(?:TP|take ?profit)\b\W*([\d.]+)", text, re.IGNORECASE)
    if not (side and entry and stop and target):
        return None
    return Order(side[1].upper(), side[2], entry[1], Decimal(stop[1]), Decimal(target[1]))


def test_the_lines_are_these_and_no_more() -> None:
    assert plain_text(a_bundle(), COPIER) == "SELL EURUSD\nEntry NOW\nSL 1.10084\nTP 1.08022"
    assert plain_text(a_bundle(an_entry(**BUY)), COPIER) == "BUY EURUSD\nEntry NOW\nSL 1.08434\nTP 1.10496"


@pytest.mark.parametrize("parser", [by_lines, by_words])
@pytest.mark.parametrize("language", ["en", "de"])
def test_documented_parsers_read_side_symbol_stop_and_target(parser: type, language: str) -> None:
    empty: dict[str, Any] = {}
    for changes, stop, target in ((empty, "1.10084", "1.08022"), (BUY, "1.08434", "1.10496")):
        text = plain_text(a_bundle(an_entry(**changes)), SendPolicy(style=Style.COPIER, language=language))
        side = "BUY" if changes else "SELL"
        assert parser(text) == Order(side, "EURUSD", "NOW", Decimal(stop), Decimal(target))


@pytest.mark.parametrize("parser", [by_lines, by_words])
@pytest.mark.parametrize(
    "bundle",
    [
        a_bundle(an_entry(late=True)),
        a_bundle(an_entry(), repeat=True),
        a_bundle(an_entry(1, late=True), an_entry(2, late=True), digest=True),
    ],
    ids=["late", "perhaps a repeat", "a digest"],
)
@pytest.mark.parametrize("language", ["en", "de"])
def test_no_parser_takes_a_late_one_or_a_repeat_for_an_order(parser: type, bundle: Bundle, language: str) -> None:
    text = plain_text(bundle, SendPolicy(style=Style.COPIER, language=language))
    assert parser(text) is None
    assert not re.search(r"\b(buy|sell|sl|tp|entry|enter|stop|close|limit|now)\b", text, re.IGNORECASE)


def test_what_is_no_order_says_which_signal_it_is_about() -> None:
    bundle = a_bundle(an_entry(1, late=True, close_time=CLOSE_TIME - 3_600))
    assert plain_text(bundle, COPIER) == "No order: EUR/USD H4, 1 h after its candle, number 99758a43."


def test_symbols_are_the_brokers_own() -> None:
    policy = SendPolicy(style=Style.COPIER, symbols=(("EUR_USD", "EURUSD.r"),), symbol_suffix="m")
    assert plain_text(a_bundle(), policy).startswith("SELL EURUSD.r\n")
    assert plain_text(a_bundle(an_entry(instrument="XAU_USD")), policy).startswith("SELL XAUUSDm\n")

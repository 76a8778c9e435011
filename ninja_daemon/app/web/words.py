"""Times, sides and links as the pages write them."""

from __future__ import annotations

from urllib.parse import quote

from ninja_daemon.app.web.html import Html, element
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.spans import DAY, HOUR, MINUTE


def moment(at: int | None) -> Html | str:
    """Write an instant in UTC; the script adds the reader's own time."""
    if at is None:
        return "–"
    text = format_instant(at)
    return element("time", f"{text[:10]} {text[11:16]}", datetime=text)


def span(seconds: float) -> str:
    """Write a length of time in its two largest units."""
    whole = max(0, int(seconds))
    if whole >= DAY:
        return f"{whole // DAY} d {whole % DAY // HOUR} h"
    if whole >= HOUR:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // MINUTE} min" if whole >= MINUTE else f"{whole} s"


def side_of(side: Side | None) -> Html | str:
    """Write a side with its arrow and colour; the word says the same to those who see neither."""
    if side is None:
        return "–"
    is_buy = side is Side.BUY
    return element("span", "▲ BUY" if is_buy else "▼ SELL", class_="buy" if is_buy else "sell")


def state_of(text: str, *, is_well: bool) -> Html:
    """Write a state, marked when it should worry anyone."""
    return element("span", text if is_well else f"! {text}", class_="well" if is_well else "bad")


def link(path: str, text: str) -> Html:
    """Return a link to a page of ours; ``path`` ends with the last part that may need quoting."""
    return element("a", text, href=path)


def strategy_link(name: str) -> Html:
    """Return a link to a strategy's page."""
    return link(f"/strategies/{quote(name, safe='')}", name)

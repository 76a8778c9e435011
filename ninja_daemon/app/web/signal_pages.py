"""The signals, and one of them: as lists, as a page, and as a feed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, TypeAlias

from ninja_daemon.app.web.html import Child, Html, element, facts, table
from ninja_daemon.app.web.words import link, moment, side_of
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.signal import Signal

_TITLES: Final = (
    "candle closed",
    "strategy",
    "side",
    "close",
    "stop",
    "target",
    "pips",
    "reward/risk",
    "outcome",
    "signal",
)
Outcomes: TypeAlias = Mapping[str, Outcome]
"""How signals ended, by their id."""
SHOWN: Final = 100
"""Signals on one page, and in the feed."""


@dataclass(frozen=True, slots=True)
class WantedSignals:
    """What the address bar asks for.

    Attributes:
        strategy: only this one; empty for all.
        side: BUY or SELL; empty for both.
        since: candles closed since then; None for all.
        typed: what was typed for ``since``.
        problem: what of it cannot be understood; empty when all could.
    """

    strategy: str = ""
    side: str = ""
    since: Instant | None = None
    typed: str = ""
    problem: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> WantedSignals:
        """Read the query of an address."""
        typed, since, problem = query.get("since", "").strip()[:20], None, ""
        if typed:
            try:
                day = date.fromisoformat(typed)
                since = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
            except ValueError:
                problem = f"since must be a date like 2026-01-31, was {typed!r}; all dates are shown"
        side = query.get("side", "")
        if side not in {"", "BUY", "SELL"}:
            problem, side = f"side must be BUY or SELL, was {side[:20]!r}; both are shown", ""
        return cls(query.get("strategy", "")[:64], side, since, typed, problem)

    def fits(self, signal: Signal) -> bool:
        """Tell whether a signal is asked for."""
        return (
            (not self.strategy or signal.strategy == self.strategy)
            and (not self.side or signal.side.name == self.side)
            and (self.since is None or signal.close_time >= self.since)
        )


def signals_content(signals: Sequence[Signal], outcomes: Outcomes, wanted: WantedSignals) -> Child:
    """Return what the page of signals says: the filters, and the newest that fit, newest first."""
    fitting = [signal for signal in signals if wanted.fits(signal)]
    return [
        element("p", wanted.problem, class_="notice bad") if wanted.problem else None,
        _form(sorted({signal.strategy for signal in signals}), wanted),
        signal_table(fitting, outcomes, f"{min(len(fitting), SHOWN)} of {len(fitting)} signals, newest first"),
    ]


def _form(names: Sequence[str], wanted: WantedSignals) -> Html:
    def choice(name: str, title: str, values: Sequence[str], chosen: str) -> Html:
        options = [element("option", value, value=value, selected=value == chosen) for value in values]
        every = element("option", "all", value="")
        return element("div", element("label", title, for_=name), element("select", every, options, id=name, name=name))

    since = element("input", id="since", name="since", type="date", value=wanted.typed or None)
    return element(
        "form",
        choice("strategy", "strategy", names, wanted.strategy),
        choice("side", "side", ("BUY", "SELL"), wanted.side),
        element("div", element("label", "closed since", for_="since"), since),
        element("button", "show", type="submit"),
        method="get",
        action="/signals",
    )


def signal_table(signals: Sequence[Signal], outcomes: Outcomes, caption: str) -> Html:
    """Return signals as a table, newest first, with what became of them."""
    return table(caption, _TITLES, [_row(signal, outcomes.get(signal.id)) for signal in reversed(signals[-SHOWN:])])


def _row(signal: Signal, outcome: Outcome | None) -> list[Child]:
    return [
        [moment(signal.close_time), " late" if signal.late else None],
        signal.strategy,
        side_of(signal.side),
        f"{signal.close:f}",
        f"{signal.stop_loss:f}",
        f"{signal.take_profit:f}",
        f"−{signal.sl_pips:f} / +{signal.tp_pips:f}",
        f"{signal.shown_ratio:.2f}",
        "–" if outcome is None else _ending(outcome),
        link(f"/signals/{signal.id}", signal.id[:8]),
    ]


def _ending(outcome: Outcome) -> Html:
    words = f"{outcome.result.value} {outcome.r:+.2f} R"
    return element("span", words, class_="buy" if outcome.r > 0 else "sell" if outcome.r < 0 else None)


def _outcome_facts(outcome: Outcome | None) -> list[tuple[str, Child]]:
    if outcome is None:
        return []
    return [
        ("outcome", _ending(outcome)),
        ("exit", [f"{outcome.exit:f} at ", moment(outcome.exit_time)]),
        ("pips", f"{outcome.pips:+f}"),
        ("after costs", f"{outcome.net_r:+f} R"),
        ("best and worst", f"{outcome.mfe_r:+f} R, {outcome.mae_r:+f} R"),
        ("candles held", outcome.candles),
        ("ambiguous", "stop and target lay within one candle: the stop is assumed" if outcome.ambiguous else None),
    ]


def signal_content(signal: Signal, outcome: Outcome | None, more: Child = None) -> Child:
    """Return what the page of one signal says."""
    return [
        facts(
            [
                ("side", side_of(signal.side)),
                ("instrument", f"{signal.instrument} {signal.timeframe}"),
                ("strategy", signal.strategy),
                ("candle opened", moment(signal.time)),
                ("candle closed", moment(signal.close_time)),
                ("found", [moment(int(signal.created_at)), " late" if signal.late else None]),
                ("entry", f"{signal.close:f}"),
                ("stop", f"{signal.stop_loss:f} (−{signal.sl_pips:f} pips)"),
                ("target", f"{signal.take_profit:f} (+{signal.tp_pips:f} pips)"),
                ("reward/risk", f"{signal.shown_ratio:f}"),
                ("fast average", f"{signal.fast_ma:f}"),
                ("slow average", f"{signal.slow_ma:f}"),
                ("average true range", f"{signal.atr:f}"),
                *_outcome_facts(outcome),
                ("id", element("code", signal.id)),
            ]
        ),
        more,
    ]


def feed(signals: Sequence[Signal], origin: str) -> bytes:
    """Return the newest signals as a JSON Feed (version 1.1), newest first; addresses begin with ``origin``."""
    items = [
        {
            "id": signal.id,
            "url": f"{origin}/signals/{signal.id}",
            "title": f"{signal.side.name} {signal.instrument} {signal.timeframe}",
            "content_text": (
                f"{signal.side.name} {signal.instrument} {signal.timeframe} at {signal.close:f}, "
                f"stop {signal.stop_loss:f}, target {signal.take_profit:f}"
            ),
            "date_published": format_instant(signal.close_time),
            "tags": [signal.strategy, signal.side.name],
        }
        for signal in reversed(signals[-SHOWN:])
    ]
    whole = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "ninja-daemon signals",
        "home_page_url": f"{origin}/",
        "feed_url": f"{origin}/feed.json",
        "items": items,
    }
    return (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode()

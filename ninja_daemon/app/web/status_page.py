"""The status as a page: what is wrong first, then every strategy, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ninja_daemon.app.status.picture import Status
from ninja_daemon.app.status.shared.servers import servers_sentence
from ninja_daemon.app.status.shared.shards import shards_sentence
from ninja_daemon.app.status.strategy_figures import OpenFigures, StrategyFigures
from ninja_daemon.app.web.html import Child, Html, element, facts, table
from ninja_daemon.app.web.layout import notice
from ninja_daemon.app.web.words import link, moment, side_of, span, state_of, strategy_link
from ninja_daemon.core.words import counted

_TITLES = (
    *("strategy", "state", "side", "candle closed", "next", "close", "gap in pips", "crosses at", "open"),
    "last signal",
)


def status_content(status: Status) -> Child:
    """Return what the status page says."""
    return [list(_troubles(status)), _summary(status), _strategies(status)]


def worst_first(status: Status) -> list[StrategyFigures]:
    """Return the strategies: stale ones first, those that are further behind before others, then by name."""
    return sorted(status.strategies, key=lambda each: (not each.is_stale, -each.behind, each.strategy.name))


def _troubles(status: Status) -> Iterator[Html]:
    """Say what keeps the figures from being what they should be, each cause in words of its own."""
    if status.away:
        yield notice(["Redis is away: ", status.away, ". The figures below are what this machine's journal knows."])
    if status.daemon is None:
        yield notice(
            [
                f"No daemon: {status.silence_of('daemon')}. ",
                element("code", "ninja-daemon run"),
                " starts it.",
            ]
        )
    if status.notifier is None:
        yield notice(
            [
                f"No notifier: {status.silence_of('notifier')}, so nothing is delivered. ",
                element("code", "ninja-daemon notify"),
                " starts it.",
            ]
        )
    if status.queued is None:
        yield notice("The signals key in Redis is not a list: nothing is committed before it is moved away.")
    for note in status.notes:
        yield notice(note, is_bad=False)
    for each in status.strategies:
        for note in each.notes:
            yield notice(f"{each.strategy.name}: {note}", is_bad=False)


def _summary(status: Status) -> Html:
    dead = 0 if status.delivery is None else status.delivery.dead
    letters = link("/deliveries", counted(dead, "dead letter")) if dead else "0"
    daemon, servers = status.daemon or {}, status.servers
    shards = status.shards
    return facts(
        [
            ("daemon", state_of("silent", is_well=False) if status.daemon is None else _field(daemon, "state")),
            ("since", _field(daemon, "started")),
            ("last wake", _field(daemon, "last_wake")),
            ("candles taken in", _field(daemon, "evaluated")),
            ("notifier", state_of("silent", is_well=False) if status.notifier is None else "alive"),
            ("waiting for the notifier", status.queued),
            ("dead letters", letters),
            ("open signals", open_words([one for each in status.strategies for one in each.open])),
            ("Redis", "none" if status.redis is None else status.redis),
            *([("servers", "; ".join(text for text, _ in servers_sentence(servers)))] if servers is not None else []),
            *([("shards", "; ".join(text for text, _ in shards_sentence(shards)))] if shards is not None else []),
        ]
    )


def _field(beat: Mapping[str, Any], name: str) -> str | None:
    value = beat.get(name)
    return None if value is None else str(value)[:40].replace("T", " ")


def _strategies(status: Status) -> Html:
    stale = sum(each.is_stale for each in status.strategies)
    caption = f"{counted(len(status.strategies), 'strategy')}, {stale} with trouble, the worst first"
    return table(caption, _TITLES, [_row(each, status.at) for each in worst_first(status)])


def _row(figures: StrategyFigures, now: float) -> list[Child]:
    averages = figures.averages
    cross: Child = "–"
    if averages is not None and averages.cross_price is not None:
        cross = (
            "far away"
            if averages.cross_is_far
            else f"{averages.cross_price:f} {'▲' if averages.cross_above else '▼'} {averages.cross_pips:+}"
        )
    return [
        strategy_link(figures.strategy.name),
        state_of(figures.condition, is_well=not figures.is_stale),
        side_of(figures.side),
        moment(figures.last_close),
        span(figures.next_close - now) if figures.strategy.enabled else "–",
        "–" if averages is None else f"{averages.close:f}",
        "–" if averages is None or averages.gap_pips is None else f"{averages.gap_pips:+}",
        cross,
        open_words(figures.open),
        moment(figures.last_signal_close),
    ]


def open_words(signals: Sequence[OpenFigures]) -> Child:
    """Say what the signals that have not ended stand at, all together."""
    if not signals:
        return "–"
    total = sum((one.r for one in signals if one.r is not None), Decimal(0))
    words = f"{total:+.2f} R" if len(signals) == 1 else f"{total:+.2f} R of {len(signals)}"
    return element("span", words, class_="buy" if total > 0 else "sell" if total < 0 else None)

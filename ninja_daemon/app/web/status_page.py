"""The status as a page: what is wrong first, then every strategy, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ninja_daemon.app.status.picture import Status
from ninja_daemon.app.status.shared.servers import servers_sentence
from ninja_daemon.app.status.shared.shards import shards_sentence
from ninja_daemon.app.status.strategy_figures import StrategyFigures, rejection_words
from ninja_daemon.app.web.html import Child, Html, element, facts, table
from ninja_daemon.app.web.layout import notice
from ninja_daemon.app.web.words import link, moment, side_of, span, state_of, strategy_link
from ninja_daemon.core.filters.kinds import written
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.ports import Counts

_TITLES = ("strategy", "state", "side", "candle closed", "next", "close", "gap in pips", "crosses at", "last signal")


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
        moment(figures.last_signal_close),
    ]


def strategy_content(figures: StrategyFigures, status: Status, signals: Child) -> Child:
    """Return what a strategy's page says.

    Args:
        figures: of the strategy.
        status: of everything.
        signals: its newest signals, as a table.
    """
    return [
        [notice(note, is_bad=False) for note in figures.notes],
        element("h2", "Now"),
        _figures(figures, status),
        element("h2", "Newest signals"),
        signals,
        element("h2", "Settings in the file"),
        _settings(figures),
    ]


def _figures(figures: StrategyFigures, status: Status) -> Html:
    averages = figures.averages
    values: list[tuple[str, Child]] = []
    if averages is not None:
        values = [
            ("close", f"{averages.close:f}"),
            ("fast average", None if averages.fast is None else f"{averages.fast:f}"),
            ("slow average", None if averages.slow is None else f"{averages.slow:f}"),
            ("average true range", None if averages.atr is None else f"{averages.atr:f}"),
            ("gap in pips", None if averages.gap_pips is None else f"{averages.gap_pips:+}"),
            ("turns beyond", None if averages.cross_price is None else f"{averages.cross_price:f}"),
            ("candles held", f"{averages.warm} of {figures.strategy.warm_up}"),
        ]
    return facts(
        [
            ("state", state_of(figures.condition, is_well=not figures.is_stale)),
            ("side", side_of(figures.side)),
            ("candle closed", moment(figures.last_close)),
            ("next close", moment(figures.next_close if figures.strategy.enabled else None)),
            *values,
            *(_counts(figures.tally) if status.is_counted else ()),
        ]
    )


def _counts(tally: Counts) -> list[tuple[str, Child]]:
    return [
        ("candles evaluated", tally.evaluated),
        ("crosses", tally.crosses),
        ("signals", tally.signals),
        ("rejected", rejection_words(tally.rejected) or "none"),
        ("revised by the broker", tally.revisions),
        ("gaps", tally.gaps),
    ]


def _settings(figures: StrategyFigures) -> Html:
    strategy = figures.strategy
    fast, slow = strategy.fast_kind.value, "" if strategy.fast_type is None else f"{strategy.ma_type.value} "
    return facts(
        [
            ("instrument", strategy.instrument),
            ("timeframe", strategy.granularity.name),
            (
                "averages",
                f"{fast} {strategy.fast_ma} and {slow}{strategy.slow_ma}",
            ),
            ("of", strategy.source.value),
            ("price", strategy.price.value),
            ("ATR period", strategy.atr_period),
            ("ATR", strategy.atr_type.value),
            ("stop, in ATR", f"{strategy.sl_atr_multiplier:f}"),
            ("target, in ATR", f"{strategy.tp_atr_multiplier:f}"),
            ("smallest ATR", f"{strategy.min_atr_value:f}"),
            ("smallest reward/risk", f"{strategy.min_rr_ratio:f}"),
            ("market hours", strategy.market_hours.value),
            *((name, str(value)) for name, value in written(strategy.filters).items()),
        ]
    )

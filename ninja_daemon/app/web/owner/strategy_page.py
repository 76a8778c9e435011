"""One strategy as a page: its picture, where it stands, what was evaluated, its signals and its settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ninja_daemon.app.status.picture import Status
from ninja_daemon.app.status.strategy_figures import StrategyFigures, rejection_words
from ninja_daemon.app.web.html import Child, Html, element, facts, table
from ninja_daemon.app.web.layout import notice
from ninja_daemon.app.web.status_page import open_words
from ninja_daemon.app.web.words import link, moment, side_of, state_of
from ninja_daemon.app.why.noted import absence_lines
from ninja_daemon.core.filters.kinds import written
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.ports import Counts
from ninja_daemon.usecases.proof.evaluations import Became, CloseVerdict

_TITLES = ("candle closed", "what became of it", "taken in", "side", "cross")
_ABSENCES = 5
_ROWS = 12


@dataclass(frozen=True, slots=True)
class StrategyPage:
    """What the page of a strategy shows.

    Attributes:
        figures: where it stands.
        status: of everything.
        picture: its candles and crosses.
        closes: verdicts of its newest closes, oldest first.
        signals: its newest signals, as a table.
    """

    figures: StrategyFigures
    status: Status
    picture: Child
    closes: Sequence[CloseVerdict]
    signals: Child


def strategy_content(shown: StrategyPage) -> Child:
    """Return what a strategy's page says."""
    in_force = "file" if shown.status.daemon is None else "force"
    return [
        [notice(note, is_bad=False) for note in shown.figures.notes],
        shown.picture,
        element("h2", "Now"),
        _figures(shown.figures, shown.status),
        element("h2", "Newest evaluations"),
        _evaluations(shown.closes),
        element("h2", "Newest signals"),
        shown.signals,
        element("h2", f"Settings in {'the ' if in_force == 'file' else ''}{in_force}"),
        _settings(shown.figures),
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
            ("open signals", open_words(figures.open) if figures.open else None),
            *(_counts(figures.counts) if status.is_counted else ()),
        ]
    )


def _counts(counts: Counts) -> list[tuple[str, Child]]:
    return [
        ("candles evaluated", counts.evaluated),
        ("crosses", counts.crosses),
        ("signals", counts.signals),
        ("rejected", rejection_words(counts.rejected) or "none"),
        ("revised by the broker", counts.revisions),
        ("missing candles", counts.gaps),
    ]


def _evaluations(closes: Sequence[CloseVerdict]) -> Child:
    count = {kind: sum(one.became is kind for one in closes) for kind in Became}
    words = ", ".join(f"{number} {kind.value}" for kind, number in count.items() if number)
    absent = absence_lines([one for one in closes if one.became is Became.NOT_EVALUATED])
    caption = f"{counted(len(closes), 'close')}: {words or 'none'}; the newest {_ROWS}, and older ones with a cross"
    shown = [*filter(_tells, closes[:-_ROWS]), *closes[-_ROWS:]]
    return [[notice(line) for line in absent[-_ABSENCES:]], table(caption, _TITLES, map(_row, reversed(shown)))]


def _tells(one: CloseVerdict) -> bool:
    """Tell whether a close is worth a line when it is not among the newest: a cross, or one that was missed."""
    is_cross = one.evaluation is not None and one.evaluation.cross is not None
    return is_cross or one.became is Became.NOT_EVALUATED


def _row(one: CloseVerdict) -> list[Child]:
    noted = one.evaluation
    cross: Child = "–"
    if noted is not None and noted.cross is not None:
        cross = f"rejected by {noted.rejected_by}" if noted.rejected_by else noted.cross.name
        if noted.signal_id:
            cross = link(f"/signals/{noted.signal_id}", noted.signal_id[:8])
    return [
        moment(one.close),
        state_of(one.became.value, is_well=one.became is not Became.NOT_EVALUATED),
        "–" if noted is None else moment(int(noted.at)),
        side_of(None if noted is None else noted.side),
        cross,
    ]


def _settings(figures: StrategyFigures) -> Html:
    strategy = figures.strategy
    fast, slow = strategy.fast_kind.value, "" if strategy.fast_type is None else f"{strategy.ma_type.value} "
    cost = "the spread" if strategy.cost_is_spread else f"{strategy.cost_pips:f} pips"
    return facts(
        [
            ("instrument", strategy.instrument),
            ("timeframe", strategy.granularity.name),
            ("averages", f"{fast} {strategy.fast_ma} and {slow}{strategy.slow_ma}"),
            ("of", strategy.source.value),
            ("price", strategy.price.value),
            ("ATR period", strategy.atr_period),
            ("ATR", strategy.atr_type.value),
            ("stop, in ATR", f"{strategy.sl_atr_multiplier:f}"),
            ("target, in ATR", f"{strategy.tp_atr_multiplier:f}"),
            ("smallest ATR", f"{strategy.min_atr_value:f}"),
            ("smallest reward/risk", f"{strategy.min_rr_ratio:f}"),
            ("market hours", strategy.market_hours.value),
            ("ends on the reverse", "yes" if strategy.exit_on_reverse else "no"),
            ("ends after", counted(strategy.max_candles, "candle")),
            ("cost", cost),
            *((name, str(value)) for name, value in written(strategy.filters).items()),
        ]
    )

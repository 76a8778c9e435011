"""Pictures inside pages, drawn of the candles that the daemon of this machine keeps. Nobody else is asked for any."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC
from typing import Final

from ninja_daemon.adapters.journal.history.candles import KeptCandles
from ninja_daemon.app.pictures.signal_view import Averaged, averaged
from ninja_daemon.app.queues.opening import candles_file
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.web.html import Child, Html, element
from ninja_daemon.app.web.owner.signal_page import Decided
from ninja_daemon.core.errors import JournalUnavailable, PictureRefused, PlugInFailed
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.pictures.signal_picture import signal_picture
from ninja_daemon.core.pictures.signal_view import CANDLES, SignalView
from ninja_daemon.core.pictures.strategy_picture import Marked, StrategyView, strategy_picture
from ninja_daemon.core.pictures.theme import PAGE
from ninja_daemon.core.signals.decisions import Decision
from ninja_daemon.core.signals.rules import rules_of
from ninja_daemon.core.signals.signal import Signal, signal_id
from ninja_daemon.core.signals.state import StrategyState
from ninja_daemon.core.signals.strategy import Strategy

_LEGEND: Final = "A filled triangle is a signal; an empty one is a cross that came to none."


class KeptDrawing:
    """What one strategy's kept candles show, up to the newest of them or to one signal's."""

    def __init__(self, environment: Environment, strategy: Strategy, until: Instant | None = None) -> None:
        """Read and average the candles; where there are none, or not enough, nothing can be shown."""
        self._strategy = strategy
        self._kept: KeptCandles | None = None
        self._drawn: Averaged | None = None
        self._kept = _read(environment, strategy, until)
        if self._kept is not None:
            try:
                self._drawn = averaged(strategy, self._kept.instrument, self._kept.candles)
            except PlugInFailed:
                self._kept = None

    def of_strategy(self, listed: set[Instant]) -> Child:
        """Draw the newest candles; ``listed`` are the opens of candles with a signal."""
        kept, drawn, strategy = self._kept, self._drawn, self._strategy
        if kept is None or drawn is None:
            return _nothing("No candles of it are kept on this machine yet: the daemon keeps those that it takes in.")
        places = {candle.time: place for place, candle in enumerate(drawn.candles)}
        crosses = [
            Marked(places[one.candle.time], one.side, one.candle.time in listed)
            for one in drawn.crosses
            if one.candle.time in places
        ]
        title = f"{strategy.instrument.replace('_', '/')} {strategy.granularity.name}"
        closed = strategy.granularity.close_of(drawn.candles[-1].time)
        view = StrategyView(
            title,
            strategy.name,
            kept.instrument.decimals,
            drawn.candles,
            closed,
            drawn.fast,
            drawn.slow,
            crosses,
            drawn.shaded,
        )
        try:
            return _figure(strategy_picture(view, PAGE, UTC), _LEGEND)
        except PictureRefused as refused:
            return _nothing(str(refused))

    def of_signal(self, signal: Signal, outcome: Outcome | None) -> Child:
        """Draw a signal, or name the command that does."""
        command = element("code", f"ninja-daemon signals --picture {signal.id[:8]} signal.png")
        if self._kept is None or self._drawn is None:
            return element("p", "The candles that this machine keeps do not reach back to it. ", command, " draws it.")
        drawn = self._drawn
        view = SignalView(
            signal, self._kept.instrument.decimals, drawn.candles, drawn.fast, drawn.slow, outcome, drawn.shaded
        )
        try:
            return _figure(signal_picture(view, PAGE, UTC), [command, " writes it to a file."])
        except PictureRefused:
            return element("p", "The candles that this machine keeps are not the signal's. ", command, " draws it.")

    def decided(self, signal: Signal) -> Decided | None:
        """Derive the decision of the last candle again; None where it does not come to this signal."""
        if self._kept is None or self._drawn is None or len(self._kept.candles) < self._strategy.warm_up:
            return None
        rules = rules_of(self._strategy, self._kept.instrument)
        before, after = self._drawn.states
        cross = next((one for one in self._drawn.crosses if one.candle.time == signal.time), None)
        if cross is None or before.last is None or after.last is None or after.last.time != signal.time:
            return None
        return Decided(rules, _decision(before, None), _decision(after, before)._replace(cross=cross))


def _read(environment: Environment, strategy: Strategy, until: Instant | None) -> KeptCandles | None:
    with closing(candles_file(environment)) as file:
        try:
            if not file.path.exists():
                return None
            count = strategy.warm_up + CANDLES
            kept = file.newest(str(strategy.series), strategy.instrument, count, until)
        except (JournalUnavailable, OSError):
            return None
    return None if kept is None or (until is not None and kept.candles[-1].time != until) else kept


def _decision(state: StrategyState, before: StrategyState | None) -> Decision:
    assert state.last is not None  # noqa: S101 - asked by the caller
    return Decision(
        state.last,
        state.fast.ratio,
        state.slow.ratio,
        len(state.ranges),
        state.range_total,
        None if before is None else before.side,
        state.side,
        None,
    )


def made_by(strategy: Strategy, signal: Signal) -> bool:
    """Tell whether a strategy with these settings made a signal."""
    return strategy.name == signal.strategy and signal_id(strategy, signal.time, signal.side) == signal.id


def _figure(svg: str, caption: Child) -> Html:
    # Our own text, in which names are escaped already.
    return element("figure", Html(svg), element("figcaption", caption), class_="picture")


def _nothing(words: str) -> Html:
    return element("p", words)

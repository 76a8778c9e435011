"""The owner's site: everything, for those who may reach it."""

from __future__ import annotations

from urllib.parse import unquote

from ninja_daemon.adapters.network.redaction import escaped
from ninja_daemon.app.status.picture import Status
from ninja_daemon.app.status.strategy_figures import StrategyFigures
from ninja_daemon.app.web.deliveries_page import deliveries_content
from ninja_daemon.app.web.html import Child
from ninja_daemon.app.web.layout import notice
from ninja_daemon.app.web.look import Histories, Insides
from ninja_daemon.app.web.owner.drawing import KeptDrawing, made_by
from ninja_daemon.app.web.owner.signal_page import SignalPage, signal_details
from ninja_daemon.app.web.owner.strategy_page import StrategyPage, strategy_content
from ninja_daemon.app.web.record.page import record_content
from ninja_daemon.app.web.signal_pages import signal_table
from ninja_daemon.app.web.site import Pages, Query, Response
from ninja_daemon.app.web.status_page import status_content
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.usecases.ports import Clock


class OwnersSite(Pages):
    """Everything, for those who may reach it."""

    def __init__(self, histories: Histories, insides: Insides, clock: Clock) -> None:
        """Read nothing yet."""
        navigation = (("/", "Status"), ("/signals", "Signals"), ("/deliveries", "Deliveries"), ("/record", "Record"))
        super().__init__(histories, clock, navigation)
        self._insides = insides
        self._front: tuple[Status, Response] | None = None

    def close(self) -> None:
        """Let connections go."""
        super().close()
        self._insides.close()

    def shown(self, path: str, query: Query) -> Response | None:
        """Return the page of an address."""
        if path == "/":
            return self._status_page()
        if path == "/deliveries":
            depths = self._insides.status().delivery
            letters = [] if depths is None else self._insides.letters()
            return self.page("Deliveries", deliveries_content(depths, letters), here="/deliveries")
        if path == "/record":
            return self.page("Record", record_content(self._insides.status().record), here="/record")
        if path.startswith("/strategies/"):
            return self._strategy_page(unquote(path.removeprefix("/strategies/")))
        return super().shown(path, query)

    def _status_page(self) -> Response:
        status = self._insides.status()
        front = self._front
        if front is None or front[0] is not status:
            front = (status, self.page("Status", status_content(status), here="/"))
            self._front = front
        return front[1]

    def _strategy_page(self, name: str) -> Response | None:
        status = self._insides.status()
        figures = next((each for each in status.strategies if each.strategy.name == name), None)
        return None if figures is None else self.page(name, self._strategy(figures, status))

    def _strategy(self, figures: StrategyFigures, status: Status) -> Child:
        strategy, listed = figures.strategy, set[int]()
        try:
            own = [signal for signal in self.signals() if signal.strategy == strategy.name]
            signals: Child = signal_table(own, self.outcomes(), f"{len(own)} signals are known, newest first")
            listed = {signal.time for signal in own}
        except StoreUnavailable as error:
            signals = notice(["The signals cannot be read: ", escaped(str(error))])
        picture = KeptDrawing(self._insides.environment, strategy).of_strategy(listed)
        closes = self._insides.closes(strategy, figures.last_candle)
        return strategy_content(StrategyPage(figures, status, picture, closes, signals))

    def more(self, signal: Signal) -> Child:
        """Return picture, reasons and deliveries of a signal."""
        insides = self._insides
        strategy = next((one for one in insides.settings().strategies if made_by(one, signal)), None)
        drawing = None if strategy is None else KeptDrawing(insides.environment, strategy, signal.time)
        outcome = self.outcomes().get(signal.id)
        picture: Child = "Its strategy is not in the configuration, or has other settings now."
        page = SignalPage(
            picture=picture if drawing is None else drawing.of_signal(signal, outcome),
            decided=None if drawing is None else drawing.decided(signal),
            evaluation=insides.evaluation(signal),
            sent=insides.sent(signal.id),
            failed=[letter for letter in insides.letters() if letter.id == signal.id],
        )
        return signal_details(signal, page)

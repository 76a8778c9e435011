"""The simulated broker without its network: a request in, an answer out (facts: 0–2, 4 and 7)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.simulator.answers.query import (
    CandleQuery,
    RequestRefused,
    check_alignment,
    read_candle_query,
    read_granularity,
    read_prices,
    refuse_value,
)
from ninja_daemon.simulator.answers.request import Answer, Request
from ninja_daemon.simulator.answers.window import candles_for, last_two
from ninja_daemon.simulator.answers.wire import TimeStyle, candles_json, instruments_json, pricing_json
from ninja_daemon.simulator.faults import AnswerFlaw, BrokerFault, CloseText, HistoryChange, Shown, Spoiled
from ninja_daemon.simulator.markets.completion import ByTime, Completion
from ninja_daemon.simulator.markets.quotes import Listing, Market, Row
from ninja_daemon.simulator.markets.view import View

DEFAULT_ACCOUNT: Final = "101-001-0000001-001"
_CANDLES: Final = re.compile(r"/v3/instruments/(?P<instrument>[^/]+)/candles")
_ACCOUNT: Final = re.compile(r"/v3/accounts/(?P<account>[^/]+)/(?P<rest>.+)")
_ACCOUNT_CANDLES: Final = re.compile(r"instruments/(?P<instrument>[^/]+)/candles")
_SPECIFICATION_PARTS: Final = (2, 3)
_MISSING_DATA: Final = "The request was missing required data"
_UNAUTHORIZED: Final = "Insufficient authorization to perform request."
_FORBIDDEN: Final = "The provided request was forbidden."
_NOT_FOUND: Final = "The requested resource was not found."
_NOT_ALLOWED: Final = "The request method is not allowed."


@dataclass(frozen=True, slots=True)
class SimulatedBroker:
    """Rules, limits and words of the v20 REST server over any market.

    Attributes:
        market: where prices come from.
        token: the bearer token that is good; None takes any, but not none.
        account: the account that belongs to it.
        completion: when candles are complete.
        strict_first: ``includeFirst=false`` drops the first candle whatever it is; else only one that covers ``from``.
    """

    market: Market
    token: str | None
    account: str = DEFAULT_ACCOUNT
    completion: Completion = field(default_factory=ByTime)
    strict_first: bool = True

    def answer(self, request: Request, now: float, faults: Sequence[BrokerFault] = ()) -> Answer:
        """Answer a request at a moment, with the faults that concern candles."""
        try:
            self._check(request)
            return Answer(200, self._routed(request, _Desk(self, request, now, faults)))
        except RequestRefused as refusal:
            return Answer(refusal.status, json.dumps({"errorMessage": refusal.message}, separators=(",", ":")))

    def _check(self, request: Request) -> None:
        kind, _, token = request.authorization.partition(" ")
        if kind.lower() != "bearer" or not token or (self.token is not None and token != self.token):
            raise RequestRefused(_UNAUTHORIZED, 401)
        if request.method != "GET":
            raise RequestRefused(_NOT_ALLOWED, 405)

    def _routed(self, request: Request, desk: _Desk) -> str:
        if match := _CANDLES.fullmatch(request.path):
            return desk.candles(match["instrument"])
        match = _ACCOUNT.fullmatch(request.path)
        if match is None:
            raise RequestRefused(_NOT_FOUND, 404)
        if match["account"] != self.account:
            raise RequestRefused(_FORBIDDEN, 403)
        return self._routed_in_account(match["rest"], desk)

    @staticmethod
    def _routed_in_account(rest: str, desk: _Desk) -> str:
        if match := _ACCOUNT_CANDLES.fullmatch(rest):
            return desk.candles(match["instrument"])
        pages = {"candles/latest": desk.latest, "instruments": desk.instruments, "pricing": desk.pricing}
        if rest not in pages:
            raise RequestRefused(_NOT_FOUND, 404)
        return pages[rest]()


@dataclass(frozen=True, slots=True)
class _Desk:
    """What one request sees and asks."""

    broker: SimulatedBroker
    request: Request
    now: float
    faults: Sequence[BrokerFault]

    @property
    def view(self) -> View:
        """Return the market at the moment of the request."""
        return View(self.broker.market, self.now, self.broker.completion, self._history_changes)

    @property
    def style(self) -> TimeStyle:
        """Return how the request wants times."""
        return TimeStyle(self.request.is_unix)

    def candles(self, instrument: str) -> str:
        """Answer for one series."""
        if instrument not in self.broker.market.listings:
            refuse_value("instrument")
        query = read_candle_query(self.request.query, self.now)
        view = self.view
        return self._written(view, instrument, query, self._rows(view, instrument, query))

    def latest(self) -> str:
        """Answer for several series: the newest two candles of each."""
        specifications = self.request.query.get("candleSpecifications")
        if not specifications:
            raise RequestRefused(_MISSING_DATA)
        view = self.view
        answers = []
        for specification in specifications.split(","):
            instrument, query = self._specified(specification)
            answers.append(self._written(view, instrument, query, last_two(view, instrument, query)))
        return f'{{"latestCandles":[{",".join(answers)}]}}'

    def instruments(self) -> str:
        """Answer with what may be traded."""
        listings = self.broker.market.listings
        names = self.request.query.get("instruments")
        if not names:
            return instruments_json(listings.values())
        return instruments_json(self._listed(names))

    def pricing(self) -> str:
        """Answer with the newest prices."""
        names = self.request.query.get("instruments")
        if not names:
            raise RequestRefused(_MISSING_DATA)
        view = self.view
        quotes = [(listing, view.price(listing.instrument.name)) for listing in self._listed(names)]
        return pricing_json([(listing, row) for listing, row in quotes if row is not None], self.now, self.style)

    def _listed(self, names: str) -> list[Listing]:
        listings = self.broker.market.listings
        chosen = names.split(",")
        if not set(chosen) <= set(listings):
            refuse_value("instruments")
        return [listings[name] for name in chosen]

    def _rows(self, view: View, instrument: str, query: CandleQuery) -> list[Row]:
        return candles_for(view, instrument, query, strict_first=self.broker.strict_first)

    def _specified(self, specification: str) -> tuple[str, CandleQuery]:
        parts = specification.split(":")
        if len(parts) not in _SPECIFICATION_PARTS or parts[0] not in self.broker.market.listings:
            refuse_value("candleSpecifications")
        granularity = read_granularity(parts[1])
        prices = read_prices(parts[2] if len(parts) > 2 else "M")  # noqa: PLR2004 - with a price part
        check_alignment(self.request.query, granularity)
        smooth = self.request.query.get("smooth", "false").lower() == "true"
        return parts[0], CandleQuery(prices, granularity, None, None, None, smooth, include_first=True)

    def _written(self, view: View, instrument: str, query: CandleQuery, rows: Sequence[Row]) -> str:
        grain = query.granularity
        shown = [Shown(row, view.is_complete(instrument, grain, row.time)) for row in rows]
        for flaw in self._answer_flaws(instrument, grain):
            shown = flaw.shown(shown)
        return candles_json(view.listing(instrument), grain, shown, query.prices, self.style)

    def _history_changes(self, instrument: str, granularity: Granularity) -> list[HistoryChange]:
        effects = [fault.effect for fault in self.faults if fault.concerns(instrument, granularity)]
        return [effect for effect in effects if isinstance(effect, HistoryChange)]

    def _answer_flaws(self, instrument: str, granularity: Granularity) -> list[AnswerFlaw]:
        effects = [fault.effect for fault in self.faults if fault.concerns(instrument, granularity)]
        return [effect for effect in effects if isinstance(effect, Spoiled | CloseText)]

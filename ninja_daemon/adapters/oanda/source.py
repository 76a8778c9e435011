"""The candle source port on an OANDA v20 server.

This module knows what a request means, ``transport`` how it travels, ``candles`` what an answer contains.
``includeFirst=true`` is always sent, since its other value loses candles at gaps; a ``to`` is only ever in the past,
since one that is a second too new is refused; the alignment is always sent, so that a default can change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from oandapyV20.endpoints.instruments import InstrumentsCandles

from ninja_daemon.adapters.oanda.answers import FORBIDDEN
from ninja_daemon.adapters.oanda.candles import Page, RawCandle, Taken, letters, read_page, shown_again, usable
from ninja_daemon.adapters.oanda.latest import LatestCandles, by_specification, chunks, next_candle, specification
from ninja_daemon.adapters.oanda.limits import Gate
from ninja_daemon.adapters.oanda.precisions import Precisions
from ninja_daemon.adapters.oanda.threads import SessionPool
from ninja_daemon.adapters.oanda.transport import OandaSession
from ninja_daemon.core.errors import BrokerDenied, BrokerRefused, BrokerUnavailable, ConfigError, NinjaError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.market.instrument import Instrument, Series
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.candle_ports import PAGE, Fetched, Traffic, Wanted, WantedHistory
from ninja_daemon.usecases.ports import Clock

SLICE: Final = 20_000
"""Candles of one series that are handed over at once at most; after a long outage the rest is asked for again."""
_SPARE: Final = 4
_BATCH_PAUSE: Final = 3_600.0
_ALIGNMENT: Final = {"dailyAlignment": 17, "alignmentTimezone": "America/New_York", "weeklyAlignment": "Friday"}
_FUTURE: Final = "Time is in the future"


_Latest = Mapping[Wanted, Fetched]
"""What the batched endpoint tells for certain."""
_Question = Wanted | WantedHistory
_Job = Callable[[OandaSession], Fetched]
"""What one series costs: a few requests over one session. Raises the NinjaError that stands for the answer."""


class OandaSource:
    """Candles from OANDA over at most eight kept connections; safe to use from several threads."""

    def __init__(
        self, token: Secret, api_url: str, *, account_id: str | None, clock: Clock, proxy: Secret | None = None
    ) -> None:
        """Prepare; nothing is sent before the first question.

        Args:
            token: bearer token.
            api_url: base of the REST server.
            account_id: with it, precisions come from the account and candles from the batched endpoint.
            clock: time, for waits and for guessing how many candles are new.
            proxy: on the way there; None to go straight.

        Raises:
            ConfigError: the token is no text that a header can hold.
        """
        if not all("!" <= character <= "~" for character in token.reveal() or " "):
            message = "OANDA_ACCESS_TOKEN must be one line of printable ASCII without spaces, was something else"
            raise ConfigError(message)
        self._clock = clock
        self._account_id = None if account_id is None else quote(account_id, safe="")
        self._gate = Gate(clock)
        self._sessions = SessionPool(
            lambda: OandaSession(token, api_url, self._gate, account_id, proxy), self._gate.closed
        )
        self._precisions = Precisions(self._account_id, clock)
        self._batch_again = 0.0
        self._read_singly: dict[Series, float] = {}

    def divide(self, parts: int, place: int = 0) -> None:
        """Keep to one of that many parts of the broker's limits, that of this place."""
        self._gate.divide(parts, place)

    @property
    def traffic(self) -> Traffic:
        """What has been sent and received since the start."""
        return self._gate.traffic

    @property
    def doubt(self) -> str:
        """What is wrong with the account although candles come; see the port."""
        return self._precisions.doubt

    def changes(self) -> Sequence[str]:
        """Return what has changed on the account's list of instruments; see the port."""
        return self._precisions.changes()

    def close(self) -> None:
        """End waiting, close the connections and let the threads go."""
        self._gate.close()
        self._sessions.close()

    # --- the port ----------------------------------------------------------------------------------------------------

    def newer(self, wanted: Collection[Wanted]) -> Mapping[Wanted, Fetched | NinjaError]:
        """Return for each request the complete candles after its cursor; see the port."""
        near = self._for_the_batch(wanted)
        parts = list(chunks(near))
        batched = set(near)
        singly = [request for request in wanted if request not in batched]
        # All at once: a wake takes as long as its slowest request, not as long as all of them.
        jobs: list[Callable[[OandaSession], Fetched | _Latest]] = [*self._latest_jobs(parts)]
        jobs += [self._newer_job(request) for request in singly]
        outcomes = self._sessions.run(jobs)
        answers = self._unpacked(parts, outcomes[: len(parts)])
        for request, outcome in zip(singly, outcomes[len(parts) :], strict=True):
            assert isinstance(outcome, Fetched | NinjaError)  # noqa: S101 - as its job was made
            answers[request] = outcome
        left = [request for request in wanted if request not in answers]
        answers.update(zip(left, self._sessions.run([self._newer_job(request) for request in left]), strict=True))
        for request in (*singly, *left):
            self._read_singly[request.series] = self._clock.monotonic()
        return answers

    def history(self, wanted: Collection[WantedHistory]) -> Mapping[WantedHistory, Fetched | NinjaError]:
        """Return for each request the candles that end at its ``until``; see the port."""
        requests = list(wanted)
        jobs = [self._history_job(request) for request in requests]
        return dict(zip(requests, self._sessions.run(jobs), strict=True))

    def had_prices(self, series: Series, start: Instant, end: Instant) -> bool:
        """Tell whether there was any price between two instants, by the finest candles; see the port."""
        finest = series._replace(granularity=Granularity.S5)

        def ask(session: OandaSession) -> bool:
            page = self._page(session, Wanted(finest, start), {"from": format_instant(start), "count": 1})
            if page.rejected is not None and not page.candles:
                raise page.rejected
            return any(start <= raw.time < end for raw in page.candles)

        (answer,) = self._sessions.run([ask])
        if isinstance(answer, NinjaError):
            raise answer
        return answer

    def account_instruments(self) -> Mapping[str, Instrument] | None:
        """Return decimals and pip of every instrument of the account; None without an account id.

        Raises:
            BrokerUnavailable, BrokerRefused: the account's list could not be read.
        """
        if self._account_id is None:
            return None
        (answer,) = self._sessions.run([self._precisions.read])
        if isinstance(answer, NinjaError):
            raise answer
        return answer

    # --- one series --------------------------------------------------------------------------------------------------

    def _newer_job(self, wanted: Wanted) -> _Job:
        def ask(session: OandaSession) -> Fetched:
            series, cursor = wanted.series, wanted.cursor
            passed = max(0, int(self._clock.now()) - cursor) // series.granularity.seconds
            count = min(PAGE, passed + _SPARE)
            # Start inside the candle two before the cursor, so the answer also contains the two previous candles.
            raws: list[RawCandle] = []
            start, rejected = max(0, cursor - 1 - series.granularity.seconds), None
            while rejected is None:
                page = self._page(session, wanted, {"from": format_instant(start), "count": count})
                fresh = _after(raws, page.candles)
                raws.extend(fresh)
                rejected = page.rejected
                if len(page.candles) < count or not fresh or not fresh[-1].complete:
                    break
                if len(raws) >= SLICE:
                    return self._fetched(session, series, raws, rejected, cursor)._replace(more=True)
                start, count = raws[-1].time, PAGE
            if not raws and rejected is None:
                message = (
                    f"the broker's answer must show the candle of {format_instant(cursor)} of {series}, which it had "
                    "before, was empty"
                )
                raise BrokerUnavailable(message)
            return self._fetched(session, series, raws, rejected, cursor)

        return ask

    def _fetched(
        self,
        session: OandaSession,
        series: Series,
        raws: Sequence[RawCandle],
        rejected: NinjaError | None,
        cursor: Instant,
    ) -> Fetched:
        instrument = self._precisions.of(session, series.instrument, raws)
        page = Page([raw for raw in raws if raw.time > cursor], rejected)
        instrument, taken = self._usable(session, series, instrument, page)
        if len(page.candles) == len(raws):
            return _fetched_of(instrument, taken, taken.complete, None)
        at_cursor, before_cursor = shown_again(series, instrument, raws, cursor)
        return _fetched_of(instrument, taken, taken.complete, at_cursor)._replace(before_cursor=before_cursor)

    def _usable(
        self, session: OandaSession, series: Series, instrument: Instrument, page: Page
    ) -> tuple[Instrument, Taken]:
        """Return what can be used; where prices have too many digits, by what the account says when asked again."""
        taken = usable(series, instrument, page)
        if taken.rejected is None:
            return instrument, taken
        anew = self._precisions.again(session, instrument, page.candles)
        return anew, taken if anew == instrument else usable(series, anew, page)

    def _history_job(self, wanted: WantedHistory) -> _Job:
        def ask(session: OandaSession) -> Fetched:
            raws, rejected = self._history_pages(session, wanted)
            instrument = self._precisions.of(session, wanted.series.instrument, raws, is_start=True)
            instrument, taken = self._usable(session, wanted.series, instrument, Page(raws, rejected))
            candles = list(taken.complete)[-wanted.count :]
            ends_there = bool(candles) and candles[-1].time == wanted.until
            at_cursor = candles[-1] if ends_there else None
            return _fetched_of(instrument, taken, candles, at_cursor)

        return ask

    def _history_pages(
        self, session: OandaSession, wanted: WantedHistory
    ) -> tuple[Sequence[RawCandle], NinjaError | None]:
        """Read a history from its end back; return its candles, and why the first of them follows a refused one."""
        until = wanted.until
        # Two more than wanted: the one that forms, and one that has ended and is not called complete yet.
        missing = wanted.count + (2 if until is None else 0)
        border = None if until is None else until + 1
        raws: list[RawCandle] = []
        rejected = None
        while missing > 0 and rejected is None:
            count = min(PAGE, missing)
            end = {} if border is None else {"to": format_instant(border)}
            page = self._page(session, wanted, {"count": count, **end})
            rejected = page.rejected
            older = [raw for raw in page.candles if _is_wanted(raw, raws, until)]
            # Candles after an unreadable one are not used, so drop the newer pages too.
            raws = older if rejected is not None else [*older, *raws]
            missing -= len(older)
            if not older or len(page.candles) < count:
                break
            border = raws[0].time
        return raws, rejected

    def _page(self, session: OandaSession, wanted: _Question, parameters: Mapping[str, object]) -> Page:
        series = wanted.series
        request = InstrumentsCandles(
            series.instrument,
            params={
                "granularity": series.granularity.name,
                "price": letters(series, with_spreads=wanted.with_spreads),
                **({"includeFirst": "true"} if "from" in parameters else {}),
                **_ALIGNMENT,
                **parameters,
            },
        )
        try:
            answer = session.ask(request)
        except BrokerRefused as refusal:
            if _FUTURE not in str(refusal):
                raise
            return self._page_of_a_slow_broker(session, wanted, parameters)
        return self._read(series, answer)

    def _page_of_a_slow_broker(
        self, session: OandaSession, wanted: _Question, parameters: Mapping[str, object]
    ) -> Page:
        """Ask without the end that the broker calls future: what it holds ends there anyway."""
        if "to" in parameters:
            return self._page(session, wanted, {name: parameters[name] for name in parameters if name != "to"})
        message = (
            f"the broker's clock must have passed {parameters.get('from')}, but calls it the future; is this machine's "
            "clock ahead, or last_processed?"
        )
        raise BrokerUnavailable(message)

    def _read(self, series: Series, answer: Mapping[str, Any]) -> Page:
        page = read_page(series, answer)
        self._gate.took_candles(len(page.candles))
        return page

    # --- all series at once ------------------------------------------------------------------------------------------

    def _for_the_batch(self, wanted: Collection[Wanted]) -> list[Wanted]:
        """Return those whose two newest candles suffice, but for one series in turn, so that revisions are noticed."""
        if self._account_id is None or len(wanted) < 2 or self._clock.monotonic() < self._batch_again:  # noqa: PLR2004
            return []
        now = int(self._clock.now())
        near = [request for request in wanted if _is_near(request, now)]
        if len(near) > 1:
            near.remove(min(near, key=lambda request: self._read_singly.get(request.series, 0.0)))
        return near

    def _latest_jobs(self, parts: Sequence[Sequence[Wanted]]) -> Iterator[Callable[[OandaSession], _Latest]]:
        """Ask the batched endpoint for each chunk, until one of them fails: the others would as well."""
        failures: list[NinjaError] = []

        def ask(session: OandaSession, chunk: Sequence[Wanted]) -> _Latest:
            if failures:
                raise failures[0]
            try:
                return self._latest(session, chunk)
            except NinjaError as error:
                failures.append(error)
                raise

        return (partial(ask, chunk=chunk) for chunk in parts)

    def _unpacked(
        self, parts: Sequence[Sequence[Wanted]], outcomes: Sequence[Fetched | _Latest | NinjaError]
    ) -> dict[Wanted, Fetched | NinjaError]:
        """Return what the batched endpoint said; leave out what its two candles a series cannot tell for certain."""
        answers: dict[Wanted, Fetched | NinjaError] = {}
        for chunk, outcome in zip(parts, outcomes, strict=True):
            if isinstance(outcome, BrokerDenied | BrokerUnavailable):
                answers.update(dict.fromkeys(chunk, outcome))
            elif isinstance(outcome, NinjaError):
                self._batch_again = self._clock.monotonic() + _BATCH_PAUSE
            else:
                assert not isinstance(outcome, Fetched)  # noqa: S101 - as its job was made
                answers.update(outcome)
        return answers

    def _latest(self, session: OandaSession, chunk: Sequence[Wanted]) -> _Latest:
        request = LatestCandles(self._account_id or "", chunk, _ALIGNMENT)
        try:
            latest = by_specification(session.ask(request))
        except BrokerDenied as denial:
            if session.status != FORBIDDEN:
                raise
            # The account is not this token's. Candles need no account.
            raise BrokerRefused(str(denial)) from None
        fetched = {
            wanted: self._connected(session, wanted, latest[name])
            for wanted in chunk
            if (name := specification(wanted.series)) in latest
        }
        return {wanted: answer for wanted, answer in fetched.items() if answer is not None}

    def _connected(self, session: OandaSession, request: Wanted, answer: Mapping[str, Any]) -> Fetched | None:
        """Return what the two newest candles say, or None when a gap may lie between the cursor and them."""
        series, cursor = request.series, request.cursor
        listed = self._precisions.listed(series.instrument)
        if listed is not None and (fetched := next_candle(request, answer, listed)) is not None:
            self._gate.took_candles(len(answer["candles"]))
            return fetched
        try:
            page = self._read(series, answer)
        except BrokerUnavailable:
            return None
        if not page.candles or page.rejected is not None:
            return None
        first = page.candles[0].time
        if first > cursor and first != series.granularity.close_of(cursor):
            return None
        fetched = self._fetched(session, series, page.candles, None, cursor)
        return fetched if fetched.rejected is None and page.candles[-1].time >= cursor else None


def _fetched_of(instrument: Instrument, taken: Taken, candles: Sequence[Candle], at_cursor: Candle | None) -> Fetched:
    _, forming, rejected, spreads = taken
    return Fetched(instrument, candles, at_cursor, (), forming, rejected, more=False, spreads=spreads)


def _after(raws: Sequence[RawCandle], page: Sequence[RawCandle]) -> list[RawCandle]:
    """Return the part of a page that earlier pages have not shown: pages repeat the candle at their border."""
    if not raws:
        return list(page)
    known = {raw.time for raw in raws[-PAGE:]}
    return [raw for raw in page if raw.time not in known]


def _is_near(request: Wanted, now: int) -> bool:
    """Tell whether at most one candle can have been completed since the cursor."""
    granularity = request.series.granularity
    following = granularity.close_of(request.cursor)
    return now < granularity.close_of(granularity.close_of(following))


def _is_wanted(raw: RawCandle, newer: Sequence[RawCandle], until: Instant | None) -> bool:
    """Tell whether a candle belongs to a history, and no newer page has shown it."""
    return (until is None or raw.time <= until) and (not newer or raw.time < newer[0].time)

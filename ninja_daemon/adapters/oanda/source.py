"""The candle source port on an OANDA v20 server.

What a request means is here; how it travels is in ``oanda_transport``, what an answer holds in ``oanda_candles``.
``includeFirst=true`` is always sent, since its other value loses candles at gaps; a ``to`` is only ever in the past,
since one that is a second too new is refused; the alignment is always sent, so that a default can change.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Final
from urllib.parse import quote

from oandapyV20.endpoints.accounts import AccountInstruments
from oandapyV20.endpoints.apirequest import APIRequest
from oandapyV20.endpoints.instruments import InstrumentsCandles

from ninja_daemon.adapters.oanda.candles import (
    PRICE_LETTERS,
    Page,
    RawCandle,
    decimals_of,
    read_page,
    shown_again,
    usable,
)
from ninja_daemon.adapters.oanda.threads import Crew
from ninja_daemon.adapters.oanda.transport import FORBIDDEN, Gate, OandaSession, Traffic
from ninja_daemon.core.errors import BrokerDenied, BrokerRefused, BrokerUnavailable, ConfigError, NinjaError
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.market.instrument import Instrument, Series, is_instrument_name
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.ports import Clock, Fetched, Wanted, WantedHistory

PAGE: Final = 5_000
"""Candles that the broker gives in one answer at most."""
SLICE: Final = 20_000
"""Candles of one series that are handed over at once at most; after a long outage the rest is asked for again."""
_SPARE: Final = 4
_MOST_SPECIFICATIONS: Final = 60
_LONGEST_SPECIFICATIONS: Final = 1_700
"""Characters, encoded; with the rest the address stays below 2,000, which every gateway lets through."""
_BATCH_PAUSE: Final = 3_600.0
_LIST_PAUSE: Final = 600.0
_LIST_PAUSE_OF_A_START: Final = 5.0
"""Seconds likewise for a strategy that cannot begin without the list."""
_ALIGNMENT: Final = {"dailyAlignment": 17, "alignmentTimezone": "America/New_York", "weeklyAlignment": "Friday"}
_MOST_DECIMALS: Final = 10
_NAMED: Final = 3
_LETTERS: Final = tuple((side.value, letter) for side, letter in PRICE_LETTERS.items())
_FUTURE: Final = "Time is in the future"


class _LatestCandles(APIRequest):  # type: ignore[misc]  # oandapyV20 is untyped
    """``GET /v3/accounts/{id}/candles/latest``, which oandapyV20 has no class for."""

    def __init__(self, account_id: str, params: Mapping[str, object]) -> None:
        super().__init__(f"v3/accounts/{account_id}/candles/latest", method="GET", expected_status=200)
        self.params = params


_Latest = Mapping[Wanted, Fetched]
"""What the batched endpoint tells for certain."""
_Job = Callable[[OandaSession], Fetched]
"""What one series costs: a few requests over one session. Raises the NinjaError that stands for the answer."""


class OandaSource:
    """Candles from OANDA over at most eight kept connections; safe to use from several threads."""

    def __init__(self, token: Secret, api_url: str, *, account_id: str | None, clock: Clock) -> None:
        """Prepare; nothing is sent before the first question.

        Args:
            token: bearer token.
            api_url: base of the REST server.
            account_id: with it, precisions come from the account and candles from the batched endpoint.
            clock: time, for waits and for guessing how many candles are new.

        Raises:
            ConfigError: the token is no text that a header can hold.
        """
        if not all("!" <= character <= "~" for character in token.reveal() or " "):
            message = "OANDA_ACCESS_TOKEN must be one line of printable ASCII without spaces, was something else"
            raise ConfigError(message)
        self._clock = clock
        self._account_id = None if account_id is None else quote(account_id, safe="")
        self._gate = Gate(clock)
        self._crew = Crew(lambda: OandaSession(token, api_url, self._gate, account_id), self._gate.closed)
        self._lock = threading.Lock()
        self._listing = threading.Lock()
        self._listed: dict[str, Instrument] = {}
        self._guessed: dict[str, Instrument] = {}
        self._list_again = 0.0
        self._list_tried = float("-inf")
        self._list_failure: NinjaError | None = None
        self._unlisted: set[str] = set()
        self._batch_again = 0.0
        self._read_singly: dict[Series, float] = {}

    @property
    def traffic(self) -> Traffic:
        """What has been sent and received since the start."""
        return self._gate.traffic

    @property
    def doubt(self) -> str:
        """What is wrong with the account although candles come, and what mends it; empty when nothing is."""
        failure = self._list_failure
        if isinstance(failure, BrokerDenied):
            return (
                f"{failure}: digits are taken from the prices, and each series is asked for singly; "
                "correct OANDA_ACCOUNT_ID, or take it out"
            )
        if isinstance(failure, BrokerUnavailable):
            return f"the account's instruments are not known: {failure}; strategies that begin anew wait for them"
        if failure is not None:
            return f"the account's instruments cannot be had: {failure}; digits are taken from the prices"
        if self._unlisted:
            names = ", ".join(sorted(self._unlisted)[:_NAMED])
            return f"the account does not list {names}: digits are taken from the prices; is it the right account?"
        return ""

    def close(self) -> None:
        """End waiting, close the connections and let the threads go."""
        self._gate.close()
        self._crew.close()

    # --- the port ----------------------------------------------------------------------------------------------------

    def newer(self, wanted: Collection[Wanted]) -> Mapping[Wanted, Fetched | NinjaError]:
        """Return for each request the complete candles after its cursor; see the port."""
        near = self._for_the_batch(wanted)
        chunks = list(_chunks(near))
        batched = set(near)
        singly = [request for request in wanted if request not in batched]
        # All at once: a wake takes as long as its slowest request, not as long as all of them.
        jobs: list[Callable[[OandaSession], Fetched | _Latest]] = [*self._latest_jobs(chunks)]
        jobs += [self._newer_job(request) for request in singly]
        outcomes = self._crew.run(jobs)
        answers = self._unpacked(chunks, outcomes[: len(chunks)])
        for request, outcome in zip(singly, outcomes[len(chunks) :], strict=True):
            assert isinstance(outcome, Fetched | NinjaError)  # noqa: S101 - as its job was made
            answers[request] = outcome
        left = [request for request in wanted if request not in answers]
        answers.update(zip(left, self._crew.run([self._newer_job(request) for request in left]), strict=True))
        for request in (*singly, *left):
            self._read_singly[request.series] = self._clock.monotonic()
        return answers

    def history(self, wanted: Collection[WantedHistory]) -> Mapping[WantedHistory, Fetched | NinjaError]:
        """Return for each request the candles that end at its ``until``; see the port."""
        requests = list(wanted)
        jobs = [self._history_job(request) for request in requests]
        return dict(zip(requests, self._crew.run(jobs), strict=True))

    def had_prices(self, series: Series, start: Instant, end: Instant) -> bool:
        """Tell whether there was any price between two instants, by the finest candles; see the port."""
        finest = series._replace(granularity=Granularity.S5)

        def ask(session: OandaSession) -> bool:
            page = self._page(session, finest, {"from": format_instant(start), "count": 1})
            if page.rejected is not None and not page.candles:
                raise page.rejected
            return any(start <= raw.time < end for raw in page.candles)

        (answer,) = self._crew.run([ask])
        if isinstance(answer, NinjaError):
            raise answer
        return answer

    def account_instruments(self) -> Mapping[str, Instrument] | None:
        """Return decimals and pip of every instrument of the account; None without an account id.

        Raises:
            BrokerUnavailable, BrokerRefused: the account's list could not be had.
        """
        if self._account_id is None:
            return None
        (answer,) = self._crew.run([self._read_instruments])
        if isinstance(answer, NinjaError):
            raise answer
        return answer

    # --- one series --------------------------------------------------------------------------------------------------

    def _newer_job(self, wanted: Wanted) -> _Job:
        def ask(session: OandaSession) -> Fetched:
            series, cursor = wanted.series, wanted.cursor
            passed = max(0, int(self._clock.now()) - cursor) // series.granularity.seconds
            count = min(PAGE, passed + _SPARE)
            # From within the candle that is the second one before the cursor's, so that both are shown as well.
            raws: list[RawCandle] = []
            start, rejected = max(0, cursor - 1 - series.granularity.seconds), None
            while rejected is None:
                page = self._page(session, series, {"from": format_instant(start), "count": count})
                fresh = _after(raws, page.candles)
                raws.extend(fresh)
                rejected = page.rejected
                if len(page.candles) < count or not fresh or not fresh[-1].complete:
                    break
                if len(raws) >= SLICE:
                    return replace(self._fetched(session, series, raws, rejected, cursor), more=True)
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
        instrument = self._instrument(session, series.instrument, raws)
        at_cursor, before_cursor = shown_again(series, instrument, raws, cursor)
        taken = usable(series, instrument, Page([raw for raw in raws if raw.time > cursor], rejected))
        return Fetched(
            instrument,
            taken.complete,
            at_cursor=at_cursor,
            before_cursor=before_cursor,
            forming=taken.forming,
            rejected=taken.rejected,
        )

    def _history_job(self, wanted: WantedHistory) -> _Job:
        def ask(session: OandaSession) -> Fetched:
            series, until = wanted.series, wanted.until
            # Two more than wanted: the one that forms, and one that has ended and is not called complete yet.
            missing = wanted.count + (2 if until is None else 0)
            border = None if until is None else until + 1
            raws: list[RawCandle] = []
            rejected = None
            while missing > 0 and rejected is None:
                count = min(PAGE, missing)
                parameters: dict[str, object] = {"count": count}
                if border is not None:
                    parameters["to"] = format_instant(border)
                page = self._page(session, series, parameters)
                rejected = page.rejected
                older = [raw for raw in page.candles if _is_wanted(raw, raws, until)]
                # Behind a candle that cannot be read nothing is used, so neither are the newer pages.
                raws = older if rejected is not None else [*older, *raws]
                missing -= len(older)
                if not older or len(page.candles) < count:
                    break
                border = raws[0].time
            instrument = self._instrument(session, series.instrument, raws, is_start=True)
            taken = usable(series, instrument, Page(raws, rejected))
            candles = list(taken.complete)[-wanted.count :]
            ends_there = bool(candles) and candles[-1].time == until
            return Fetched(
                instrument,
                candles,
                at_cursor=candles[-1] if ends_there else None,
                forming=taken.forming,
                rejected=taken.rejected,
            )

        return ask

    def _page(self, session: OandaSession, series: Series, parameters: Mapping[str, object]) -> Page:
        request = InstrumentsCandles(
            series.instrument,
            params={
                "granularity": series.granularity.name,
                "price": PRICE_LETTERS[series.price],
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
            return self._page_of_a_slow_broker(session, series, parameters)
        return self._read(series, answer)

    def _page_of_a_slow_broker(self, session: OandaSession, series: Series, parameters: Mapping[str, object]) -> Page:
        """Ask without the end that the broker calls future: what it holds ends there anyway."""
        if "to" in parameters:
            return self._page(session, series, {name: parameters[name] for name in parameters if name != "to"})
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

    def _latest_jobs(self, chunks: Sequence[Sequence[Wanted]]) -> Iterator[Callable[[OandaSession], _Latest]]:
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

        return (partial(ask, chunk=chunk) for chunk in chunks)

    def _unpacked(
        self, chunks: Sequence[Sequence[Wanted]], outcomes: Sequence[Fetched | _Latest | NinjaError]
    ) -> dict[Wanted, Fetched | NinjaError]:
        """Return what the batched endpoint said; leave out what its two candles a series cannot tell for certain."""
        answers: dict[Wanted, Fetched | NinjaError] = {}
        for chunk, outcome in zip(chunks, outcomes, strict=True):
            if isinstance(outcome, BrokerDenied | BrokerUnavailable):
                answers.update(dict.fromkeys(chunk, outcome))
            elif isinstance(outcome, NinjaError):
                self._batch_again = self._clock.monotonic() + _BATCH_PAUSE
            else:
                assert not isinstance(outcome, Fetched)  # noqa: S101 - as its job was made
                answers.update(outcome)
        return answers

    def _latest(self, session: OandaSession, chunk: Sequence[Wanted]) -> _Latest:
        names = ",".join(dict.fromkeys(_specification(request.series) for request in chunk))
        request = _LatestCandles(self._account_id or "", {"candleSpecifications": names, **_ALIGNMENT})
        try:
            latest = _by_specification(session.ask(request))
        except BrokerDenied as denial:
            if session.status != FORBIDDEN:
                raise
            # The account is not this token's. Candles are to be had without one.
            raise BrokerRefused(str(denial)) from None
        fetched = {
            wanted: self._connected(session, wanted, latest[name])
            for wanted in chunk
            if (name := _specification(wanted.series)) in latest
        }
        return {wanted: answer for wanted, answer in fetched.items() if answer is not None}

    def _connected(self, session: OandaSession, request: Wanted, answer: Mapping[str, Any]) -> Fetched | None:
        """Return what the two newest candles say, or None when a gap may lie between the cursor and them."""
        series, cursor = request.series, request.cursor
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

    # --- precisions --------------------------------------------------------------------------------------------------

    def _instrument(
        self, session: OandaSession, name: str, raws: Sequence[RawCandle], *, is_start: bool = False
    ) -> Instrument:
        """Return an instrument's decimals and pip: the account's word, else what its prices show.

        Raises:
            BrokerUnavailable: averages are to be begun with it, and the account will say it, but not now. Those that
                are stored have theirs, which no guess from few prices overrules.
        """
        listed = self._listed.get(name)
        if listed is None and self._account_id is not None:
            listed = self._listed_now(session, name, is_start=is_start)
        if listed is not None:
            return listed
        with self._lock:
            known = self._guessed.get(name)
            decimals = max(decimals_of(raws), known.decimals if known else 0)
            if known is None or known.decimals != decimals:
                self._guessed[name] = known = Instrument.from_decimals(name, decimals)
            return known

    def _listed_now(self, session: OandaSession, name: str, *, is_start: bool) -> Instrument | None:
        """Return what the account says, asking it again for an instrument that is new; None when it cannot be had."""
        # The others wait meanwhile: guessed and listed precisions of one wake must not differ.
        with self._listing:
            now = self._clock.monotonic()
            is_urgent = is_start and now >= self._list_tried + _LIST_PAUSE_OF_A_START
            if name not in self._listed and (now >= self._list_again or is_urgent):
                self._try_to_list(session)
            failure = self._list_failure
            if is_start and name not in self._listed and isinstance(failure, BrokerUnavailable):
                message = f"the account's word on the digits of {name} is not to be had yet: {failure}"
                raise BrokerUnavailable(message, retry_after=failure.retry_after)
            if name not in self._listed and failure is None:
                self._unlisted.add(name)
            return self._listed.get(name)

    def _try_to_list(self, session: OandaSession) -> None:
        try:
            self._read_instruments(session)
        except (BrokerUnavailable, BrokerRefused) as error:
            # A token that is refused here is refused for candles, too, or was by mistake.
            is_refused_token = isinstance(error, BrokerDenied) and session.status != FORBIDDEN
            self._list_failure = BrokerUnavailable(str(error)) if is_refused_token else error
        now = self._clock.monotonic()
        self._list_tried, self._list_again = now, now + _LIST_PAUSE

    def _read_instruments(self, session: OandaSession) -> Mapping[str, Instrument]:
        body = session.ask(AccountInstruments(self._account_id))
        rows = body.get("instruments")
        if not isinstance(rows, list):
            message = f"the broker's answer must hold a list of instruments, was {type(rows).__name__}"
            raise BrokerUnavailable(message)
        # Replaced as a whole: others read it without a lock.
        self._listed = {
            instrument.name: instrument for instrument in map(_listed_instrument, rows) if instrument is not None
        }
        self._list_failure = None
        self._unlisted -= self._listed.keys()
        return dict(self._listed)


def _listed_instrument(row: object) -> Instrument | None:
    """Read one instrument of the account's list; None for one that says nothing of use."""
    if not isinstance(row, dict):
        return None
    name, decimals, pip = row.get("name"), row.get("displayPrecision"), row.get("pipLocation")
    if not isinstance(name, str) or not is_instrument_name(name) or type(decimals) is not int or type(pip) is not int:
        return None
    if not 0 <= decimals <= _MOST_DECIMALS or not -_MOST_DECIMALS <= pip <= _MOST_DECIMALS:
        return None
    return Instrument(name, decimals, pip)


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


@lru_cache(maxsize=4096)
def _specification(series: Series) -> str:
    return f"{series.instrument}:{series.granularity.name}:{PRICE_LETTERS[series.price]}"


@lru_cache(maxsize=4096)
def _length(series: Series) -> int:
    """Return how many characters of the address a series takes."""
    return len(quote(f",{_specification(series)}", safe=""))


def _chunks(wanted: Sequence[Wanted]) -> Iterator[Sequence[Wanted]]:
    """Cut requests into parts whose address is short enough."""
    chunk: list[Wanted] = []
    length = 0
    for request in wanted:
        size = _length(request.series)
        if chunk and (length + size > _LONGEST_SPECIFICATIONS or len(chunk) == _MOST_SPECIFICATIONS):
            yield chunk
            chunk, length = [], 0
        chunk.append(request)
        length += size
    if chunk:
        yield chunk


def _by_specification(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the batched endpoint's answers by what was asked for.

    Raises:
        BrokerRefused: it answers in a shape of its own, and is of no use.
    """
    rows = body.get("latestCandles")
    if not isinstance(rows, list):
        message = f"the broker's answer must hold a list of latest candles, was {type(rows).__name__}"
        raise BrokerRefused(message)
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        if isinstance(row, dict) and isinstance(candles := row.get("candles"), list):
            what = f"{row.get('instrument')}:{row.get('granularity')}"
            for side, letter in _LETTERS:
                if any(isinstance(candle, dict) and side in candle for candle in candles):
                    found[f"{what}:{letter}"] = row
    return found

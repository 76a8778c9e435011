"""The candle source port on an OANDA v20 server.

What a request means is here; how it travels is in ``oanda_transport``, what an answer holds in ``oanda_candles``.
``includeFirst=true`` is always sent, since its other value loses candles at gaps; a ``to`` is only ever in the past,
since one that is a second too new is refused; the alignment is always sent, so that a default can change.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol

from oandapyV20.endpoints.accounts import AccountInstruments
from oandapyV20.endpoints.apirequest import APIRequest
from oandapyV20.endpoints.instruments import InstrumentsCandles

from ninja_daemon.adapters.oanda_candles import (
    PRICE_LETTERS,
    Page,
    RawCandle,
    decimals_of,
    read_page,
    usable,
)
from ninja_daemon.adapters.oanda_transport import Gate, OandaSession, Traffic
from ninja_daemon.core.errors import BrokerDenied, BrokerRefused, BrokerUnavailable, NinjaError
from ninja_daemon.core.granularity import Granularity
from ninja_daemon.core.instant import Instant, format_instant
from ninja_daemon.core.instrument import Instrument, Series, is_instrument_name
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.ports import Clock, Fetched, Wanted, WantedHistory

MOST_SESSIONS: Final = 8
PAGE: Final = 5_000
"""Candles that the broker gives in one answer at most."""
_SPARE: Final = 4
_SPECIFICATIONS: Final = 60
"""Series in one request of the batched endpoint: about 1,200 characters of address."""
_BATCH_PAUSE: Final = 3_600.0
_LIST_PAUSE: Final = 600.0
_NEW_SESSION_EVERY: Final = 0.5
_ALIGNMENT: Final = {"dailyAlignment": 17, "alignmentTimezone": "America/New_York", "weeklyAlignment": "Friday"}
_MOST_DECIMALS: Final = 10


class _LatestCandles(APIRequest):  # type: ignore[misc]  # oandapyV20 is untyped
    """``GET /v3/accounts/{id}/candles/latest``, which oandapyV20 has no class for."""

    def __init__(self, account_id: str, params: Mapping[str, object]) -> None:
        super().__init__(f"v3/accounts/{account_id}/candles/latest", method="GET", expected_status=200)
        self.params = params


class _Job(Protocol):
    """Work for one session."""

    def __call__(self, session: OandaSession) -> Fetched:
        """Ask the broker.

        Raises:
            NinjaError: what stands in place of the answer.
        """


class OandaSource:
    """Candles from OANDA over at most eight kept connections; safe to use from several threads."""

    def __init__(self, token: Secret, api_url: str, *, account_id: str | None, clock: Clock) -> None:
        """Prepare; nothing is sent before the first question.

        Args:
            token: bearer token.
            api_url: base of the REST server.
            account_id: with it, precisions come from the account and candles from the batched endpoint.
            clock: time, for waits and for guessing how many candles are new.
        """
        self._clock = clock
        self._account_id = account_id
        self._gate = Gate(clock)
        self._crew = _Crew(lambda: OandaSession(token, api_url, self._gate), self._gate.closed)
        self._lock = threading.Lock()
        self._listed: dict[str, Instrument] = {}
        self._guessed: dict[str, Instrument] = {}
        self._list_again = 0.0
        self._batch_again = 0.0
        self._read_singly: dict[Series, float] = {}

    @property
    def traffic(self) -> Traffic:
        """What has been sent and received since the start."""
        return self._gate.traffic

    def close(self) -> None:
        """End waiting, close the connections and let the threads go."""
        self._gate.closed.set()
        self._crew.close()

    # --- the port ----------------------------------------------------------------------------------------------------

    def newer(self, wanted: Collection[Wanted]) -> Mapping[Wanted, Fetched | NinjaError]:
        """Return for each request the complete candles after its cursor; see the port."""
        answers: dict[Wanted, Fetched | NinjaError] = {}
        if self._account_id is not None and len(wanted) > 1 and self._clock.monotonic() >= self._batch_again:
            answers.update(self._batched(wanted))
        singly = [request for request in wanted if request not in answers]
        jobs = [self._newer_job(request) for request in singly]
        answers.update(zip(singly, self._crew.run(jobs), strict=True))
        for request in singly:
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

        def ask(session: OandaSession) -> Fetched:
            page = self._page(session, finest, {"from": format_instant(start), "count": 1})
            seen = any(start <= raw.time < end for raw in page.candles)
            return Fetched(Instrument(series.instrument, 0, 0), forming=start if seen else None)

        (answer,) = self._crew.run([ask])
        if isinstance(answer, NinjaError):
            raise answer
        return answer.forming is not None

    def account_instruments(self) -> Mapping[str, Instrument] | None:
        """Return decimals and pip of every instrument of the account; None without an account id.

        Raises:
            BrokerUnavailable, BrokerRefused: the account's list could not be had.
        """
        if self._account_id is None:
            return None

        def ask(session: OandaSession) -> Fetched:
            self._read_instruments(session)
            return Fetched(Instrument("", 0, 0))

        (answer,) = self._crew.run([ask])
        if isinstance(answer, NinjaError):
            raise answer
        with self._lock:
            return dict(self._listed)

    # --- one series --------------------------------------------------------------------------------------------------

    def _newer_job(self, wanted: Wanted) -> _Job:
        def ask(session: OandaSession) -> Fetched:
            series, cursor = wanted.series, wanted.cursor
            passed = max(0, int(self._clock.now()) - cursor) // series.granularity.seconds
            count = min(PAGE, passed + _SPARE)
            # One second before the cursor, so that the candle that covers it, the one before, is shown as well.
            raws: list[RawCandle] = []
            start, rejected = cursor - 1, None
            while rejected is None:
                page = self._page(session, series, {"from": format_instant(start), "count": count})
                fresh = _after(raws, page.candles)
                raws.extend(fresh)
                rejected = page.rejected
                if len(page.candles) < count or not fresh or not fresh[-1].complete:
                    break
                start, count = raws[-1].time, PAGE
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
        taken = usable(series, instrument, Page(raws, rejected))
        before = [candle for candle in taken.complete if candle.time < cursor]
        return Fetched(
            instrument,
            [candle for candle in taken.complete if candle.time > cursor],
            at_cursor=next((candle for candle in taken.complete if candle.time == cursor), None),
            before_cursor=before[-1] if before else None,
            forming=taken.forming,
            rejected=taken.rejected,
        )

    def _history_job(self, wanted: WantedHistory) -> _Job:
        def ask(session: OandaSession) -> Fetched:
            series, until = wanted.series, wanted.until
            missing = wanted.count + (until is None)
            border = None if until is None else until + 1
            raws: list[RawCandle] = []
            rejected = None
            while missing > 0 and rejected is None:
                parameters: dict[str, object] = {"count": min(PAGE, missing)}
                if border is not None:
                    parameters["to"] = format_instant(border)
                page = self._page(session, series, parameters)
                rejected = page.rejected
                older = [raw for raw in page.candles if not raws or raw.time < raws[0].time]
                raws = [*older, *raws]
                missing -= len(older)
                if not older or len(page.candles) < min(PAGE, missing + len(older)):
                    break
                border = raws[0].time
            instrument = self._instrument(session, series.instrument, raws)
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

    @staticmethod
    def _page(session: OandaSession, series: Series, parameters: Mapping[str, object]) -> Page:
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
        return read_page(series, session.ask(request))

    # --- all series at once ------------------------------------------------------------------------------------------

    def _batched(self, wanted: Collection[Wanted]) -> dict[Wanted, Fetched | NinjaError]:
        """Ask the batched endpoint once; leave out what its two candles a series cannot tell for certain."""
        now = int(self._clock.now())
        near = [request for request in wanted if _is_near(request, now)]
        if len(near) > 1:
            # One series a wake is read singly, in turn, so that revisions behind the cursor are noticed, too.
            near.remove(min(near, key=lambda request: self._read_singly.get(request.series, 0.0)))
        answers: dict[Wanted, Fetched | NinjaError] = {}
        for first in range(0, len(near), _SPECIFICATIONS):
            chunk = near[first : first + _SPECIFICATIONS]
            (outcome,) = self._crew.run([partial(self._latest, chunk=chunk, answers=answers)])
            if isinstance(outcome, BrokerDenied | BrokerUnavailable):
                return dict.fromkeys(near, outcome)
            if isinstance(outcome, BrokerRefused):
                self._batch_again = self._clock.monotonic() + _BATCH_PAUSE
                return {}
        return answers

    def _latest(
        self, session: OandaSession, chunk: Sequence[Wanted], answers: dict[Wanted, Fetched | NinjaError]
    ) -> Fetched:
        names = [
            f"{series.instrument}:{series.granularity.name}:{PRICE_LETTERS[series.price]}"
            for series in (request.series for request in chunk)
        ]
        parameters = {"candleSpecifications": ",".join(dict.fromkeys(names)), **_ALIGNMENT}
        body = session.ask(_LatestCandles(self._account_id or "", parameters))
        latest = _by_series(body)
        for request, name in zip(chunk, names, strict=True):
            answer = latest.get(name)
            fetched = None if answer is None else self._connected(session, request, answer)
            if fetched is not None:
                answers[request] = fetched
        return Fetched(Instrument("", 0, 0))

    def _connected(self, session: OandaSession, request: Wanted, answer: Mapping[str, Any]) -> Fetched | None:
        """Return what the two newest candles say, or None when a gap may lie between the cursor and them."""
        series, cursor = request.series, request.cursor
        page = read_page(series, answer)
        if not page.candles or page.rejected is not None:
            return None
        first = page.candles[0].time
        if first > cursor and first != series.granularity.close_of(cursor):
            return None
        fetched = self._fetched(session, series, page.candles, None, cursor)
        return fetched if fetched.rejected is None and page.candles[-1].time >= cursor else None

    # --- precisions --------------------------------------------------------------------------------------------------

    def _instrument(self, session: OandaSession, name: str, raws: Sequence[RawCandle]) -> Instrument:
        """Return an instrument's decimals and pip: the account's word, else what its prices show."""
        with self._lock:
            listed = self._listed.get(name)
        if listed is None and self._account_id is not None and self._clock.monotonic() >= self._list_again:
            self._list_again = self._clock.monotonic() + _LIST_PAUSE
            try:
                self._read_instruments(session)
            except (BrokerUnavailable, BrokerRefused):
                listed = None
            else:
                with self._lock:
                    listed = self._listed.get(name)
        if listed is not None:
            return listed
        with self._lock:
            known = self._guessed.get(name)
            decimals = max(decimals_of(raws), known.decimals if known else 0)
            if known is None or known.decimals != decimals:
                self._guessed[name] = known = Instrument.from_decimals(name, decimals)
            return known

    def _read_instruments(self, session: OandaSession) -> None:
        body = session.ask(AccountInstruments(self._account_id))
        rows = body.get("instruments")
        if not isinstance(rows, list):
            message = f"the broker's answer must hold a list of instruments, was {type(rows).__name__}"
            raise BrokerUnavailable(message)
        listed = {instrument.name: instrument for instrument in map(_listed_instrument, rows) if instrument is not None}
        with self._lock:
            self._listed = listed


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


def _by_series(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    rows = body.get("latestCandles")
    if not isinstance(rows, list):
        message = f"the broker's answer must hold a list of latest candles, was {type(rows).__name__}"
        raise BrokerUnavailable(message)
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("candles"), list):
            letters = {
                letter
                for side, letter in PRICE_LETTERS.items()
                for candle in row["candles"]
                if isinstance(candle, dict) and side.value in candle
            }
            for letter in letters:
                found[f"{row.get('instrument')}:{row.get('granularity')}:{letter}"] = row
    return found


class _Crew:
    """At most eight threads, each with a session of its own, begun only as work piles up."""

    def __init__(self, make_session: Callable[[], OandaSession], closed: threading.Event) -> None:
        self._make_session = make_session
        self._closed = closed
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._lock = threading.Lock()

    def run(self, jobs: Sequence[_Job]) -> list[Fetched | NinjaError]:
        """Do the jobs and return their results in order."""
        batch = _Batch(len(jobs))
        for index, job in enumerate(jobs):
            self._tasks.put(_Task(batch, index, job))
        # Two sessions at once, as the broker allows; then one more each half second while work still waits.
        for _ in jobs[:2]:
            self._grow()
        while not batch.done.wait(_NEW_SESSION_EVERY):
            if self._closed.is_set():
                break
            self._grow()
        closed = BrokerUnavailable("the broker adapter is closed")
        return [closed if result is None else result for result in batch.results]

    def close(self) -> None:
        """Have the threads end after what they do now."""
        for _ in self._threads:
            self._tasks.put(None)

    def _grow(self) -> None:
        with self._lock:
            waiting = self._tasks.qsize()
            if len(self._threads) < MOST_SESSIONS and waiting > self._idle:
                name = f"oanda-{len(self._threads) + 1}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _work(self) -> None:
        session = self._make_session()
        try:
            while not self._closed.is_set():
                with self._lock:
                    self._idle += 1
                task = self._tasks.get()
                with self._lock:
                    self._idle -= 1
                if task is None:
                    return
                task.do(session)
        finally:
            session.close()


class _Batch:
    """Jobs that were given together."""

    def __init__(self, size: int) -> None:
        self.results: list[Fetched | NinjaError | None] = [None] * size
        self.done = threading.Event()
        self.denied: BrokerDenied | None = None
        self._left = size
        self._lock = threading.Lock()
        if not size:
            self.done.set()

    def finish(self, index: int, result: Fetched | NinjaError) -> None:
        with self._lock:
            self.results[index] = result
            if isinstance(result, BrokerDenied):
                self.denied = result
            self._left -= 1
            if not self._left:
                self.done.set()


class _Task:
    """One job of a batch."""

    __slots__ = ("_batch", "_index", "_job")

    def __init__(self, batch: _Batch, index: int, job: _Job) -> None:
        self._batch = batch
        self._index = index
        self._job = job

    def do(self, session: OandaSession) -> None:
        """Do it; a token that was refused for one is not tried for the others."""
        if self._batch.denied is not None:
            self._batch.finish(self._index, self._batch.denied)
            return
        try:
            result: Fetched | NinjaError = self._job(session)
        except NinjaError as error:
            result = error
        except BaseException as error:
            self._batch.finish(
                self._index, BrokerUnavailable(f"unexpected {type(error).__name__} in the broker adapter")
            )
            raise
        self._batch.finish(self._index, result)

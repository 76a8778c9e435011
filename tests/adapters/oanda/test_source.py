"""The broker adapter, against the simulated broker over real HTTP."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings, strategies as st

from ninja_daemon.adapters.oanda.candles import Page, decimals_of, read_page, usable
from ninja_daemon.adapters.oanda.rate_limit import RateLimit
from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.app.candles.markets import market_of
from ninja_daemon.core.errors import BrokerDenied, BrokerRefused, BrokerUnavailable, CandleRejected, NinjaError
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.instrument import Instrument, PriceSide, Series
from ninja_daemon.core.secret import Secret
from ninja_daemon.simulator import faults
from ninja_daemon.simulator.answers.broker import DEFAULT_ACCOUNT, SimulatedBroker
from ninja_daemon.simulator.answers.request import Answer, Request
from ninja_daemon.simulator.clock import SimulatedClock
from ninja_daemon.simulator.faults import BrokerFault
from ninja_daemon.simulator.markets.completion import ByLag
from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from ninja_daemon.usecases.candle_ports import Fetched, Wanted, WantedHistory
from tests.fakes.clock import FakeClock

TOKEN = "0123456789abcdef-very-secret"
NOW = parse_instant("2024-03-06T12:00:01Z")
H1 = Series("EUR_USD", Granularity.H1, PriceSide.MID)
M5 = Series("USD_JPY", Granularity.M5, PriceSide.MID)
CURSOR = parse_instant("2024-03-06T09:00:00Z")
ROW = '{"complete":%s,"volume":1,"time":"2024-03-06T%02d:00:00Z","mid":{"o":"1.1","h":"1.1","l":"1.1","c":"1.1"}}'
ROWS = '{"instrument":"EUR_USD","granularity":"H1","candles":[%s]}'


@pytest.fixture(scope="module")
def market() -> RandomMarket:
    return RandomMarket(seed=3)


@pytest.fixture
def broker(market: RandomMarket) -> Iterator[SimulatorServer]:
    with SimulatorServer(market, token=TOKEN, clock=SimulatedClock.fixed(NOW)) as server:
        yield server


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(float(NOW))


@pytest.fixture
def source(broker: SimulatorServer, clock: FakeClock) -> Iterator[OandaSource]:
    source = OandaSource(Secret(TOKEN), broker.url, account_id=None, clock=clock)
    yield source
    source.close()


def newer(source: OandaSource, series: Series = H1, cursor: int = CURSOR) -> Fetched:
    wanted = Wanted(series, cursor)
    answer = source.newer([wanted])[wanted]
    assert isinstance(answer, Fetched), answer
    return answer


def refused(source: OandaSource, series: Series = H1, cursor: int = CURSOR) -> NinjaError:
    wanted = Wanted(series, cursor)
    answer = source.newer([wanted])[wanted]
    assert isinstance(answer, NinjaError), answer
    return answer


def history(source: OandaSource, until: int | None, count: int, series: Series = H1) -> Fetched:
    wanted = WantedHistory(series, until, count)
    answer = source.history([wanted])[wanted]
    assert isinstance(answer, Fetched), answer
    return answer


def times(candles: object) -> list[int]:
    return [candle.time for candle in candles]  # type: ignore[attr-defined]


def test_newer_brings_what_opened_after_the_cursor_and_shows_the_cursor_again(
    source: OandaSource, broker: SimulatorServer
) -> None:
    answer = newer(source)

    assert times(answer.candles) == [CURSOR + 3_600, CURSOR + 7_200]
    assert answer.at_cursor is not None
    assert answer.at_cursor.time == CURSOR
    assert [candle.time for candle in answer.before_cursor] == [CURSOR - 3_600, CURSOR - 7_200]
    assert answer.forming == CURSOR + 10_800
    assert answer.instrument == Instrument("EUR_USD", 5, -4)
    (request,) = broker.requests
    assert request.query["includeFirst"] == "true"
    assert "to" not in request.query
    assert (request.query["dailyAlignment"], request.query["alignmentTimezone"]) == ("17", "America/New_York")
    assert request.query["weeklyAlignment"] == "Friday"
    assert int(request.query["count"]) < 10


def test_an_answer_without_the_candle_that_was_known_is_no_good_news(
    source: OandaSource, broker: SimulatorServer
) -> None:
    broker.faults.add(BrokerFault(faults.body('{"instrument":"EUR_USD","granularity":"H1","candles":[]}'), times=1))
    assert "must show the candle of" in str(refused(source))
    assert newer(source).candles


def test_a_long_gap_is_paged_and_no_candle_comes_twice(source: OandaSource, broker: SimulatorServer) -> None:
    cursor = parse_instant("2023-12-20T09:00:00Z")

    answer = newer(source, M5, cursor)

    assert len(broker.requests) >= 3
    assert times(answer.candles) == sorted(set(times(answer.candles)))
    assert len(answer.candles) > 14_000
    assert answer.rejected is None
    again = history(source, answer.candles[-1].time, 3_000, M5)
    assert list(again.candles) == list(answer.candles[-3_000:])


def test_a_very_long_gap_is_handed_over_in_slices(source: OandaSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ninja_daemon.adapters.oanda.source.PAGE", 500)
    monkeypatch.setattr("ninja_daemon.adapters.oanda.source.SLICE", 1_000)
    cursor = parse_instant("2024-02-20T09:00:00Z")
    slices: list[Candle] = []
    answer = newer(source, M5, cursor)
    while answer.more:
        assert len(answer.candles) < 1_600
        slices.extend(answer.candles)
        answer = newer(source, M5, answer.candles[-1].time)
    slices.extend(answer.candles)

    monkeypatch.setattr("ninja_daemon.adapters.oanda.source.SLICE", 20_000)
    assert slices == list(newer(source, M5, cursor).candles)


def test_history_ends_exactly_where_it_is_asked_to(source: OandaSource) -> None:
    answer = history(source, CURSOR, 300)

    assert (len(answer.candles), answer.candles[-1].time) == (300, CURSOR)
    assert answer.at_cursor == answer.candles[-1]


def test_history_up_to_now_leaves_the_forming_candle_out(source: OandaSource, broker: SimulatorServer) -> None:
    answer = history(source, None, 20)

    assert (len(answer.candles), answer.candles[-1].time) == (20, parse_instant("2024-03-06T11:00:00Z"))
    assert "to" not in broker.requests[0].query


def test_history_longer_than_a_page_is_put_together(source: OandaSource, broker: SimulatorServer) -> None:
    answer = history(source, parse_instant("2024-03-06T11:50:00Z"), 7_000, M5)

    assert len(answer.candles) == 7_000
    assert times(answer.candles) == sorted(set(times(answer.candles)))
    assert len(broker.requests) == 2


def test_history_that_begins_later_than_asked_is_short(clock: FakeClock, candles_dir: Path) -> None:
    market = market_of(candles_dir / "EUR_USD_D.csv")
    first = parse_instant("2012-12-03T22:00:00Z")
    with SimulatorServer(market, token=TOKEN, clock=SimulatedClock.fixed(NOW)) as broker:
        source = OandaSource(Secret(TOKEN), broker.url, account_id=None, clock=clock)
        answer = history(source, first + 9 * 86_400, 300, H1._replace(granularity=Granularity.D))
        source.close()

    assert answer.candles[0].time == first
    assert len(answer.candles) == 8


def test_bid_and_ask_are_series_of_their_own(source: OandaSource) -> None:
    bid = newer(source, H1._replace(price=PriceSide.BID)).candles[0]
    ask = newer(source, H1._replace(price=PriceSide.ASK)).candles[0]

    assert bid.close < ask.close


def test_a_candle_that_is_not_complete_yet_is_not_taken(market: RandomMarket, clock: FakeClock) -> None:
    with SimulatorServer(market, token=TOKEN, clock=SimulatedClock.fixed(NOW), completion=ByLag.of(20)) as broker:
        source = OandaSource(Secret(TOKEN), broker.url, account_id=None, clock=clock)
        answer = newer(source)
        source.close()

    assert times(answer.candles) == [CURSOR + 3_600]
    assert answer.forming == CURSOR + 7_200


def test_an_ended_candle_that_is_not_called_complete_holds_back_those_behind_it(
    source: OandaSource, broker: SimulatorServer
) -> None:
    rows = [ROW % (complete, hour) for complete, hour in (("true", 9), ("false", 10), ("true", 11), ("false", 12))]
    broker.faults.add(BrokerFault(faults.body(ROWS % ",".join(rows))))

    answer = newer(source)

    assert times(answer.candles) == []
    assert answer.at_cursor is not None
    assert answer.forming == CURSOR + 3_600


@pytest.mark.parametrize(
    "spoiled",
    [
        '{"complete":true,"volume":1,"time":"2024-03-06T08:00:00Z","mid":{"o":"1","h":"0","l":"2","c":"1"}}',
        '{"complete":true,"volume":1,"time":"2024-03-06T08:00:00Z","mid":{"o":null,"h":[],"l":{},"c":1.5}}',
        '{"complete":true,"volume":1,"time":"2024-03-06T08:00:00Z"}',
        '{"complete":false,"volume":1,"time":"2024-03-06T08:00:00Z","mid":{"o":"1","h":"1","l":"1","c":"1"}}',
        '{"complete":true,"volume":1,"time":"2024-03-06T08:00:01Z","mid":{"o":"1","h":"1","l":"1","c":"1"}}',
    ],
    ids=["impossible", "no prices", "without prices", "incomplete", "off the grid"],
)
def test_what_lies_behind_the_cursor_never_keeps_newer_candles_waiting(
    source: OandaSource, broker: SimulatorServer, spoiled: str
) -> None:
    rows = [spoiled, *(ROW % ("true", hour) for hour in (9, 10, 11)), ROW % ("false", 12)]
    broker.faults.add(BrokerFault(faults.body(ROWS % ",".join(rows))))

    answer = newer(source)

    assert answer.rejected is None
    assert times(answer.candles) == [CURSOR + 3_600, CURSOR + 7_200]
    assert answer.at_cursor is not None
    assert answer.forming == CURSOR + 10_800


@pytest.mark.parametrize(
    "time",
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "999999999999", "2024-02-30T00:00:00Z", "2024-03-06T10:00:00.5Z"],
)
@pytest.mark.parametrize("granularity", [Granularity.S5, Granularity.H4, Granularity.D, Granularity.W, Granularity.M])
def test_a_candle_of_no_possible_time_is_refused(time: str, granularity: Granularity) -> None:
    series = H1._replace(granularity=granularity)
    row = {"complete": True, "volume": 1, "time": time, "mid": dict.fromkeys("ohlc", "1.1")}

    page = read_page(series, {"candles": [row]})

    assert page.candles == []
    assert isinstance(page.rejected, CandleRejected)


@pytest.mark.parametrize(
    "price", ["1" * 16, "1234567890.123456", "1" * 12, "0", "0.00000", "", ".5", "1.", " 1.1", "१"]
)
def test_a_price_that_no_market_has_is_refused(price: str) -> None:
    row = {"complete": True, "volume": 1, "time": "2024-03-06T09:00:00Z", "mid": dict.fromkeys("ohlc", price)}

    taken = usable(H1, Instrument("EUR_USD", 5, -4), read_page(H1, {"candles": [row]}))

    assert taken.complete == []
    assert isinstance(taken.rejected, CandleRejected)


def test_history_up_to_now_has_its_length_while_the_newest_is_late(market: RandomMarket, clock: FakeClock) -> None:
    with SimulatorServer(market, token=TOKEN, clock=SimulatedClock.fixed(NOW), completion=ByLag.of(20)) as broker:
        source = OandaSource(Secret(TOKEN), broker.url, account_id=None, clock=clock)
        answer = history(source, None, 20)
        source.close()

    assert (len(answer.candles), answer.candles[-1].time) == (20, parse_instant("2024-03-06T10:00:00Z"))
    assert answer.forming == parse_instant("2024-03-06T11:00:00Z")


def test_a_bad_candle_in_an_older_page_leaves_no_hole(
    source: OandaSource, broker: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninja_daemon.adapters.oanda.source.PAGE", 10)
    bad = CURSOR - 15 * 3_600
    broker.faults.add(BrokerFault(faults.Spoiled(faults.Flaw.NEGATIVE, bad)))

    answer = history(source, CURSOR, 30)

    assert isinstance(answer.rejected, CandleRejected)
    assert all(time < bad for time in times(answer.candles))
    assert answer.at_cursor is None


def test_a_broker_whose_clock_is_behind_is_asked_without_an_end(source: OandaSource, broker: SimulatorServer) -> None:
    broker.faults.add(BrokerFault(faults.Skew(-3_600.5)))

    answer = history(source, CURSOR + 7_200, 5)

    assert times(answer.candles) == [CURSOR + hours * 3_600 for hours in (-2, -1, 0, 1)]
    assert (answer.forming, answer.at_cursor) == (CURSOR + 7_200, None)
    assert "to" in broker.requests[0].query
    assert "to" not in broker.requests[1].query


def test_a_cursor_in_the_brokers_future_is_said_and_may_pass(source: OandaSource, broker: SimulatorServer) -> None:
    error = refused(source, cursor=NOW + 86_399 - NOW % 3_600)

    assert isinstance(error, BrokerUnavailable)
    assert "2024-03-07" in str(error)
    assert "clock" in str(error)
    assert len(broker.requests) == 1


def test_an_answer_that_cannot_be_read_is_no_quiet_period(source: OandaSource, broker: SimulatorServer) -> None:
    broker.faults.add(BrokerFault(faults.body('{"instrument":"EUR_USD","granularity":"S5","candles":[{}]}')))

    with pytest.raises(CandleRejected):
        source.had_prices(H1, CURSOR, CURSOR + 3_600)


def test_a_quiet_period_is_told_from_a_gap(source: OandaSource) -> None:
    saturday = parse_instant("2024-03-02T12:00:00Z")

    assert source.had_prices(H1, CURSOR, CURSOR + 3_600)
    assert not source.had_prices(H1, saturday, saturday + 3_600)


UNAVAILABLE: dict[str, faults.Effect] = {
    "429": faults.status(429),
    "429 retry-after": faults.status(429, retry_after="2"),
    "429 date": faults.status(429, retry_after="date:2"),
    "429 nonsense": faults.status(429, retry_after="soon"),
    "429 minus": faults.status(429, retry_after="-1"),
    "500": faults.status(500),
    "502 html": faults.status(502),
    "503": faults.status(503),
    "504": faults.status(504),
    "reset": faults.Reset(),
    "cut body": faults.CutBody(),
    "cut json": faults.CutJson(),
    "empty": faults.body(""),
    "null": faults.body("null"),
    "list": faults.body("[]"),
    "object": faults.body("{}"),
    "nan": faults.body('{"candles": NaN}'),
    "not utf-8": faults.body(b"\xff\xfe\x00"),
    "deep": faults.body("[" * 100_000),
    "byte order mark": faults.body('\ufeff{"candles":[]}'),
    "other series": faults.body('{"instrument":"GBP_USD","granularity":"H1","candles":[]}'),
}


@pytest.mark.parametrize("effect", list(UNAVAILABLE.values()), ids=list(UNAVAILABLE))
def test_a_passing_fault_is_outlived(
    source: OandaSource, broker: SimulatorServer, effect: faults.Effect, request: pytest.FixtureRequest
) -> None:
    fault = BrokerFault(effect, times=2)
    broker.faults.add(fault)
    wrong_shape = request.node.callspec.id in {"object", "other series"}

    answer = refused(source) if wrong_shape else newer(source)

    if wrong_shape:
        assert isinstance(answer, BrokerUnavailable)
        broker.faults.clear()
    assert times(newer(source).candles) == [CURSOR + 3_600, CURSOR + 7_200]


@pytest.mark.parametrize("effect", list(UNAVAILABLE.values()), ids=list(UNAVAILABLE))
def test_a_lasting_fault_is_said_in_one_clear_line_after_three_tries(
    source: OandaSource, broker: SimulatorServer, effect: faults.Effect
) -> None:
    broker.faults.add(BrokerFault(effect))

    error = refused(source)

    assert isinstance(error, BrokerUnavailable)
    assert str(error).startswith("the broker")
    assert "\n" not in str(error)
    assert len(str(error)) < 300
    assert len(broker.requests) <= 3


def test_a_wait_that_the_broker_asks_for_is_kept(
    source: OandaSource, broker: SimulatorServer, clock: FakeClock
) -> None:
    broker.faults.add(BrokerFault(faults.status(429, retry_after="7"), times=1))

    newer(source)

    assert any(7 <= wait <= 7.2 for wait in clock.waits)


def test_a_wait_that_is_too_long_is_left_to_the_daemon(source: OandaSource, broker: SimulatorServer) -> None:
    broker.faults.add(BrokerFault(faults.status(429, retry_after="1000000000")))

    error = refused(source)

    assert isinstance(error, BrokerUnavailable)
    assert error.retry_after == 1e9
    assert len(broker.requests) == 1


def test_a_token_that_is_refused_is_tried_three_times_and_not_for_every_series(
    source: OandaSource, broker: SimulatorServer
) -> None:
    broker.faults.add(BrokerFault(faults.status(401)))
    wanted = [Wanted(H1._replace(granularity=granularity), CURSOR) for granularity in (Granularity.M15, Granularity.H1)]
    wanted += [Wanted(M5._replace(granularity=granularity), CURSOR) for granularity in (Granularity.M5, Granularity.M1)]

    answers = source.newer(wanted)

    assert all(isinstance(answer, BrokerDenied) for answer in answers.values())
    assert len(broker.requests) <= 6


def test_a_token_that_is_refused_once_is_tried_again(source: OandaSource, broker: SimulatorServer) -> None:
    broker.faults.add(BrokerFault(faults.status(401), times=1))

    assert newer(source).candles


@pytest.mark.parametrize("code", [400, 403, 404])
def test_a_refused_request_is_not_repeated(source: OandaSource, broker: SimulatorServer, code: int) -> None:
    broker.faults.add(BrokerFault(faults.status(code)))

    error = refused(source)

    assert isinstance(error, BrokerRefused)
    assert isinstance(error, BrokerDenied) == (code == 403)
    assert len(broker.requests) == 1


def test_an_unknown_instrument_is_refused_in_the_brokers_words(source: OandaSource) -> None:
    error = refused(source, H1._replace(instrument="ABC_DEF"))

    assert "Invalid value specified for 'instrument'" in str(error)


def test_a_redirect_is_not_followed(source: OandaSource, broker: SimulatorServer) -> None:
    broker.faults.add(BrokerFault(faults.redirect(f"{broker.url}/v3/instruments/EUR_USD/candles")))

    assert "redirect" in str(refused(source))
    assert len(broker.requests) == 1


def test_a_body_that_unpacks_without_end_is_cut_off(
    source: OandaSource, broker: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninja_daemon.adapters.oanda.transport.LARGEST_BODY", 4 * 2**20)
    broker.faults.add(BrokerFault(faults.GzipBomb(64)))

    assert "at most 4 MB" in str(refused(source))


def test_a_body_that_trickles_ends_at_the_deadline(
    source: OandaSource, broker: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninja_daemon.adapters.oanda.transport.TOTAL_TIMEOUT", 0.3)
    monkeypatch.setattr("ninja_daemon.adapters.oanda.transport.TRIES", 1)
    broker.faults.add(BrokerFault(faults.SlowBody(0.02, size=1)))

    assert isinstance(refused(source), BrokerUnavailable)


def test_headers_that_do_not_come_end_at_the_deadline(
    source: OandaSource, broker: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninja_daemon.adapters.oanda.transport.TOTAL_TIMEOUT", 0.2)
    monkeypatch.setattr("ninja_daemon.adapters.oanda.transport.TRIES", 1)
    broker.faults.add(BrokerFault(faults.Delay(5)))

    assert isinstance(refused(source), BrokerUnavailable)


@pytest.mark.parametrize(
    "effect",
    [
        *(faults.Spoiled(flaw, CURSOR + 7_200) for flaw in faults.Flaw if flaw is not faults.Flaw.DUPLICATE),
        faults.CloseText("NaN", CURSOR + 7_200),
        faults.CloseText("1e5", CURSOR + 7_200),
        faults.CloseText("1,0850", CURSOR + 7_200),
        faults.CloseText("9" * 5_000, CURSOR + 7_200),
        faults.CloseText("-1.08", CURSOR + 7_200),
    ],
    ids=str,
)
def test_an_impossible_candle_is_refused_and_nothing_behind_it_is_taken(
    source: OandaSource, broker: SimulatorServer, effect: faults.Effect
) -> None:
    broker.faults.add(BrokerFault(effect))

    answer = newer(source)

    assert isinstance(answer.rejected, CandleRejected)
    assert CURSOR + 7_200 not in times(answer.candles)
    broker.faults.clear()
    assert times(newer(source).candles) == [CURSOR + 3_600, CURSOR + 7_200]


def test_a_candle_sent_twice_is_taken_once(source: OandaSource, broker: SimulatorServer) -> None:
    broker.faults.add(BrokerFault(faults.Spoiled(faults.Flaw.DUPLICATE, CURSOR + 7_200)))

    assert times(newer(source).candles) == [CURSOR + 3_600, CURSOR + 7_200]


def test_a_server_that_repeats_its_page_for_ever_ends(
    source: OandaSource, broker: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninja_daemon.adapters.oanda.source.PAGE", 2)
    row = '{"complete":true,"volume":1,"time":"2024-03-06T0%d:00:00Z","mid":{"o":"1.1","h":"1.1","l":"1.1","c":"1.1"}}'
    page = '{"instrument":"EUR_USD","granularity":"H1","candles":[' + row % 8 + "," + row % 9 + "]}"
    broker.faults.add(BrokerFault(faults.body(page)))

    assert newer(source).candles == []
    assert len(broker.requests) <= 3


def test_one_failing_series_harms_no_other(source: OandaSource, broker: SimulatorServer) -> None:
    broker.faults.add(BrokerFault(faults.status(500), instrument="EUR_USD"))
    answers = source.newer([Wanted(H1, CURSOR), Wanted(M5, CURSOR)])

    assert isinstance(answers[Wanted(H1, CURSOR)], BrokerUnavailable)
    assert isinstance(answers[Wanted(M5, CURSOR)], Fetched)


def test_many_series_go_over_few_kept_connections(source: OandaSource, broker: SimulatorServer) -> None:
    names = ("EUR_USD", "USD_JPY", "GBP_USD", "AUD_USD", "NZD_USD", "USD_CAD", "EUR_GBP", "GBP_JPY")
    wanted = [
        Wanted(Series(name, granularity, PriceSide.MID), CURSOR)
        for name in names
        for granularity in (Granularity.H1, Granularity.M30, Granularity.M15, Granularity.M5)
    ]

    for _ in range(3):
        assert all(isinstance(answer, Fetched) for answer in source.newer(wanted).values())

    assert len(broker.requests) == 3 * len(wanted)
    assert broker.figures.connections == source.traffic.connections <= 8


def test_one_series_uses_one_connection(source: OandaSource, broker: SimulatorServer) -> None:
    for _ in range(5):
        newer(source)

    assert broker.figures.connections == 1


def test_the_limits_hold_whatever_is_due() -> None:
    clock = FakeClock(100.0)
    limit = RateLimit(clock, 2)
    moments = []
    for _ in range(9):
        assert limit.take(threading.Event())
        moments.append(clock.time)

    assert all(later - earlier >= 1 for earlier, later in zip(moments, moments[2:], strict=False))


def test_a_limit_that_is_stopped_says_so() -> None:
    stop = threading.Event()
    stop.set()

    assert not RateLimit(FakeClock(), 2).take(stop)


FEW_GRANULARITIES = (Granularity.M15, Granularity.M30, Granularity.H1, Granularity.H2, Granularity.H3, Granularity.H4)


class TestAccount:
    """With an account id: its own precisions, and all series in one request."""

    @pytest.fixture
    def source(self, broker: SimulatorServer, clock: FakeClock) -> Iterator[OandaSource]:
        source = OandaSource(Secret(TOKEN), broker.url, account_id=DEFAULT_ACCOUNT, clock=clock)
        yield source
        source.close()

    def test_precisions_come_from_the_account(self, source: OandaSource) -> None:
        listed = source.account_instruments()

        assert listed is not None
        assert listed["USD_JPY"] == Instrument("USD_JPY", 3, -2)

    def test_a_wake_asks_for_all_series_at_once_and_reads_one_singly(
        self, source: OandaSource, broker: SimulatorServer
    ) -> None:
        names = ("EUR_USD", "USD_JPY", "GBP_USD", "AUD_USD", "NZD_USD")
        cursor = parse_instant("2024-03-06T10:00:00Z")
        wanted = [Wanted(Series(name, Granularity.H1, PriceSide.MID), cursor) for name in names]
        source.newer(wanted)
        before = len(broker.requests)

        answers = source.newer(wanted)

        assert len(broker.requests) - before == 2
        for answer in answers.values():
            assert isinstance(answer, Fetched)
            assert times(answer.candles) == [cursor + 3_600]

    @pytest.mark.parametrize("series", [2, 61, 62, 300])
    def test_sixty_series_share_a_request_however_many_are_due(
        self, source: OandaSource, broker: SimulatorServer, series: int
    ) -> None:
        names = ("EUR_USD", "USD_JPY", "GBP_USD", "AUD_USD", "NZD_USD", "USD_CAD", "EUR_GBP", "GBP_JPY", "USD_CHF")
        granularities = [each for each in Granularity if Granularity.M1.seconds <= each.seconds <= 86_400]
        every = [Series(name, each, side) for each in granularities for side in PriceSide for name in names][:series]
        wanted = [Wanted(each, each.granularity.open_at(each.granularity.open_at(NOW) - 1)) for each in every]
        source.account_instruments()
        before = len(broker.requests)

        answers = source.newer(wanted)

        assert len(answers) == series
        assert all(isinstance(answer, Fetched) for answer in answers.values())
        assert len(broker.requests) - before == 1 + -(-(series - 1) // 60)

    def test_the_requests_of_a_wake_are_under_way_at_the_same_time(
        self, source: OandaSource, broker: SimulatorServer
    ) -> None:
        names = ("EUR_USD", "USD_JPY", "GBP_USD")
        cursor = parse_instant("2024-03-06T10:00:00Z")
        wanted = [Wanted(Series(name, Granularity.H1, PriceSide.MID), cursor) for name in names]
        source.newer(wanted)
        # Neither the batched request nor the single one is answered before the other has come.
        together = threading.Barrier(2)
        answered = broker.broker

        class Meeting(SimulatedBroker):
            def answer(self, request: Request, now: float, faults: Sequence[BrokerFault] = ()) -> Answer:
                together.wait(10)
                return answered.answer(request, now, faults)

        broker.broker = Meeting(answered.market, TOKEN, DEFAULT_ACCOUNT)

        assert all(isinstance(answer, Fetched) for answer in source.newer(wanted).values())

    def test_the_batched_answer_equals_the_single_one(self, source: OandaSource, broker: SimulatorServer) -> None:
        cursor = parse_instant("2024-03-06T10:00:00Z")
        wanted = [Wanted(H1, cursor), Wanted(H1._replace(instrument="GBP_USD"), cursor), Wanted(M5, CURSOR + 10_200)]
        batched = source.newer(wanted)
        single = OandaSource(Secret(TOKEN), broker.url, account_id=None, clock=FakeClock(float(NOW)))
        expected = single.newer(wanted)
        single.close()

        for request in wanted:
            one, other = batched[request], expected[request]
            assert isinstance(one, Fetched)
            assert isinstance(other, Fetched)
            assert list(one.candles) == list(other.candles)
            assert one.forming == other.forming

    def test_a_cursor_that_lies_behind_is_read_singly(self, source: OandaSource) -> None:
        wanted = [Wanted(H1, CURSOR - 86_400), Wanted(M5, CURSOR)]
        answers = source.newer(wanted)

        assert all(isinstance(answer, Fetched) for answer in answers.values())
        answer = answers[wanted[0]]
        assert isinstance(answer, Fetched)
        assert len(answer.candles) == 26

    def test_an_endpoint_that_is_refused_is_left_alone_for_an_hour(
        self, source: OandaSource, broker: SimulatorServer, clock: FakeClock
    ) -> None:
        broker.faults.add(BrokerFault(faults.status(404), path="/candles/latest"))
        cursor = parse_instant("2024-03-06T10:00:00Z")
        wanted = [Wanted(H1, cursor), Wanted(H1._replace(instrument="GBP_USD"), cursor)]
        wanted.append(Wanted(H1._replace(instrument="AUD_USD"), cursor))

        for _ in range(3):
            assert all(isinstance(answer, Fetched) for answer in source.newer(wanted).values())

        assert sum("latest" in request.path for request in broker.requests) == 1
        clock.time += 3_601
        source.newer(wanted)
        assert sum("latest" in request.path for request in broker.requests) <= 2

    def test_all_series_of_a_wake_have_the_accounts_precision_from_one_question(
        self, source: OandaSource, broker: SimulatorServer
    ) -> None:
        listed = '{"name":"EUR_USD","displayPrecision":7,"pipLocation":-3}'
        broker.faults.add(BrokerFault(faults.body('{"instruments":[' + listed + "]}"), path="-001/instruments"))
        wanted = [Wanted(H1._replace(granularity=granularity), CURSOR - 86_400) for granularity in FEW_GRANULARITIES]

        answers = source.newer(wanted)

        for answer in answers.values():
            assert isinstance(answer, Fetched)
            assert answer.instrument == Instrument("EUR_USD", 7, -3)
        assert sum(request.path.endswith("/instruments") for request in broker.requests) == 1

    def test_a_list_that_cannot_be_had_is_asked_for_again_after_a_while(
        self, source: OandaSource, broker: SimulatorServer, clock: FakeClock
    ) -> None:
        def asked() -> int:
            return sum(request.path.endswith("/instruments") for request in broker.requests)

        broker.faults.add(BrokerFault(faults.status(404), path="-001/instruments", times=1))
        assert newer(source).instrument == Instrument("EUR_USD", 5, -4)
        newer(source)
        assert asked() == 1

        clock.time += 601
        newer(source)
        newer(source)
        assert asked() == 2
        assert source._precisions._listed

    def test_averages_do_not_begin_with_guessed_digits_while_the_list_may_yet_come(
        self, source: OandaSource, broker: SimulatorServer, clock: FakeClock
    ) -> None:
        broker.faults.add(BrokerFault(faults.status(503), path="-001/instruments", times=6))
        wanted = WantedHistory(H1, CURSOR, 5)

        for _ in range(2):
            answer = source.history([wanted])[wanted]
            assert isinstance(answer, BrokerUnavailable)
            assert "the account has not said the digits of EUR_USD yet" in str(answer)
            assert "strategies that begin anew wait" in source.doubt
        asked = sum(request.path.endswith("/instruments") for request in broker.requests)
        assert asked == 3, "once, with its three tries; the second time within five seconds it is not asked again"
        # What is stored has its digits: its newer candles come all the same.
        assert newer(source).candles
        clock.time += 6
        assert isinstance(source.history([wanted])[wanted], BrokerUnavailable)
        clock.time += 6
        assert history(source, CURSOR, 5).instrument == Instrument("EUR_USD", 5, -4)
        assert not source.doubt

    def test_an_instrument_that_the_account_does_not_list_is_told(
        self, source: OandaSource, broker: SimulatorServer
    ) -> None:
        listed = '{"name":"GBP_USD","displayPrecision":5,"pipLocation":-4}'
        broker.faults.add(BrokerFault(faults.body('{"instruments":[' + listed + "]}"), path="-001/instruments"))

        assert history(source, CURSOR, 5).instrument == Instrument("EUR_USD", 5, -4)
        assert "the account does not list EUR_USD" in source.doubt

    def lists(self, broker: SimulatorServer, decimals: int, pip: int = -4) -> None:
        listed = f'{{"name":"EUR_USD","displayPrecision":{decimals},"pipLocation":{pip}}}'
        broker.faults.add(
            BrokerFault(faults.body('{"instruments":[' + listed + "]}"), path="-001/instruments", times=1)
        )

    def test_prices_finer_than_the_list_says_make_it_be_read_again(
        self, source: OandaSource, broker: SimulatorServer, clock: FakeClock
    ) -> None:
        self.lists(broker, decimals=3)
        assert newer(source).rejected is not None, "it was read a moment ago, and is not asked again at once"
        assert source.changes() == []
        clock.time += 601
        answer = newer(source)
        assert (answer.instrument, answer.rejected) == (Instrument("EUR_USD", 5, -4), None)
        assert answer.candles
        (change,) = source.changes()
        assert "EUR_USD with 5 decimals" in change
        assert source.changes() == []
        assert not source.doubt

    def test_prices_that_stay_finer_do_not_make_it_be_read_all_the_time(
        self, source: OandaSource, broker: SimulatorServer, clock: FakeClock
    ) -> None:
        for _ in range(4):
            self.lists(broker, decimals=3)
        for _ in range(20):
            clock.time += 60
            newer(source)
        assert sum(request.path.endswith("/instruments") for request in broker.requests) == 2

    def test_the_list_is_read_once_a_day_and_a_failure_of_that_changes_nothing(
        self, source: OandaSource, broker: SimulatorServer, clock: FakeClock
    ) -> None:
        def asked() -> int:
            return sum(request.path.endswith("/instruments") for request in broker.requests)

        newer(source)
        clock.time += 86_000
        newer(source)
        assert asked() == 1
        clock.time += 500
        broker.faults.add(BrokerFault(faults.status(404), path="-001/instruments", times=1))
        assert newer(source).instrument == Instrument("EUR_USD", 5, -4)
        assert (asked(), source.doubt) == (2, "")
        clock.time += 601
        self.lists(broker, decimals=6, pip=-4)
        assert newer(source).instrument == Instrument("EUR_USD", 6, -4)
        assert asked() == 3
        assert len(source.changes()) == 1

    def test_a_refused_token_ends_the_wake_at_the_batched_request(
        self, source: OandaSource, broker: SimulatorServer
    ) -> None:
        broker.faults.add(BrokerFault(faults.status(401)))
        cursor = parse_instant("2024-03-06T10:00:00Z")
        wanted = [Wanted(H1._replace(instrument=name), cursor) for name in ("EUR_USD", "GBP_USD", "AUD_USD")]

        answers = source.newer([*wanted, Wanted(H1, CURSOR - 86_400)])

        assert all(isinstance(answer, BrokerDenied) for answer in answers.values())
        assert len(broker.requests) <= 6  # two sessions, three tries each; no third one

    def test_many_series_are_asked_for_in_addresses_that_every_gateway_lets_through(
        self, source: OandaSource, broker: SimulatorServer
    ) -> None:
        cursor = parse_instant("2024-03-06T11:59:00Z")
        names = [f"A{'B' * 14}{letter}_C{'D' * 14}{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
        wanted = [
            Wanted(Series(name, granularity, side), granularity.open_at(cursor))
            for name in names
            for granularity in (Granularity.M1, Granularity.M5)
            for side in PriceSide
        ]
        broker.faults.add(BrokerFault(faults.body('{"latestCandles":[]}'), path="latest"))
        broker.faults.add(BrokerFault(faults.status(404), path="/v3/instruments"))

        source.newer(wanted)

        asked = [request.query["candleSpecifications"] for request in broker.requests if "latest" in request.path]
        assert len(asked) > 3
        assert all(len(quote(text, safe="")) < 1_800 and text.count(",") < 60 for text in asked)
        assert len({name for text in asked for name in text.split(",")}) == len(wanted) - 1

    def test_what_one_batched_request_has_brought_stays_when_the_next_one_fails(
        self, source: OandaSource, broker: SimulatorServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ninja_daemon.adapters.oanda.latest._MOST_SPECIFICATIONS", 2)
        broker.faults.add(BrokerFault(faults.status(503), path="latest", skip=1))
        cursor = parse_instant("2024-03-06T10:00:00Z")
        names = ("EUR_USD", "GBP_USD", "AUD_USD", "NZD_USD", "USD_JPY")
        wanted = [Wanted(H1._replace(instrument=name), cursor) for name in names]

        answers = list(source.newer(wanted).values())

        assert sum(isinstance(answer, Fetched) for answer in answers) == 3
        assert sum(isinstance(answer, BrokerUnavailable) for answer in answers) == 2

    @pytest.mark.parametrize(
        "body",
        [
            "{}",
            '{"latestCandles":7}',
            '{"latestCandles":[]}',
            '{"latestCandles":[null,{"candles":[null]},{"candles":[{"mid":1}]}]}',
            '{"latestCandles":[{"instrument":["x"],"granularity":"H1","candles":[{"mid":{}}]}]}',
        ],
    )
    def test_a_batched_answer_that_is_of_no_use_is_made_up_for_singly(
        self, source: OandaSource, broker: SimulatorServer, body: str
    ) -> None:
        broker.faults.add(BrokerFault(faults.body(body), path="latest"))
        cursor = parse_instant("2024-03-06T10:00:00Z")
        wanted = [Wanted(H1._replace(instrument=name), cursor) for name in ("EUR_USD", "GBP_USD", "AUD_USD")]

        for answer in source.newer(wanted).values():
            assert isinstance(answer, Fetched)
            assert times(answer.candles) == [cursor + 3_600]

    def test_a_batched_answer_that_may_hide_a_gap_is_made_up_for_singly(
        self, source: OandaSource, broker: SimulatorServer
    ) -> None:
        # Its clock is an hour ahead: to it, the candle that follows the cursor's is not one of the newest two.
        broker.faults.add(BrokerFault(faults.Skew(3_600), path="latest"))
        cursor = parse_instant("2024-03-06T10:00:00Z")
        wanted = [Wanted(H1._replace(instrument=name), cursor) for name in ("EUR_USD", "GBP_USD", "AUD_USD")]

        for answer in source.newer(wanted).values():
            assert isinstance(answer, Fetched)
            assert times(answer.candles) == [cursor + 3_600]
        assert len([request for request in broker.requests if request.path.startswith("/v3/instruments")]) == 3

    def test_an_account_of_somebody_else_still_gives_candles(self, broker: SimulatorServer, clock: FakeClock) -> None:
        source = OandaSource(Secret(TOKEN), broker.url, account_id="101-001-9999999-001", clock=clock)
        cursor = parse_instant("2024-03-06T10:00:00Z")
        wanted = [Wanted(H1._replace(instrument=name), cursor) for name in ("EUR_USD", "GBP_USD", "AUD_USD")]

        for _ in range(2):
            assert all(isinstance(answer, Fetched) for answer in source.newer(wanted).values())
        assert sum("latest" in request.path for request in broker.requests) == 1
        assert newer(source).instrument == Instrument("EUR_USD", 5, -4)
        assert history(source, CURSOR, 5).instrument == Instrument("EUR_USD", 5, -4)
        assert "correct OANDA_ACCOUNT_ID, or take it out" in source.doubt
        with pytest.raises(BrokerDenied, match="OANDA_ACCOUNT_ID"):
            source.account_instruments()
        source.close()


def test_the_token_appears_nowhere_whatever_fails(
    source: OandaSource, broker: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = []
    effects: list[faults.Effect] = [*UNAVAILABLE.values(), faults.status(401), faults.status(400), faults.redirect()]
    for effect in effects:
        broker.faults.clear()
        broker.faults.add(BrokerFault(effect))
        error = refused(source)
        said.append(f"{error} {error!r} {error.__cause__!r} {error.__context__!r}")
        assert error.__cause__ is None

    assert TOKEN not in " ".join(said)
    assert TOKEN not in caplog.text


def test_a_server_that_is_not_there_is_said_in_one_line(clock: FakeClock) -> None:
    source = OandaSource(Secret(TOKEN), "http://127.0.0.1:1", account_id=None, clock=clock)

    assert str(refused(source)) == "the broker did not answer (no connection, or it broke off)"
    source.close()


def test_closing_ends_waiting(broker: SimulatorServer) -> None:
    source = OandaSource(Secret(TOKEN), broker.url, account_id=None, clock=FakeClock(float(NOW)))
    source.close()

    assert isinstance(refused(source), BrokerUnavailable)


_TEXTS = st.text(max_size=30) | st.sampled_from(["1.08412", "2024-03-06T09:00:00Z"])
_KEYS = st.sampled_from(["complete", "time", "mid", "o", "h", "l", "c", "x"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=7),
    max_leaves=20,
)


@given(ANYTHING)
@settings(max_examples=300)
def test_whatever_the_broker_sends_only_our_errors_come_out(rows: object) -> None:
    try:
        page = read_page(H1, {"instrument": "EUR_USD", "granularity": "H1", "candles": rows})
    except NinjaError:
        return
    taken = usable(H1, Instrument.from_decimals("EUR_USD", decimals_of(page.candles)), page)
    assert all(isinstance(candle, Candle) for candle in taken.complete)


def test_more_decimals_than_the_instrument_has_are_refused_unless_they_are_zeros() -> None:
    def page(close: str) -> Page:
        prices = {"o": "1.10000", "h": "1.20000", "l": "1.00000", "c": close}
        row = {"complete": True, "volume": 1, "time": "2024-03-06T09:00:00Z", "mid": prices}
        return read_page(H1, {"candles": [row]})

    instrument = Instrument("EUR_USD", 5, -4)

    assert usable(H1, instrument, page("1.1000100")).complete[0].close == 110_001
    assert usable(H1, instrument, page("1.1")).complete[0].close == 110_000
    assert isinstance(usable(H1, instrument, page("1.100001")).rejected, CandleRejected)

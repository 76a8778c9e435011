"""Which candles answer which combination of count, from, to and includeFirst (facts: 1.2 and 1.7)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant, parse_instant
from tests.simulator.client import NOW, Client
from tests.simulator.conftest import Serve

QUARTER = 900
FORMING = NOW - NOW % QUARTER
SATURDAY = parse_instant("2026-11-14T12:00:00Z")
SUNDAY_OPEN = parse_instant("2026-11-15T22:00:00Z")
FRIDAY_LAST = parse_instant("2026-11-13T21:45:00Z")


def at(instant: int) -> str:
    return format_instant(instant)


def test_without_count_from_and_to_the_last_500_come_with_the_forming_one(client: Client) -> None:
    candles = client.candles(granularity="M15")
    assert len(candles) == 500
    assert [candle["complete"] for candle in candles] == [True] * 499 + [False]
    assert parse_instant(candles[-1]["time"]) == FORMING


def test_without_anything_five_second_mid_candles_come(client: Client) -> None:
    answer = client.get("/v3/instruments/EUR_USD/candles").json()
    assert list(answer) == ["instrument", "granularity", "candles"]
    assert (answer["instrument"], answer["granularity"], len(answer["candles"])) == ("EUR_USD", "S5", 500)
    assert all(set(candle) == {"complete", "volume", "time", "mid"} for candle in answer["candles"])


def test_the_forming_candle_counts(client: Client) -> None:
    assert client.times(granularity="M15", count=3) == [FORMING - 2 * QUARTER, FORMING - QUARTER, FORMING]


def test_from_alone_gives_the_first_500(client: Client) -> None:
    times = client.times(granularity="M15", from_=at(SUNDAY_OPEN))
    assert len(times) == min(500, (FORMING - SUNDAY_OPEN) // QUARTER + 1)
    older = client.times(granularity="M15", from_=at(SUNDAY_OPEN - 60 * 86_400))
    assert len(older) == 500
    assert older[0] >= SUNDAY_OPEN - 60 * 86_400


def test_from_and_count_go_forward(client: Client) -> None:
    assert client.times(granularity="M15", from_=at(SUNDAY_OPEN), count=3) == [
        SUNDAY_OPEN,
        SUNDAY_OPEN + QUARTER,
        SUNDAY_OPEN + 2 * QUARTER,
    ]


def test_from_and_count_give_fewer_when_now_is_reached(client: Client) -> None:
    assert client.times(granularity="M15", from_=at(FORMING - QUARTER), count=50) == [FORMING - QUARTER, FORMING]


def test_from_now_is_not_the_future(client: Client) -> None:
    assert client.times(granularity="M15", from_=at(NOW), to=at(NOW)) == [FORMING]


def test_to_and_count_give_the_last_that_open_before_to(client: Client) -> None:
    to = FORMING - 10 * QUARTER
    assert client.times(granularity="M15", to=at(to), count=2) == [to - 2 * QUARTER, to - QUARTER]


def test_to_alone_gives_the_last_500_before_it(client: Client) -> None:
    times = client.times(granularity="M15", to=at(FORMING))
    assert (len(times), times[-1]) == (500, FORMING - QUARTER)


def test_from_and_to_give_all_between(client: Client) -> None:
    start = FORMING - 700 * QUARTER
    times = client.times(granularity="M15", from_=at(SUNDAY_OPEN - 86_400), to=at(FORMING))
    assert times == list(range(SUNDAY_OPEN, FORMING, QUARTER))
    assert len(client.times(granularity="S5", from_=at(NOW - 5_000), to=at(NOW))) > 500
    assert start < SUNDAY_OPEN - 86_400  # more than the 500 of a request without to


def test_to_is_exclusive_on_the_open(client: Client) -> None:
    to = FORMING - 4 * QUARTER
    assert client.times(granularity="M15", from_=at(to - QUARTER), to=at(to)) == [to - QUARTER]
    assert client.times(granularity="M15", from_=at(to - QUARTER), to=f"{to}.000000001") == [to - QUARTER, to]


def test_pages_that_meet_at_an_open_show_each_candle_once(client: Client) -> None:
    borders = [FORMING - hours * 3_600 for hours in (12, 9, 4, 1)]
    pages = [client.times(granularity="M15", from_=at(start), to=at(end)) for start, end in pairwise(borders)]
    joined = [time for page in pages for time in page]
    assert joined == list(range(borders[0], borders[-1], QUARTER))


def test_pages_that_meet_inside_a_candle_both_show_it_whole(client: Client) -> None:
    start, middle, end = FORMING - 4 * QUARTER, FORMING - 2 * QUARTER + 400, FORMING
    before = client.candles(granularity="M15", from_=at(start), to=at(middle))
    after = client.candles(granularity="M15", from_=at(middle), to=at(end))
    assert before[-1] == after[0]
    assert parse_instant(after[0]["time"]) == FORMING - 2 * QUARTER
    assert after[0]["complete"] is True


def test_the_candle_that_covers_from_comes_first(client: Client) -> None:
    midnight = parse_instant("2026-11-18T00:00:00Z")
    assert client.times(granularity="H4", from_=at(midnight), count=1) == [midnight - 2 * 3_600]


@pytest.mark.parametrize("value", ["false", "False"])
def test_without_the_first_one_less_than_count_comes(client: Client, value: str) -> None:
    start = FORMING - 20 * QUARTER
    times = client.times(granularity="M15", from_=at(start), count=10, includeFirst=value)
    assert times == [start + step * QUARTER for step in range(1, 10)]
    assert client.times(granularity="M15", from_=at(start), count=10, includeFirst="True")[0] == start


def test_strictly_the_first_is_dropped_although_it_opens_after_from(serve: Serve) -> None:
    strict, lenient = serve(strict_first=True), serve(strict_first=False)
    asked: dict[str, Any] = {"granularity": "M15", "from_": at(SATURDAY), "count": 3, "includeFirst": "false"}
    opens = [SUNDAY_OPEN + step * QUARTER for step in range(3)]
    assert strict.times(**asked) == opens[1:]
    assert lenient.times(**asked) == opens


def test_leniently_the_candle_that_covers_from_is_dropped(serve: Serve) -> None:
    asked: dict[str, Any] = {"granularity": "M15", "from_": at(SUNDAY_OPEN + 60), "count": 3, "includeFirst": "false"}
    assert serve(strict_first=False).times(**asked) == [SUNDAY_OPEN + QUARTER, SUNDAY_OPEN + 2 * QUARTER]


def test_without_from_there_is_no_first_to_leave_out(client: Client) -> None:
    assert client.times(granularity="M15", count=2, includeFirst="false") == [FORMING - QUARTER, FORMING]


@pytest.mark.parametrize("granularity", ["S5", "M1", "M15", "H1"])
def test_a_closed_window_is_an_empty_list(client: Client, granularity: str) -> None:
    response = client.get(
        "/v3/instruments/EUR_USD/candles", granularity=granularity, from_=at(SATURDAY), to=at(SATURDAY + 10_000)
    )
    assert response.status_code == 200
    assert response.text == f'{{"instrument":"EUR_USD","granularity":"{granularity}","candles":[]}}'


def test_an_empty_or_reversed_window_holds_at_most_the_candle_around_from(client: Client) -> None:
    start = FORMING - 8 * QUARTER
    assert client.times(granularity="M15", from_=at(start), to=at(start)) == []
    assert client.times(granularity="M15", from_=at(start), to=at(start - 3_600)) == []
    assert client.times(granularity="M15", from_=at(start + 60), to=at(start + 60)) == [start]


@pytest.mark.parametrize("granularity", list(Granularity), ids=lambda granularity: granularity.name)
def test_every_granularity_ends_with_the_candle_that_covers_now(client: Client, granularity: Granularity) -> None:
    times = client.times(granularity=granularity.name, count=30)
    assert len(times) == 30
    assert times == sorted(set(times))
    assert all(map(granularity.is_border, times))
    assert times[-1] in {granularity.open_at(NOW), granularity.open_at(granularity.open_at(NOW) - 1)}


def test_the_limit_of_5000_is_on_time_and_5000_pass(client: Client) -> None:
    start = NOW - 5_000 * 60
    assert len(client.times(granularity="M1", from_=at(start), to=at(NOW))) > 3_000
    assert client.refusal(granularity="M1", from_=at(start - 1), to=at(NOW)) == (
        400,
        "Maximum value for 'count' exceeded",
    )
    assert len(client.times(granularity="M15", count=5_000)) == 5_000


def test_history_begins_somewhere(client: Client) -> None:
    times = client.times(granularity="D", from_="1990-01-01T00:00:00Z", count=2)
    assert times[0] == parse_instant("2004-01-01T22:00:00Z")
    assert client.times(granularity="D", to="1990-01-01T00:00:00Z", count=2) == []


def test_smooth_candles_open_at_the_close_before(client: Client) -> None:
    plain = client.candles(granularity="H1", count=20)
    smooth = client.candles(granularity="H1", count=20, smooth="true")
    closes = [candle["mid"]["c"] for candle in plain]
    assert [candle["mid"]["c"] for candle in smooth] == closes
    assert [candle["mid"]["o"] for candle in smooth[1:]] == closes[:-1]
    assert [candle["mid"]["o"] for candle in plain[1:]] != closes[:-1]
    assert all(candle["mid"]["l"] <= candle["mid"]["o"] <= candle["mid"]["h"] for candle in smooth)


def test_times_may_be_given_in_every_form(client: Client) -> None:
    start = FORMING - 40 * QUARTER
    local = format_instant(start + 2 * 3_600).replace("Z", "+02:00")
    forms = [at(start), at(start).replace("Z", ".000000000Z"), str(start), f"{start}.000000000", local]
    answers = {tuple(client.times(granularity="M15", from_=form, count=2)) for form in forms}
    assert answers == {(start, start + QUARTER)}

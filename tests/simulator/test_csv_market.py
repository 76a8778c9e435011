from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ninja_daemon.app.candles.markets import market_of
from ninja_daemon.core.errors import CandleRejected, ConfigError
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.simulator.clock import SimulatedClock
from ninja_daemon.simulator.markets.market import CsvMarket, Row
from tests.simulator.conftest import Serve

HEADER = "time,open,high,low,close,volume\n"
HOURS = """\
2026-11-18T22:00:00Z,1.10000,1.10100,1.09990,1.10050,10
2026-11-18T23:00:00Z,1.10050,1.10060,1.10000,1.10010,20
2026-11-19T01:00:00Z,1.10020,1.10320,1.10020,1.10300,30
2026-11-19T02:00:00Z,1.10300,1.10310,1.09800,1.09900,40
"""
START = parse_instant("2026-11-18T22:00:00Z")
FAR = float(parse_instant("2030-01-01T00:00:00Z"))


def folder_of(tmp_path: Path, **files: str) -> Path:
    for name, lines in files.items():
        (tmp_path / f"{name}.csv").write_text(HEADER + lines, encoding="ascii")
    return tmp_path


def rows(market: CsvMarket, granularity: Granularity, *, now: float = FAR) -> list[Row]:
    return market.rows("EUR_USD", granularity, START - 86_400, START + 7 * 86_400, now)


@pytest.fixture
def hours(tmp_path: Path) -> CsvMarket:
    return market_of(folder_of(tmp_path, EUR_USD_H1=HOURS))


def test_prices_are_served_digit_by_digit(serve: Serve, tmp_path: Path) -> None:
    lines = "2026-11-18T22:00:00Z,151.200,151.390,151.180,151.320,7\n"
    market = market_of(folder_of(tmp_path, USD_JPY_H1=lines))
    (candle,) = serve(market).candles("USD_JPY", granularity="H1", count=1, price="MBA")
    assert candle == {
        "complete": True,
        "volume": 7,
        "time": "2026-11-18T22:00:00.000000000Z",
        "bid": {"o": "151.193", "h": "151.383", "l": "151.173", "c": "151.313"},
        "mid": {"o": "151.200", "h": "151.390", "l": "151.180", "c": "151.320"},
        "ask": {"o": "151.207", "h": "151.397", "l": "151.187", "c": "151.327"},
    }


def test_decimals_and_pip_are_those_of_the_most_exact_price_of_all_its_files(tmp_path: Path) -> None:
    day = "2026-11-18T22:00:00Z,1.1,1.2,1.0,1.15,7\n"
    market = market_of(folder_of(tmp_path, EUR_USD_H1=HOURS, EUR_USD_D=day))
    instrument = market.listings["EUR_USD"].instrument
    assert (instrument.decimals, instrument.pip_location) == (5, -4)
    assert rows(market, Granularity.D) == [Row(START, 110_000, 120_000, 100_000, 115_000, 7)]


def test_a_granularity_without_a_file_is_joined_from_a_finer_one(hours: CsvMarket) -> None:
    assert rows(hours, Granularity.H4) == [
        Row(START, 110_000, 110_320, 109_990, 110_300, 60),
        Row(START + 14_400, 110_300, 110_310, 109_800, 109_900, 40),
    ]
    assert rows(hours, Granularity.D) == [Row(START, 110_000, 110_320, 109_800, 109_900, 100)]
    assert [row.volume for row in rows(hours, Granularity.W)] == []
    friday = Granularity.W.open_at(START)
    assert hours.rows("EUR_USD", Granularity.W, friday, friday + 1, FAR)[0].volume == 100


def test_a_granularity_finer_than_every_file_has_no_candles(hours: CsvMarket) -> None:
    assert rows(hours, Granularity.M15) == []
    assert hours.first_tick("EUR_USD", Granularity.M15, START, START + 86_400) is None


def test_a_window_that_begins_inside_a_joined_candle_does_not_show_half_of_it(hours: CsvMarket) -> None:
    found = hours.rows("EUR_USD", Granularity.H4, START + 3_600, START + 86_400, FAR)
    assert [row.time for row in found] == [START + 14_400]


def test_the_candle_that_covers_now_shows_its_open_and_nothing_that_comes_later(hours: CsvMarket) -> None:
    third = START + 3 * 3_600
    assert rows(hours, Granularity.H1, now=third - 0.5)[-1].time == START + 3_600
    assert rows(hours, Granularity.H1, now=third)[-1] == Row(third, 110_020, 110_020, 110_020, 110_020, 1)
    assert rows(hours, Granularity.H1, now=third + 3_599.9)[-1].close == 110_020
    assert rows(hours, Granularity.H1, now=third + 3_600)[-2].close == 110_300
    assert rows(hours, Granularity.D, now=third) == [Row(START, 110_000, 110_100, 109_990, 110_020, 31)]


def test_a_forming_candle_of_a_file_is_not_complete(serve: Serve, hours: CsvMarket) -> None:
    client = serve(hours, clock=SimulatedClock.fixed(START + 3 * 3_600 + 5))
    assert [candle["complete"] for candle in client.candles(granularity="H1", count=2)] == [True, False]


def test_the_first_price_of_a_span_is_the_open_of_a_candle(hours: CsvMarket) -> None:
    assert hours.first_tick("EUR_USD", Granularity.H1, START + 7_200, START + 10_800) is None
    assert hours.first_tick("EUR_USD", Granularity.H1, START + 7_200, START + 10_801) == START + 10_800
    assert (hours.begins, hours.ends) == (START, START + 5 * 3_600)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2026-11-19T03:00:00Z,1.1,1.1,1.1,1.1", "must have 6 fields"),
        ("2026-11-19T03:30:00Z,1.1,1.1,1.1,1.1,5", "grid"),
        ("2026-11-19T02:00:00Z,1.1,1.1,1.1,1.1,5", "2026-11-19T02:00:00Z comes again with other prices"),
        ("2026-11-19T01:00:00Z,1.1,1.1,1.1,1.1,5", "later than that of the candle before, 2026-11-19T02:00:00Z"),
        ("2026-11-19T03:00:00Z,1.1,1.0,1.1,1.1,5", "between low and high"),
        ("2026-11-19T03:00:00Z,1e0,1.1,1.1,1.1,5", "plain decimal number"),
        ("2026-11-19T03:00:00Z,NaN,1.1,1.1,1.1,5", "plain decimal number"),
        ("yesterday,1.1,1.1,1.1,1.1,5", "a time must look like"),
    ],
)
def test_a_bad_line_is_named_with_its_file(tmp_path: Path, line: str, message: str) -> None:
    folder = folder_of(tmp_path, EUR_USD_H1=HOURS + line + "\n")
    with pytest.raises(CandleRejected, match=message) as caught:
        market_of(folder)
    assert "EUR_USD_H1.csv, line 6" in str(caught.value)


def test_a_file_without_its_header_is_refused(tmp_path: Path) -> None:
    (tmp_path / "EUR_USD_H1.csv").write_text(HOURS, encoding="ascii")
    with pytest.raises(CandleRejected, match="line 1: must be of a known format"):
        market_of(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "EUR_USD_H1.csv").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(CandleRejected, match="line 1: must be of a known format"):
        market_of(tmp_path)


def test_a_folder_without_files_of_candles_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("nothing", encoding="ascii")
    with pytest.raises(ConfigError, match=r"must hold files named like EUR_USD_H4\.csv"):
        market_of(tmp_path)


@pytest.mark.parametrize("name", ["EUR_USD_H4", "GBP_JPY_D"])
def test_ten_years_of_real_candles_come_back_as_they_are_written(serve: Serve, candles_dir: Path, name: str) -> None:
    instrument, granularity = name.rsplit("_", 1)
    path = candles_dir / f"{name}.csv"
    with path.open(encoding="ascii", newline="") as file:
        written = [tuple(line.values()) for line in csv.DictReader(file)]
    client = serve(market_of(path), clock=SimulatedClock.fixed(FAR))
    served: list[tuple[str, ...]] = []
    since = written[0][0]
    while True:
        page = client.candles(instrument, granularity=granularity, from_=since, count=5_000)
        fresh = [candle for candle in page if not served or candle["time"].replace(".000000000", "") > served[-1][0]]
        if not fresh:
            break
        served += [
            (candle["time"].replace(".000000000", ""), *candle["mid"].values(), str(candle["volume"]))
            for candle in fresh
        ]
        since = served[-1][0]
    assert served == written


def test_real_days_are_close_to_the_joined_real_quarters_of_days(candles_dir: Path) -> None:
    """Days of the data are their own file; those joined of H4 agree with most of them."""
    h4, day = (candles_dir / f"EUR_USD_{granularity}.csv" for granularity in ("H4", "D"))
    joined = market_of(h4)
    days = market_of(day)
    span = (parse_instant("2015-01-01T00:00:00Z"), parse_instant("2016-01-01T00:00:00Z"), FAR)
    theirs = {row.time: row for row in days.rows("EUR_USD", Granularity.D, *span)}
    ours = {row.time: row for row in joined.rows("EUR_USD", Granularity.D, *span)}
    same = [time for time in theirs if time in ours and theirs[time][:5] == ours[time][:5]]
    assert len(same) > 240

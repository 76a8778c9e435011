"""Every format, written and read back; and what its files have besides candles."""

from __future__ import annotations

import gzip
import os
import random
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ninja_daemon.adapters.candle_files.formats import FORMATS
from ninja_daemon.adapters.candle_files.opening import open_candles
from ninja_daemon.core.errors import CandleFileRejected
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from tests.adapters.candle_files.reading import refused, taken, taken_as_written
from tests.adapters.candle_files.written import (
    NEW_YORK,
    WRITERS,
    ZONED,
    ZONES,
    file_of,
    lines,
    made_up,
    noisy,
    price,
    wall,
)

H1, H4, D, M1 = Granularity.H1, Granularity.H4, Granularity.D, Granularity.M1
WINTER = made_up(H1, datetime(2020, 1, 6, tzinfo=UTC), datetime(2020, 1, 18, tzinfo=UTC))
ALL_YEAR = made_up(H1, datetime(2019, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC), seed=2)
AROUND_A_CHANGE = ALL_YEAR[1_000:2_000]
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@pytest.mark.parametrize("case", WRITERS)
def test_each_format_is_read_as_it_was_written(tmp_path: Path, case: str) -> None:
    zone = "America/New_York" if case.startswith("histdata") else "UTC" if case == "lean" else "EET"
    # The zone of the others stands in their text.
    written = ALL_YEAR if case in ZONED else AROUND_A_CHANGE
    path = file_of(tmp_path, case, written, ZONES[zone])
    candles, paragraph = taken(path, zone="EET" if case == "csv" else None)
    assert candles == written
    assert f"format {WRITERS[case][0]}; " in paragraph
    assert "step H1" in paragraph
    if case in ZONED:
        assert f"zone {zone}, " in paragraph


@pytest.mark.parametrize("case", sorted(ZONED))
def test_a_format_without_a_zone_takes_the_one_that_is_said(tmp_path: Path, case: str) -> None:
    path = file_of(tmp_path, case, WINTER, ZONES["America/Santiago"])
    assert taken(path, zone="America/Santiago")[0] == WINTER


@pytest.mark.parametrize("case", sorted(set(WRITERS) - {"oanda-json"}))
def test_noise_of_binary_floats_is_rounded_back_and_counted(tmp_path: Path, case: str) -> None:
    if case in {"histdata", "histdata-mt"}:
        pytest.skip("writes six digits, always")
    path = file_of(tmp_path, case, WINTER, UTC, noisy)
    candles, paragraph = taken(path, zone=None if case == "stooq" else "UTC")
    assert candles == WINTER
    assert "prices with the noise of a binary float, rounded back" in paragraph


def test_the_formats_are_those_of_the_page() -> None:
    text = (Path(__file__).parents[3] / "docs" / "candle-files.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1].strip(" `") for line in text.splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(each.name for each in FORMATS)


@in_one_folder
@given(st.data())
def test_any_series_in_any_format_zone_stamp_and_order_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 10_000))
    case = data.draw(st.sampled_from(sorted(WRITERS)))
    # Two formats leave but few zones open.
    own = {"histdata": "America/New_York", "histdata-mt": "America/New_York", "lean": "UTC"}
    zone = own.get(case) or data.draw(st.sampled_from(sorted(ZONES)))
    granularity = data.draw(st.sampled_from([M1, Granularity.M15, H1]))
    start = datetime.fromtimestamp(data.draw(st.integers(1_262_304_000, 1_700_000_000)), UTC)
    end = datetime.fromtimestamp(start.timestamp() + granularity.seconds * data.draw(st.integers(30, 400)), UTC)
    candles = made_up(granularity, start, end, seed=seed)
    if len(candles) < 3:
        return
    text = noisy if data.draw(st.booleans()) and not case.startswith("histdata") else price
    says = case in ZONED and data.draw(st.booleans())
    stamp = "close" if says and data.draw(st.booleans()) else None
    ahead = granularity.seconds if stamp else 0
    stamped = [candle._replace(time=candle.time + ahead) for candle in candles]
    path = file_of(tmp_path, case, stamped, ZONES[zone], text)
    if data.draw(st.booleans()) and not case.startswith(("oanda", "freqtrade", "dukascopy-node")):
        content = path.read_text(encoding="utf-8").splitlines()
        heads = [line for line in content[:1] if not line[0].isdigit()]
        path.write_text("\r\n".join(heads + content[len(heads) :][::-1]) + "\r\n\r\n", encoding="utf-8")
    try:
        found, _ = taken(path, zone=zone if says else None, stamp=stamp)
    except CandleFileRejected as error:
        assert case in ZONED
        assert not says or "day/month and month/day are both possible" in str(error)  # noqa: PT017 - or it is read
        return
    assert found == candles


# --- packed, split, empty -------------------------------------------------------------------------------------------


def test_gzip_zip_and_a_pipe_are_read(tmp_path: Path) -> None:
    plain = file_of(tmp_path, "ours", WINTER)
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    archive = tmp_path / "archive.zip"
    with ZipFile(archive, "w") as file:
        file.writestr("DAT_ASCII_EURUSD_M1_2020.txt", "Gaps of 60 s: none")
        file.writestr("DAT_ASCII_EURUSD_M1_2020.csv", plain.read_bytes())
    for path in (plain, packed, archive):
        assert taken(path)[0] == WINTER
    assert "archive.zip:DAT_ASCII_EURUSD_M1_2020.csv" in taken(archive)[1]


def test_a_torn_archive_is_our_error(tmp_path: Path) -> None:
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(file_of(tmp_path, "ours", WINTER).read_bytes())[:-900])
    archive = tmp_path / "archive.zip"
    archive.write_bytes(b"PK\x03\x04" + os.urandom(200))
    for path in (packed, archive):
        assert "must be a file that can be read, was not" in refused(path)


def test_years_in_several_files_are_one_series_in_any_order(tmp_path: Path) -> None:
    half = len(ALL_YEAR) // 2
    parts = []
    for name, part in (("b", ALL_YEAR[:half]), ("a", ALL_YEAR[half - 1 :])):
        (tmp_path / name).mkdir()
        parts.append(file_of(tmp_path / name, "histdata", part, NEW_YORK))
    candles, paragraph = taken(parts[::-1])
    assert candles == ALL_YEAR
    assert "1 equal duplicates" in paragraph


def test_files_of_two_formats_are_no_series(tmp_path: Path) -> None:
    paths = [file_of(tmp_path, case, WINTER, UTC) for case in ("ours", "binance")]
    with pytest.raises(CandleFileRejected, match="files must be of one format, were binance, ours"):
        taken(paths)


# --- what single formats have ----------------------------------------------------------------------------------------


def test_histdatas_ticks_are_joined_and_a_mid_has_one_digit_more(tmp_path: Path) -> None:
    path = tmp_path / "ticks.csv"
    rows = ["20200101 170000065,1.121210,1.121300,0", "20200101 170059999,1.121230,1.121310,0"]
    rows += ["20200101 170100000,1.121190,1.121260,0", "20200101 170200000,1.121190,1.121260,0"]
    path.write_text("\n".join(rows) + "\n")
    assert "a timeframe must be chosen for ticks - say it: --join M1" in refused(path, zone="America/New_York")
    with_mid = path.read_text()
    assert with_mid
    candles, paragraph = taken_as_written(path, M1, digits=6, zone="America/New_York")
    at = 1_577_916_000
    assert candles == [
        Candle(at, 1_121_255, 1_121_270, 1_121_255, 1_121_270),
        Candle(at + 60, 1_121_225, 1_121_225, 1_121_225, 1_121_225),
    ]
    assert "step ticks, joined to M1" in paragraph
    assert "Incomplete and left out: the candle of 2020-01-01T22:02:00Z" in paragraph
    assert taken(path, M1, zone="America/New_York", price="bid")[0][0] == Candle(at, 112_121, 112_123, 112_121, 112_123)


def test_truefx_is_rounded_to_the_instrument(tmp_path: Path) -> None:
    path = tmp_path / "USDJPY.csv"
    rows = [f"USD/JPY,20200106 00:0{minute}:00.{minute}00,107.089996,107.095001" for minute in range(4)]
    path.write_text("\n".join(rows) + "\n")
    candles, paragraph = taken(path, M1, price="ask")
    assert {candle.open for candle in candles} == {10_709_500}
    assert "prices rounded to 3 digits" in paragraph


def test_bid_above_ask_is_counted_and_not_refused(tmp_path: Path) -> None:
    path = file_of(tmp_path, "fxcm", WINTER)
    text = path.read_text().splitlines()
    fields = text[1].split(",")
    text[1] = ",".join([fields[0], *fields[5:9], *fields[1:5], fields[9]])
    path.write_text("\n".join(text) + "\n")
    candles, paragraph = taken(path)
    assert candles == WINTER
    assert "Bid above ask in 1 rows" in paragraph


def test_one_side_of_two_is_taken_when_it_is_asked_for(tmp_path: Path) -> None:
    for case in ("fxcm", "lean"):
        candles, paragraph = taken(file_of(tmp_path, case, WINTER, UTC), price="bid", zone="UTC")
        assert candles == [Candle(each.time, *(units - 4 for units in each[1:])) for each in WINTER]
        assert "Prices are bid" in paragraph


def test_mt4_with_a_header_of_its_own_and_hours_of_one_digit(tmp_path: Path) -> None:
    path = tmp_path / "EURUSD60.csv"
    rows = [line.replace(",0", ",", 1) for line in lines(WINTER, "%Y.%m.%d,%H:%M", wall(UTC), price, ",7")]
    path.write_text("\n".join(["date,time,open,max,min,close,value", *rows]) + "\n")
    candles, paragraph = taken(path, zone="UTC")
    assert candles == WINTER
    assert "format mt4" in paragraph


def test_metatraders_epoch_is_the_servers_clock(tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    rows = [f"{candle.time + 7_200},{','.join(map(price, candle[1:]))},5,1,0" for candle in WINTER]
    path.write_text("\n".join(["time,open,high,low,close,tick_volume,spread,real_volume", *rows]) + "\n")
    assert taken(path, zone="EET")[0] == WINTER


def test_a_missing_clock_in_mt5_days_is_asked_for(tmp_path: Path) -> None:
    days = made_up(D, datetime(2019, 1, 1, tzinfo=UTC), datetime(2020, 6, 1, tzinfo=UTC))
    path = tmp_path / "EURUSD_D.csv"
    rows = lines(
        [day._replace(time=D.next_close(day.time)) for day in days],
        "%Y.%m.%d",
        wall(NEW_YORK),
        price,
        "\t5\t0\t3",
        "\t",
    )
    path.write_text("\r\n".join(["<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>", *rows]) + "\r\n")
    said = refused(path)
    assert "a date alone does not say when its candle opens" in said
    assert "--zone America/New_York" in said
    assert taken(path, zone="America/New_York")[0] == days
    assert taken(path, zone="America/New_York", stamp="close")[0] == days


def test_weeks_of_mt5_are_named_by_their_sunday(tmp_path: Path) -> None:
    weeks = [
        Candle(at, 110_000, 110_100, 109_900, 110_000) for at in (1_577_743_200 + 604_800 * week for week in range(9))
    ]
    weeks = [week._replace(time=Granularity.W.open_at(week.time)) for week in weeks]
    path = tmp_path / "EURUSD_W.csv"
    sundays = [week._replace(time=week.time + 2 * 86_400) for week in weeks]
    rows = lines(sundays, "%Y.%m.%d", wall(NEW_YORK), price, "\t5\t0\t3", "\t")
    path.write_text("\r\n".join(["<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>", *rows]) + "\r\n")
    candles, paragraph = taken(path, zone="America/New_York")
    assert candles == weeks
    assert "step W" in paragraph


def test_tradingviews_date_is_the_day_of_the_close(tmp_path: Path) -> None:
    days = made_up(D, datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 12, 1, tzinfo=UTC))
    path = tmp_path / "OANDA_EURUSD, 1D.csv"
    rows = lines([day._replace(time=D.next_close(day.time)) for day in days], "%Y-%m-%d", wall(NEW_YORK), price, ",1")
    path.write_text("\n".join(["time,open,high,low,close,#1", *rows]) + "\n")
    candles, paragraph = taken(path)
    assert candles == days
    assert "a date is the day of the close" in paragraph


@pytest.mark.parametrize("form", ["%m/%d/%Y", "%d-%b-%y", "%d.%m.%Y"])
def test_investings_rows_are_turned_and_its_price_is_the_close(tmp_path: Path, form: str) -> None:
    days = made_up(D, datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 12, 1, tzinfo=UTC))
    path = tmp_path / "EUR_USD Historical Data.csv"
    rows = []
    for day in days:
        stamp = datetime.fromtimestamp(D.next_close(day.time), NEW_YORK).strftime(form)
        prices = (day.close, day.open, day.high, day.low)
        rows.append(",".join(f'"{each}"' for each in [stamp, *map(price, prices), "", "-0.10%"]))
    header = '"Date","Price","Open","High","Low","Vol.","Change %"'
    path.write_text("\ufeff" + "\n".join([header, *rows[::-1]]), encoding="utf-8")
    candles, paragraph = taken(path)
    assert candles == days
    assert f"{len(days)} rows turned round, as the newest came first" in paragraph


def test_a_title_a_trailing_comma_and_empty_lines_are_mended(tmp_path: Path) -> None:
    path = tmp_path / "site.csv"
    rows = lines(WINTER, "%Y-%m-%d %H:%M:%S", wall(UTC), price, ",1,")
    path.write_text("\n".join(["Prices of a site", "Date,Open,High,Low,Close,Volume", *rows[::-1], "", ""]))
    candles, paragraph = taken(path, zone="UTC")
    assert candles == WINTER
    assert "1 empty lines" in paragraph
    assert "commas at the end of a line" in paragraph


def test_any_text_is_read_by_options(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    rows = lines(WINTER, "%d/%m/%y %H.%M", wall(ZONES["EET"]), lambda units: price(units).replace(".", ","), ";-1", ";")
    path.write_text("\n".join(rows) + "\n")
    candles, paragraph = taken(
        path,
        columns=("time", "open", "high", "low", "close", "-"),
        zone="EET",
        time_format="%d/%m/%y %H.%M",
        separator=";",
        decimal_comma=True,
    )
    assert candles == WINTER
    assert "zone EET, as said" in paragraph


def test_the_first_hour_of_a_day_may_be_stamped_by_its_first_trade(tmp_path: Path) -> None:
    path = tmp_path / "csv.txt"
    rows = lines(WINTER, "%Y-%m-%d %H:%M", wall(UTC), price)
    path.write_text("\n".join(["Date,Open,High,Low,Close", *(row.replace(" 22:00", " 22:15") for row in rows)]) + "\n")
    candles, paragraph = taken(path, zone="UTC")
    assert candles == WINTER
    assert "stamps of the first trade, moved to the candle's open" in paragraph


def test_times_may_be_the_ends_of_candles(tmp_path: Path) -> None:
    ends = [candle._replace(time=candle.time + 3_600) for candle in WINTER]
    path = tmp_path / "csv.txt"
    path.write_text("\n".join(["Date,Open,High,Low,Close", *lines(ends, "%Y-%m-%d %H:%M", wall(UTC), price)]) + "\n")
    assert "its times look like the ends of candles: no week ends at 17:00" in refused(path, zone="UTC")
    candles, paragraph = taken(path, zone="UTC", stamp="close")
    assert candles == WINTER
    assert "times are the close of a candle" in paragraph


def test_random_texts_are_candles_or_our_error(tmp_path: Path) -> None:
    walk = random.Random(4)
    base = (file_of(tmp_path, case, WINTER[:40], UTC).read_bytes() for case in WRITERS)
    for content in base:
        for _ in range(10):
            changed = bytearray(content)
            for _ in range(walk.randint(1, 6)):
                changed[walk.randrange(len(changed))] = walk.randrange(256)
            path = tmp_path / "random.csv"
            path.write_bytes(bytes(changed))
            try:
                with open_candles([path]) as opened:
                    assert sum(map(len, opened.columns(None)))
            except CandleFileRejected as error:
                assert str(path) in str(error)  # noqa: PT017 - or there is no error at all

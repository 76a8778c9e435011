"""What real files hold that must be refused, with line and cure, or mended and counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from tests.adapters.candle_files.reading import refused, taken
from tests.adapters.candle_files.written import ZONES, file_of, lines, made_up, price, wall

H1, H4, D = Granularity.H1, Granularity.H4, Granularity.D
HOURS = made_up(H1, datetime(2020, 1, 6, tzinfo=UTC), datetime(2020, 1, 18, tzinfo=UTC))
YEAR = made_up(H1, datetime(2018, 1, 1, tzinfo=UTC), datetime(2019, 1, 3, tzinfo=UTC), seed=4)
DAYS = made_up(D, datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 12, 1, tzinfo=UTC))


def written(
    folder: Path, rows: Sequence[str], name: str = "file.csv", header: str = "Date,Open,High,Low,Close"
) -> Path:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def rows_of(candles: Sequence[Candle]) -> list[str]:
    return lines(candles, "%Y-%m-%d %H:%M", wall(UTC), price)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("1.10000,1.09000,1.11000,1.10000", "open and close must lie between low and high"),
        ("1.10000,1.10100,0.00000,1.10000", "prices must be positive"),
        ("1.10000,1101.00000,1.09900,1.10000", "a candle's range must be at most a fifth of the price"),
        ("1100.00000,1101.00000,1099.00000,1100.00000", "a price must be at most five times the one before, was more"),
        ("1.10000,1.10100,1.09900,1,10000", "a line must have 5 fields, had 6"),
        ("1.10000,1.10100,1.09900,abc", "close must be a plain decimal number like 1.09259, was 'abc'"),
        (
            "1.10000,1.10100,1.09900,1.1012345678901",
            "close must have at most 15 digits with 12 of them after the point",
        ),
    ],
)
def test_a_row_that_cannot_be_is_quoted_as_it_stands(tmp_path: Path, wrong: str, message: str) -> None:
    rows = rows_of(HOURS)
    rows[7] = f"{rows[7][:16]},{wrong}"
    said = refused(written(tmp_path, rows), zone="UTC")
    assert f"line 9: {message}" in said
    assert f"the line is '{rows[7]}'" in said


def test_a_lost_point_is_refused_as_it_is_written(tmp_path: Path) -> None:
    rows = ["2020-01-06 10:00,1.05657,1.05690,1.05650,1.05688", "2020-01-06 11:00,1.05688,1057,1.05678,1.05692"]
    said = refused(written(tmp_path, rows), zone="UTC")
    assert "has a decimal point been lost?; the line is '2020-01-06 11:00,1.05688,1057,1.05678,1.05692'" in said


def test_all_kinds_of_fault_are_told_in_one_run_and_the_others_are_counted(tmp_path: Path) -> None:
    rows = rows_of(HOURS)
    for at in (5, 6, 7):
        rows[at] = f"{rows[at][:16]},1.1,nan,1.1,1.1"
    rows[20], rows[21] = rows[21], rows[20]
    rows[30] = f"{rows[30][:16]},1.10,1.09,1.11,1.10"
    rows[40] = "2020-02-30 10:00,1.1,1.1,1.1,1.1"
    rows[50] = rows[49][:16] + ",1.1,1.1,1.1,1.1"
    said = refused(written(tmp_path, rows)).splitlines()
    assert len(said) == 6
    assert "line 7: high must be a plain decimal number" in said[1]
    assert "(2 more like it)" in said[1]
    expected = [
        "calendar",
        "plain decimal",
        "time zone must be known",
        "later than",
        "between low and high",
        "must have one candle",
    ]
    assert [any(each in line for line in said) for each in expected] == [True] * 6


def test_equal_duplicates_go_and_two_prices_of_one_time_are_refused(tmp_path: Path) -> None:
    rows = rows_of(HOURS)
    candles, paragraph = taken(written(tmp_path, [*rows[:5], rows[4], *rows[5:]]), zone="UTC")
    assert candles == HOURS
    assert "1 equal duplicates" in paragraph
    other = rows[4][:16] + ",1.1,1.1,1.1,1.1"
    assert "one time must have one candle, 2020-01-06T04:00:00Z comes again" in refused(
        written(tmp_path, [*rows[:5], other, *rows[5:]]), zone="UTC"
    )


def test_zeros_at_the_end_are_cut_and_others_refused(tmp_path: Path) -> None:
    rows = rows_of(HOURS)
    zeros = [f"2020-01-2{day} 10:00,0,0,0,0" for day in range(5)]
    candles, paragraph = taken(written(tmp_path, [*rows, *zeros]), zone="UTC")
    assert candles == HOURS
    assert "5 rows of zeros at the end" in paragraph
    rows[9] = rows[9][:16] + ",0,0,0,0"
    assert "line 11: prices must be positive" in refused(written(tmp_path, rows), zone="UTC")


def test_a_twelve_hour_clock_is_refused(tmp_path: Path) -> None:
    rows = [row[:11] + f"{(int(row[11:13]) + 11) % 12 + 1:02d}" + row[13:] for row in rows_of(HOURS)]
    assert "times must say AM or PM: they are of a 12-hour clock" in refused(written(tmp_path, rows), zone="UTC")


@pytest.mark.parametrize(("form", "is_told"), [("%m/%d/%Y %H:%M", True), ("%d/%m/%Y %H:%M", True)])
def test_a_number_above_twelve_tells_day_and_month_apart(tmp_path: Path, form: str, is_told: bool) -> None:
    path = written(tmp_path, lines(HOURS, form, wall(UTC), price))
    assert (taken(path, zone="UTC")[0] == HOURS) is is_told


def test_without_one_the_order_of_rows_tells_or_the_file_is_refused(tmp_path: Path) -> None:
    few = made_up(H1, datetime(2020, 1, 6, tzinfo=UTC), datetime(2020, 1, 11, tzinfo=UTC))
    path = written(tmp_path, lines(few, "%d/%m/%Y %H:%M", wall(UTC), price))
    said = refused(path, zone="UTC")
    assert "day/month and month/day are both possible" in said
    assert "--time-format 'DD/MM/YYYY HH:MM' or 'MM/DD/YYYY HH:MM'" in said
    assert taken(path, zone="UTC", time_format="DD/MM/YYYY HH:MM")[0] == few
    turn = made_up(H1, datetime(2020, 2, 27, tzinfo=UTC), datetime(2020, 3, 3, tzinfo=UTC))
    some = [each for each in turn if datetime.fromtimestamp(each.time, UTC).day < 5]
    months = made_up(Granularity.D, datetime(2019, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC))
    early = [each for each in months if datetime.fromtimestamp(each.time, UTC).day < 12]
    assert some
    rows = lines(early, "%d/%m/%Y %H:%M", wall(UTC), price)
    assert taken(written(tmp_path, rows), zone="UTC")[0] == early


def test_times_before_1970_are_told_as_such(tmp_path: Path) -> None:
    said = refused(
        written(tmp_path, ["1927-12-30,17.66,17.66,17.66,17.66,17.66"], header="Date,Open,High,Low,Close,Adj Close")
    )
    assert "line 2: a time must lie between 1970 and 2199, was '1927-12-30'; the line is '1927-12-30,17.66" in said


def test_flat_candles_of_the_weekend_are_dropped_and_counted(tmp_path: Path) -> None:
    filled: list[str] = []
    for row, candle in zip(rows_of(HOURS), HOURS, strict=True):
        filled.append(row)
        if candle.time == 1_578_693_600 - 3_600:
            at = wall(UTC)
            flat = ",".join([price(candle.close)] * 4)
            filled += [f"{at(1_578_693_600 + 3_600 * hour):%Y-%m-%d %H:%M},{flat}" for hour in range(48)]
    path = written(tmp_path, filled)
    assert len(filled) == len(HOURS) + 48
    candles, paragraph = taken(path, zone="UTC")
    assert [each for each in candles if each.time < 1_578_693_600] == [
        each for each in HOURS if each.time < 1_578_693_600
    ]
    assert candles == HOURS
    assert "48 flat candles of closed time" in paragraph


def test_flat_candles_without_volume_are_filling_at_dukascopy(tmp_path: Path) -> None:
    path = file_of(tmp_path, "dukascopy", HOURS)
    text = path.read_text().splitlines()
    fields = text[9].split(",")
    text[9] = ",".join([fields[0], *[fields[1]] * 4, "0"])
    path.write_text("\n".join(text) + "\n")
    candles, paragraph = taken(path)
    assert candles == [*HOURS[:8], *HOURS[9:]]
    assert "1 flat candles of closed time" in paragraph
    assert "1 hole, 1 candles missing, the longest 1 from 2020-01-06T08:00:00Z" in paragraph


def test_days_with_sundays_are_days_of_utc_and_ask_for_hours(tmp_path: Path) -> None:
    days: list[Candle] = []
    for hour in YEAR:
        at = hour.time - hour.time % 86_400
        if days and days[-1].time == at:
            last = days[-1]
            days[-1] = Candle(at, last.open, max(last.high, hour.high), min(last.low, hour.low), hour.close)
        else:
            days.append(hour._replace(time=at))
    said = refused(written(tmp_path, lines(days, "%Y-%m-%d", wall(UTC), price)))
    assert "these have a Sunday, so they are days of UTC or of a server" in said
    assert "give hours or minutes of this feed: --join D" in said
    assert "D candle must open on the 17:00 New York grid" in refused(file_of(tmp_path, "dukascopy-node", days))


@pytest.mark.parametrize("header", ["Date,Open,High,Low,Close,Volume", "Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie"])
def test_stooqs_days_are_warsaws_and_are_asked_about(tmp_path: Path, header: str) -> None:
    tail = ",0" if "Volume" in header else ""
    rows = lines([day._replace(time=D.next_close(day.time)) for day in DAYS], "%Y-%m-%d", wall(UTC), price, tail)
    path = written(tmp_path, rows, header=header)
    assert "a date alone does not say when its candle opens (Stooq's are days of Warsaw)" in refused(path)
    candles, paragraph = taken(path, zone="America/New_York")
    assert candles == DAYS
    assert "format stooq" in paragraph


def test_dates_of_few_days_need_the_stamp(tmp_path: Path) -> None:
    rows = lines(DAYS[:3], "%Y-%m-%d", wall(UTC), price)
    path = written(tmp_path, rows)
    assert "a date may be the day of the open or of the close at 17:00" in refused(path, zone="America/New_York")
    assert taken(path, zone="America/New_York", stamp="open")[0] == DAYS[:3]


def test_the_name_of_a_column_may_say_utc(tmp_path: Path) -> None:
    candles, paragraph = taken(written(tmp_path, rows_of(HOURS), header="timestamp_utc,open,high,low,close"))
    assert candles == HOURS
    assert "zone UTC, as its format says" in paragraph


def test_what_cannot_be_described_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, rows_of(HOURS))
    assert "--columns must name time or date, and open,high,low,close or bid,ask" in refused(
        path, columns=("time", "open")
    )
    assert "--time-format must name year, month and day like" in refused(path, time_format="HH:MM")
    assert "--time-format must be of %Y %y" in refused(path, time_format="%Q")


@pytest.mark.parametrize("tail", ["", ";7"])
def test_semicolons_are_found_beside_decimal_commas(tmp_path: Path, tail: str) -> None:
    rows = [row.replace(",", ";").replace(".", ",") + tail for row in rows_of(HOURS)]
    path = written(tmp_path, rows, header="Date;Open;High;Low;Close" + (";Volume" if tail else ""))
    assert "--decimal-comma reads 1,09259" in refused(path, zone="UTC")
    assert taken(path, zone="UTC", decimal_comma=True)[0] == HOURS


def test_yahoos_closes_of_currencies_are_refused(tmp_path: Path) -> None:
    same = [day._replace(close=day.open, time=D.next_close(day.time)) for day in DAYS]
    same = [Candle(each.time, each.open, max(each[1:]), min(each[1:]), each.close) for each in same]
    for header, tail in (
        ("Date,Open,High,Low,Close,Adj Close", ",1"),
        ("Date,Open,High,Low,Close,Adj Close,Volume", ",1,0"),
    ):
        path = written(tmp_path, lines(same, "%Y-%m-%d", wall(UTC), price, tail), header=header)
        assert "Yahoo's closes of currencies are opens" in refused(path, zone="America/New_York")
    newer = "Price,Close,High,Low,Open,Volume\nTicker,EURUSD=X,EURUSD=X,EURUSD=X,EURUSD=X,EURUSD=X\nDate,,,,,"
    assert "Yahoo's closes of currencies" in refused(written(tmp_path, ["2020-01-06,1.1,1.2,1.0,1.1,0"], header=newer))


def test_an_old_end_of_days_in_a_file_of_hours_is_cut(tmp_path: Path) -> None:
    old = [Candle(HOURS[0].time - 86_400 * day, 110_000, 110_010, 109_990, 110_000) for day in range(40, 0, -1)]
    candles, paragraph = taken(written(tmp_path, rows_of([*old, *HOURS])), zone="UTC")
    assert candles == HOURS
    assert "40 rows at the beginning that are a day apart" in paragraph


def test_a_step_that_is_no_timeframe_can_be_joined_only(tmp_path: Path) -> None:
    threes = made_up(Granularity.M1, datetime(2020, 1, 6, tzinfo=UTC), datetime(2020, 1, 8, tzinfo=UTC))[::3]
    path = written(tmp_path, rows_of(threes))
    assert "a timeframe must be chosen for candles of 180 s - say it: --join" in refused(path, zone="UTC")
    assert len(taken(path, Granularity.M15, zone="UTC")[0]) == 2 * 24 * 4
    assert "candles of 180 s cannot be joined to M10" in refused(path, Granularity.M10, zone="UTC")


def test_an_incomplete_candle_at_either_end_is_left_out(tmp_path: Path) -> None:
    path = file_of(tmp_path, "ours", HOURS[1:-1])
    candles, paragraph = taken(path, H4)
    assert candles[0].time == 1_578_276_000
    assert "Incomplete and left out: the candle of 2020-01-05T22:00:00Z and 2020-01-17T18:00:00Z" in paragraph


def test_unknown_files_say_what_is_known(tmp_path: Path) -> None:
    path = written(tmp_path, ["a;b"], header="x;y")
    said = refused(path)
    assert "line 1: must be of a known format (ours, histdata, histdata-mt, mt5" in said
    assert "was 'x;y'; describe it: --columns time,open,high,low,close --zone UTC" in said
    assert "must be a file of the format mt5, was 'x;y'" in refused(path, format="mt5")
    assert "must hold candles, was empty" in refused(written(tmp_path, [], header=""))


def test_the_zone_of_any_other_text_is_never_guessed(tmp_path: Path) -> None:
    path = written(tmp_path, lines(YEAR, "%Y-%m-%d %H:%M", wall(ZONES["EET"]), price))
    said = refused(path)
    assert "a file of this format does not say its zone; weeks that end at 17:00 New York by zone: EET 100 %" in said
    assert "say it: --zone EET" in said

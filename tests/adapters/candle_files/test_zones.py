"""The zone of a file: found by its weeks, asked for where they do not tell, named where it changes."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ninja_daemon.adapters.candle_files.clocks.closed_time import closed_before, is_closed
from ninja_daemon.adapters.candle_files.clocks.zones import UnknownZone, zone_named
from ninja_daemon.adapters.candle_files.layout import Options
from ninja_daemon.adapters.candle_files.opening import open_candles
from ninja_daemon.core.errors import CandleFileRejected
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.market_hours import MarketHours
from tests.adapters.candle_files.reading import refused, taken
from tests.adapters.candle_files.written import ZONED, ZONES, file_of, joined, lines, made_up, price, wall

H1, H4, D = Granularity.H1, Granularity.H4, Granularity.D
YEARS = made_up(H1, datetime(2013, 6, 1, tzinfo=UTC), datetime(2016, 6, 1, tzinfo=UTC), seed=3)
YEAR = made_up(H1, datetime(2018, 1, 1, tzinfo=UTC), datetime(2019, 1, 3, tzinfo=UTC), seed=4)
TEN_YEARS = made_up(H1, datetime(2010, 1, 3, 22, tzinfo=UTC), datetime(2020, 1, 3, 22, tzinfo=UTC), seed=5)


def without_sundays(candles: list[Candle], zone: str) -> list[Candle]:
    """As servers leave the hours of Sunday out."""
    return [each for each in candles if wall(ZONES[zone])(each.time).weekday() != 6]


@pytest.mark.parametrize("zone", [name for name in ZONES if name != "Europe/London"])
def test_a_year_of_hours_tells_its_zone(tmp_path: Path, zone: str) -> None:
    path = file_of(tmp_path, "mt5", YEAR, ZONES[zone])
    candles, paragraph = taken(path)
    assert candles == YEAR
    assert f"zone {zone}, found by the data: 100 % of " in paragraph


def test_servers_that_leave_sunday_out_are_told_by_their_fridays(tmp_path: Path) -> None:
    kept = without_sundays(YEAR, "EET")
    assert len(kept) < len(YEAR)
    candles, paragraph = taken(file_of(tmp_path, "mt4", kept, ZONES["EET"]))
    assert candles == kept
    assert "zone EET, found by the data" in paragraph


def test_less_than_a_year_is_asked_about_with_the_candidates(tmp_path: Path) -> None:
    said = refused(file_of(tmp_path, "mt5", YEAR[:3_000], ZONES["EET"]))
    assert "the time zone must be known, was not: less than a year does not tell summer time" in said
    assert "weeks that end at 17:00 New York by zone: EET 100 % of" in said
    assert "say it: --zone EET" in said


def test_candles_of_four_hours_do_not_tell_their_zone(tmp_path: Path) -> None:
    path = file_of(tmp_path, "mt5", joined(YEAR, H4), ZONES["America/New_York+7"])
    said = refused(path)
    assert "candles longer than an hour do not tell their zone" in said
    assert "say it: --zone America/New_York+7 (or UTC" in said
    assert taken(path, zone="America/New_York+7")[0] == joined(YEAR, H4)


def test_candles_of_four_hours_off_the_grid_are_refused_with_line_and_cure(tmp_path: Path) -> None:
    hours = joined(YEAR, H4)
    path = file_of(tmp_path, "mt5", hours, ZONES["America/New_York+7"])
    said = refused(path, zone="EET")
    first = next(
        at
        for at, each in enumerate(hours)
        if datetime.fromtimestamp(each.time, UTC) >= datetime(2018, 3, 11, 20, tzinfo=UTC)
    )
    assert f"line {first + 2}: a H4 candle must open on the 17:00 New York grid, was 2018-03-11T22:00:00Z" in said
    assert path.read_text().splitlines()[first + 1].replace("\t", "\\t") in said
    assert "give hours or minutes of this feed: --join H4" in said


def test_a_zone_that_changes_is_named_with_its_date_and_taken_in_parts(tmp_path: Path) -> None:
    turn = int(datetime(2015, 1, 1, tzinfo=UTC).timestamp())
    old = [each for each in YEARS if each.time < turn - 3_600]
    new = [each for each in YEARS if each.time >= turn - 3_600]
    rows = [*lines(old, "%Y.%m.%d,%H:%M", wall(ZONES["CET"])), *lines(new, "%Y.%m.%d,%H:%M", wall(ZONES["EET"]))]
    path = tmp_path / "EURUSD60.csv"
    path.write_text("\n".join(f"{row},7" for row in rows) + "\n")
    said = refused(path)
    assert "the zone changes inside of the file: CET until 2015-01-01, then EET" in said
    assert "--zone 2015-01-01:CET,EET" in said
    candles, paragraph = taken(path, zone="2015-01-01:CET,EET")
    assert candles == [*old, *new]
    assert "zone CET until 2015-01-01, EET, as said" in paragraph
    assert taken(path, zone="2015-01-01:CET,2016-01-01:EET")[0][-1].time < datetime(2016, 1, 1, tzinfo=UTC).timestamp()


def test_histdata_may_keep_winter_time_in_one_year_and_new_yorks_in_the_next(tmp_path: Path) -> None:
    turn = int(datetime(2015, 1, 1, 5, tzinfo=UTC).timestamp())
    kept = [each for each in YEARS if datetime(2014, 1, 1, 5, tzinfo=UTC).timestamp() <= each.time]
    winter = zone_named("UTC-5")
    assert winter.shift == -5 * 3_600
    shift = ZONES["America/New_York"]
    old = lines(
        [each for each in kept if each.time < turn],
        "%Y%m%d %H%M%S",
        lambda at: wall(UTC)(at - 5 * 3_600),
        price,
        ";0",
        ";",
    )
    new = lines([each for each in kept if each.time >= turn], "%Y%m%d %H%M%S", wall(shift), price, ";0", ";")
    path = tmp_path / "histdata.csv"
    path.write_text("\n".join([*old, *new]) + "\n")
    candles, paragraph = taken(path)
    assert candles == kept
    assert "zone UTC-5 until 2015-01-01, America/New_York, found by the data" in paragraph


def test_fxcms_old_files_of_lean_do_not_fit_its_zones(tmp_path: Path) -> None:
    folder = tmp_path / "fxcm"
    folder.mkdir()
    part = YEAR[:800]
    rows = [each._replace(time=each.time - 9 * 3_600) for each in part]
    said = refused(file_of(folder, "lean", rows, UTC))
    assert "in 2018 the data do not show one of its zones (UTC-5 0 % of" in said


def test_a_format_whose_zone_the_data_contradict_is_asked_about(tmp_path: Path) -> None:
    moved = [each._replace(time=each.time + 3 * 3_600) for each in YEAR]
    said = refused(file_of(tmp_path, "fxcm", moved))
    assert "its format says UTC, the data say otherwise" in said
    assert "--zone Europe/Moscow" in said  # UTC+3 in that year


def test_a_market_without_weekends_is_taken_in_utc_when_the_format_says_so(tmp_path: Path) -> None:
    candles = [
        Candle(1_577_836_800 + 3_600 * hour, 110_000, 110_000 + hour % 7, 109_990, 110_000) for hour in range(900)
    ]
    candles[500] = Candle(candles[500].time, 110_000, 110_000, 110_000, 110_000)
    found, paragraph = taken(file_of(tmp_path, "binance", candles))
    assert found == candles
    assert "Trades on weekends" in paragraph
    assert "No holes" in paragraph


def test_an_hour_that_comes_twice_is_taken_twice(tmp_path: Path) -> None:
    start = int(datetime(2020, 10, 24, tzinfo=UTC).timestamp())
    candles = [Candle(start + 3_600 * hour, 110_000, 110_001 + hour, 109_990, 110_000) for hour in range(60)]
    path = file_of(tmp_path, "csv", candles, ZONES["EET"])
    assert taken(path, zone="EET")[0] == candles


def test_a_time_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    start = int(datetime(2020, 3, 28, tzinfo=UTC).timestamp())
    candles = [Candle(start + 3_600 * hour, 110_000, 110_001 + hour, 109_990, 110_000) for hour in range(60)]
    assert "there is no such time in EET" in refused(file_of(tmp_path, "csv", candles), zone="EET")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("utc", "UTC"), ("UTC-5", "UTC-5"), ("+03:00", "UTC+3"), ("GMT+2", "UTC+2"), ("New York", "America/New_York"),
        ("EET/EU", "EET"), ("America/New_York+7", "America/New_York+7"), ("New York + 7", "America/New_York+7"),
        ("Asia/Kolkata", "Asia/Kolkata"), ("UTC+5:30", "UTC+5:30"),
    ],
)  # fmt: skip
def test_names_of_zones(name: str, shown: str) -> None:
    assert zone_named(name).name == shown


@pytest.mark.parametrize("name", ["", "America", "Europe/Berln", "UTC+99", "../etc/passwd", "2015:UTC"])
def test_what_is_no_zone(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownZone, match="a zone must be like UTC, UTC\\+3, Europe/Athens"):
        zone_named(name)
    assert "--zone: a zone must be like" in refused(file_of(tmp_path, "mt5", YEAR[:50]), zone=name or "x")


@pytest.mark.parametrize(
    "zone", ["America/New_York", "EET", "America/Santiago", "Asia/Kolkata", "UTC-5", "America/New_York+7"]
)
def test_many_clock_times_become_utc_as_pythons_own_clock_says(zone: str) -> None:
    walk = random.Random(7)
    utc = np.array(sorted(walk.randrange(0, 2_000_000_000) for _ in range(3_000)), dtype=np.int64)
    ours = zone_named(zone)
    walls = utc + ours.offsets(utc)
    place = ZONES.get(zone)
    if place is not None:
        expected = [int(wall(place)(int(at)).replace(tzinfo=UTC).timestamp()) for at in utc]
        assert walls.tolist() == expected
    again = ours.utc(walls)
    twice = ours.repeated(walls)
    assert (again + np.where(again < utc, twice, 0) == utc).all()


def test_closed_time_is_that_of_the_market_hours() -> None:
    walk = random.Random(8)
    instants = sorted(walk.randrange(1_000_000_000, 1_900_000_000) for _ in range(2_000))
    closed = is_closed(np.array(instants, dtype=np.int64)).tolist()
    assert closed == [not MarketHours.FX.is_open(at) for at in instants]
    sums = closed_before(np.array([instants[0], instants[-1]], dtype=np.int64))
    assert 0.28 < (sums[1] - sums[0]) / (instants[-1] - instants[0]) < 0.31


@pytest.mark.parametrize("zone", ZONES)
def test_hours_of_ten_years_joined_are_the_candles_themselves(tmp_path: Path, zone: str) -> None:
    path = file_of(tmp_path, "csv", TEN_YEARS, ZONES[zone])
    with open_candles([path], Options(zone=zone)) as opened:
        for granularity, expected in direct().items():
            assert [candle for columns in opened.columns(granularity) for candle in columns] == expected
            assert opened.report is not None
            assert f"step H1, joined to {granularity.name}" in opened.report.paragraph()


@cache
def direct() -> dict[Granularity, list[Candle]]:
    """The candles of ten years, made without a file."""
    return {granularity: joined(TEN_YEARS, granularity) for granularity in (H4, D)}


# --- never silently wrong -------------------------------------------------------------------------------------------


def random_file(folder: Path, walk: random.Random) -> tuple[Path, list[Candle]]:
    """A file of any length, in any zone, of a format that names none; perhaps with an hour shifted somewhere."""
    case = walk.choice(sorted(ZONED - {"csv"}))
    own = {"histdata": "America/New_York", "histdata-mt": "America/New_York", "lean": "UTC"}
    zone = own.get(case) or walk.choice(sorted(ZONES))
    start = walk.randrange(1_262_304_000, 1_700_000_000)
    days = walk.choice([5, 12, 40, 150, 370, 500])
    granularity = walk.choice([Granularity.H1, Granularity.M30, Granularity.H2, H4])
    first, last = (datetime.fromtimestamp(at, UTC) for at in (start, start + days * 86_400))
    candles = made_up(granularity, first, last, seed=walk.randrange(9_999))
    if walk.random() < 0.3:
        candles = without_sundays(candles, zone)
    if walk.random() < 0.2:
        candles = [each for each in candles if walk.random() > 0.02]
    return file_of(folder, case, candles, ZONES[zone]), candles


def test_a_zone_is_never_found_wrong_silently(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    walk = random.Random(11)
    count = 10_000 if request.config.getoption("--long", default=False) else 40
    taken_in = wrong = 0
    for _ in range(count):
        path, candles = random_file(tmp_path, walk)
        try:
            found, _ = taken(path)
        except CandleFileRejected:
            continue
        taken_in += 1
        wrong += found != candles
    assert wrong == 0
    assert taken_in > count // 50

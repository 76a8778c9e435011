"""Files as public ones of each origin are, and what is easily guessed wrong about them.

What else is easily guessed wrong is tested with zones, formats and faults.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import pytest

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from tests.adapters.candle_files.reading import refused, taken, taken_as_written
from tests.adapters.candle_files.written import (
    NEW_YORK,
    ZONES,
    Text,
    Wall,
    file_of,
    joined,
    lines,
    made_up,
    price,
    wall,
)

H1, H4, D, W, M = Granularity.H1, Granularity.H4, Granularity.D, Granularity.W, Granularity.M
HOURS = made_up(H1, datetime(2020, 1, 6, tzinfo=UTC), datetime(2020, 1, 18, tzinfo=UTC))
YEAR = made_up(H1, datetime(2018, 1, 1, tzinfo=UTC), datetime(2019, 1, 3, tzinfo=UTC), seed=4)
DAYS = made_up(D, datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 12, 1, tzinfo=UTC))
CLOCK: Final = "%Y-%m-%d %H:%M:%S"
UTC_CLOCK: Final = wall(UTC)


def written(folder: Path, rows: Sequence[str], *, end: str = "\n", name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes((end.join(rows) + end).encode())
    return path


def short(units: int) -> str:
    """A price without the zeros at its end, as most tables of numbers are saved."""
    return price(units).rstrip("0").rstrip(".")


def noise(units: int) -> str:
    """The number as a sum of binary floats leaves it: one unit in the sixteenth digit too much."""
    return repr(math.nextafter(units / 100_000, 2))


def by_four(candle: Candle, text: Text = price, order: str = "ohlc") -> str:
    prices = dict(zip("ohlc", map(text, candle[1:]), strict=True))
    return ",".join(prices[letter] for letter in order)


def answer(candle: Candle, side: str = "mid", time: str | None = None) -> dict[str, Any]:
    """A candle as OANDA's v20 gives it."""
    at = UTC_CLOCK(candle.time).strftime("%Y-%m-%dT%H:%M:%S.000000000Z") if time is None else time
    return {"complete": True, "volume": 5, "time": at, side: dict(zip("ohlc", map(price, candle[1:]), strict=True))}


# --- origins that go in ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Origin:
    """How an origin writes hours.

    Attributes:
        format: as which it is known.
        rows: the lines of a file.
        options: what the user must say.
        said: a part of the closing paragraph.
        end: of a line.
    """

    format: str
    rows: Callable[[Sequence[Candle]], Sequence[str]]
    options: dict[str, Any] = field(default_factory=dict)
    said: str = ""
    end: str = "\n"


def headed(
    header: str, form: str, clock: Wall = UTC_CLOCK, text: Text = price, tail: str = "", part: str = ","
) -> Callable[[Sequence[Candle]], Sequence[str]]:
    return lambda candles: [*([header] if header else []), *lines(candles, form, clock, text, tail, part)]


def ordered(header: str, order: str, tail: str, part: str = ",") -> Callable[[Sequence[Candle]], Sequence[str]]:
    """Rows of UNIX seconds whose columns are in another order."""
    return lambda candles: [
        header, *(f"{candle.time},{by_four(candle, short, order)}{tail}".replace(",", part) for candle in candles)
    ]  # fmt: skip


def binance(candles: Sequence[Candle]) -> Sequence[str]:
    header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker,ignore"
    rows = (f"{each.time}000000,{by_four(each)}000,1.5,{each.time + 3_599}999999,9,7,1,1,0" for each in candles)
    return [header, *rows]


def fxcm_side(candles: Sequence[Candle]) -> Sequence[str]:
    return [
        "timestamp,open,high,low,close,volume",
        *lines(candles, "%Y-%m-%d %H:%M:%S+00:00", UTC_CLOCK, price, ",9.0"),
    ]


def fxcm_script(candles: Sequence[Candle]) -> Sequence[str]:
    header = "date,bidopen,bidclose,bidhigh,bidlow,askopen,askclose,askhigh,asklow,tickqty"
    rows = []
    for candle in candles:
        sides = (by_four(Candle(candle.time, *(each + by for each in candle[1:])), short, "ochl") for by in (-5, 4))
        rows.append(f"{UTC_CLOCK(candle.time):{CLOCK}},{','.join(sides)},9")
    return [header, *rows]


ORIGINS = {
    "minutes saved with the day first": Origin(
        "csv", headed("timestamp,open,high,low,close", "%d/%m/%Y %H:%M"), {"zone": "UTC"}, "zone UTC, as said"
    ),
    "MetaTrader's Python with noise": Origin(
        "metatrader-python",
        headed("time,open,high,low,close,tick_volume,spread,real_volume", CLOCK, wall(ZONES["EET"]), noise, ",31,4,0"),
        {"zone": "EET"}, "prices with the noise of a binary float, rounded back", "\r\n",
    ),
    "MT5 with dots and names of its own": Origin(
        "metatrader-python",
        headed("Date,Open,High,Low,Close,Tickvol,Volume,Spread", "%Y.%m.%d %H:%M:%S", UTC_CLOCK, price, ",5,0,3"),
        {"zone": "UTC"},
    ),
    "MT5 parted by commas": Origin(
        "mt5",
        headed("<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<TICKVOL>", "%Y.%m.%d,%H:%M:%S", UTC_CLOCK, price, ",5"),
        {"zone": "UTC"}, end="\r\n",
    ),
    "MT4 with a header": Origin(
        "mt4", headed("Date,Time,Open,High,Low,Close,Volume", "%Y.%m.%d,%-H:%M", tail=",5"), {"zone": "UTC"}
    ),
    "Dukascopy by another name of UTC": Origin(
        "dukascopy", headed("Etc/UTC,Open,High,Low,Close,Volume", "%d.%m.%Y %H:%M:%S.000 GMT+0000", tail=",1.25")
    ),
    "Dukascopy joined, parted by tabs": Origin(
        "csv", headed("Date\tOpen\tHigh\tLow\tClose", "%-m/%-d/%Y %-H:%M", part="\t"), {"zone": "UTC"}
    ),
    "FXCM, one side, offset in the text": Origin("csv", fxcm_side, said="zone UTC, by the offsets in the text"),
    "FXCM's script": Origin("fxcm", fxcm_script, {"price": "ask", "decimals": 5}, "Prices are ask"),
    "OANDA v1, UNIX seconds": Origin(
        "csv", ordered("TIME\tOPEN\tCLOSE\tHIGH\tLOW\tVOLUME", "ochl", ",0.0", "\t"), said="step H1"
    ),
    "OANDA v20 as floats": Origin("csv", headed("time,o,h,l,c", CLOCK + "+00:00", text=noise), said="noise of a"),
    "OANDA v20, one candle a line, UNIX": Origin(
        "oanda-json",
        lambda candles: [json.dumps(answer(each, time=f"{each.time}.000000000")) for each in candles],
    ),
    "OANDA v20, asks only": Origin(
        "oanda-json", lambda candles: [json.dumps({"candles": [answer(each, "ask") for each in candles]})],
        said="Prices are ask",
    ),
    "dukascopy-node, arrays": Origin(
        "dukascopy-node",
        lambda candles: [json.dumps([[each.time * 1_000, *(n / 100_000 for n in each[1:])] for each in candles])],
        {"format": "dukascopy-node"},
    ),
    "decimal commas of Santiago": Origin(
        "csv",
        headed("Time;Open;High;Low;Close;Volume", "%Y.%m.%d %H:%M", wall(ZONES["America/Santiago"]),
               lambda units: price(units).replace(".", ","), ";-1", ";"),
        {"zone": "America/Santiago", "decimal_comma": True},
    ),
    "Binance with a header, microseconds": Origin("binance", binance, said="5 digits"),
    "Alpha Vantage, newest first": Origin(
        "csv", lambda candles: headed("timestamp,open,high,low,close,volume", CLOCK, tail=",5")(candles)[:1]
        + lines(candles, CLOCK, UTC_CLOCK, price, ",5")[::-1],  # type: ignore[operator]
        {"zone": "UTC"}, "rows turned round, as the newest came first",
    ),
    "backtesting.py, no name above the times": Origin("csv", headed(",Open,High,Low,Close,Volume", CLOCK, tail=",5"),
                                                      {"zone": "UTC"}),
}  # fmt: skip


@pytest.mark.parametrize("origin", ORIGINS.values(), ids=ORIGINS)
def test_hours_of_an_origin_are_the_candles_that_were_written(tmp_path: Path, origin: Origin) -> None:
    path = written(tmp_path, origin.rows(HOURS), end=origin.end)
    expected = HOURS
    if origin.options.get("price") == "ask":
        expected = [Candle(each.time, *(units + 4 for units in each[1:])) for each in HOURS]
    candles, paragraph = taken(path, **origin.options)
    assert candles == expected
    assert f"format {origin.format}; " in paragraph
    assert origin.said in paragraph
    count = f"{len(HOURS):,} rows read, {len(HOURS):,} candles taken"
    assert f"{count}, from 2020-01-06T00:00:00Z to 2020-01-17T21:00:00Z" in paragraph


def test_a_mid_of_an_odd_spread_has_one_more_digit(tmp_path: Path) -> None:
    paragraph = taken(written(tmp_path, fxcm_script(HOURS[:40])), price="bid")[1]
    assert "5 digits" in paragraph
    candles, paragraph = taken_as_written(tmp_path / "file.csv", H1, digits=6)
    assert candles[0][1:] == tuple(units * 10 - 5 for units in HOURS[0][1:])
    assert "6 digits" in paragraph


def test_lean_is_read_from_its_archive(tmp_path: Path) -> None:
    folder = tmp_path / "oanda"
    folder.mkdir()
    text = file_of(tmp_path, "lean", HOURS, UTC).read_bytes()
    with ZipFile(folder / "eurusd.zip", "w") as archive:
        archive.writestr("eurusd.csv", text)
    candles, paragraph = taken(folder / "eurusd.zip")
    assert candles == HOURS
    assert "format lean; zone UTC, found by the data" in paragraph


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_texts_of_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    path = file_of(tmp_path, "mt5", HOURS, ZONES["EET"])
    text = path.read_text().replace("\n", "\r\n")
    path.write_bytes(text.encode(encoding))
    assert taken(path, zone="EET")[0] == HOURS
    path.write_bytes(text.replace("\t1.", "\t1,", 1).encode(encoding))
    said = refused(path, zone="EET")
    assert "line 2: open must be a plain decimal number like 1.09259, was '1,10000'" in said
    assert "the line is '2020.01.06\\t02:00:00\\t1,10000" in said


# --- what looks like something else ----------------------------------------------------------------------------------


def test_histdata_says_winter_time_and_has_new_yorks_summer(tmp_path: Path) -> None:
    at = int(datetime(2018, 6, 1, 12, tzinfo=UTC).timestamp())
    path = file_of(tmp_path, "histdata", YEAR, NEW_YORK)
    assert f"20180601 080000;{price(next(each.open for each in YEAR if each.time == at))}0;" in path.read_text()
    assert taken(path)[0] == YEAR
    assert "America/New_York" in taken(path)[1]


def test_hours_of_four_of_a_european_server_can_only_be_relabelled(tmp_path: Path) -> None:
    athens, made = ZONES["EET"], list[Candle]()
    for hour in YEAR:
        local = wall(athens)(hour.time)
        opened = hour.time - 3_600 * (local.hour % 4)
        if made and made[-1].time == opened:
            last = made[-1]
            made[-1] = Candle(opened, last.open, max(last.high, hour.high), min(last.low, hour.low), hour.close)
        else:
            made.append(hour._replace(time=opened))
    path = file_of(tmp_path, "mt5", made, athens)
    assert "a H4 candle must open on the 17:00 New York grid" in refused(path, zone="EET")
    relabelled = taken(path, zone="America/New_York+7")[0]
    assert [each[1:] for each in relabelled] == [each[1:] for each in made]
    assert all(H4.is_border(each.time) for each in relabelled)
    moved = sum(one.time != other.time for one, other in zip(relabelled, made, strict=True))
    assert 0 < moved < len(made) / 12  # the weeks in which one side of the Atlantic alone has summer time


def test_hours_of_four_may_begin_as_days_from_before_the_euro(tmp_path: Path) -> None:
    days = [Candle(HOURS[0].time - 86_400 * day, *(110_000,) * 4) for day in range(60, 3, -1)]
    kept = joined(HOURS, H4)[1:]
    rows = [*days, *kept]
    path = file_of(tmp_path, "mt5", rows, ZONES["America/New_York+7"])
    candles, paragraph = taken(path, zone="America/New_York+7")
    assert candles == kept
    assert "57 rows at the beginning that are a day apart" in paragraph


def test_a_month_that_is_named_by_its_last_day_is_refused(tmp_path: Path) -> None:
    months = [
        f"2019-{month:02d}-{day},1.10,1.12,1.09,1.11" for month, day in ((1, 31), (2, 28), (3, 31), (4, 30), (5, 31))
    ]
    path = written(tmp_path, [",Open,High,Low,Close", *months])
    assert "a month must be named by its first day, was not - give days or hours of this feed: --join M" in refused(
        path, zone="America/New_York"
    )
    path.write_text(path.read_text().replace("-31,", "-01,").replace("-28,", "-01,").replace("-30,", "-01,"))
    assert len(taken(path, zone="America/New_York")[0]) == 5


def test_saturdays_are_days_of_no_market_that_closes_in_new_york(tmp_path: Path) -> None:
    rows = [each._replace(time=each.time + 86_400) for each in DAYS]
    path = written(tmp_path, headed("Date,Open,High,Low,Close", "%Y.%m.%d", wall(NEW_YORK))(
        [each._replace(time=D.next_close(each.time)) for each in rows]), end="\r\n")  # fmt: skip
    assert "give hours or minutes of this feed: --join D" in refused(path)


def test_dukascopys_days_are_those_of_utc_and_their_weekends_are_filled(tmp_path: Path) -> None:
    rows, start = [], int(datetime(2020, 1, 6, tzinfo=UTC).timestamp())
    for day in range(28):
        at, flat = UTC_CLOCK(start + day * 86_400), day % 7 == 5
        prices = "1.10000,1.10000,1.10000,1.10000,0" if flat else "1.10000,1.10200,1.09900,1.10100,8501299804.6875"
        rows.append(f"{at:%d.%m.%Y %H:%M:%S.000},{prices}")
    said = refused(written(tmp_path, ["Gmt time,Open,High,Low,Close,Volume", *rows]))
    assert "line 2: a D candle must open on the 17:00 New York grid, was 2020-01-06T00:00:00Z" in said
    assert "the line is '06.01.2020 00:00:00.000,1.10000,1.10200" in said
    assert "(23 more like it)" in said  # the four Saturdays are filling
    assert "give hours or minutes of this feed: --join D" in said


def test_two_columns_of_investing_that_run_backwards_are_refused(tmp_path: Path) -> None:
    lows = [day.low for day in DAYS][::-1]
    highs = [day.high for day in DAYS][::-1]
    rows = []
    for day, high, low in zip(DAYS, highs, lows, strict=True):
        at = datetime.fromtimestamp(D.next_close(day.time), NEW_YORK)
        rows.append(",".join([f"{at:%d-%b-%y}", *map(price, (day.close, day.open, high, low))]))
    said = refused(written(tmp_path, ["Date,Price,Open,High,Low", *rows]))
    assert "open and close must lie between low and high, did not" in said
    assert " more like it)" in said


def test_investings_thousands_are_grouped(tmp_path: Path) -> None:
    rows = [f'"{day:02d}.01.2020","1,234.5{day}","1,234.50","1,235.10","1,233.90","-","0.1%"' for day in (6, 7, 8, 9)]
    path = written(tmp_path, ['"Date","Price","Open","High","Low","Vol.","Change %"', *rows[::-1]])
    path.write_text("\ufeff" + path.read_text().rstrip("\n"), encoding="utf-8")
    assert [each.close for each in taken(path)[0]] == [123_456_000, 123_457_000, 123_458_000, 123_459_000]


def test_yahoos_index_is_asked_about_and_its_digits_do_not_come_back(tmp_path: Path) -> None:
    days = [
        f"{datetime.fromtimestamp(D.next_close(day.time), NEW_YORK):%Y-%m-%d},"
        + ",".join(f"{units / 100_000 + 0.00000839834690094:.14f}" for units in (*day[1:], day.close))
        + ",0"
        for day in made_up(D, datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 3, 26, tzinfo=UTC), move=900)
    ]
    path = written(tmp_path, ["Date,Open,High,Low,Close,Adj Close,Volume", *days])
    said = refused(path)
    assert "line 2: open must have at most 15 digits with 12 of them after the point" in said
    assert "--decimals N rounds it to N digits after the point" in said
    said = refused(path, decimals=4)
    assert "a date alone does not say when its candle opens (Yahoo's are days of London or of the exchange)" in said
    candles, paragraph = taken(path, decimals=4, zone="America/New_York")
    assert "prices rounded to 4 digits" in paragraph
    assert len(candles) == len(days)


def test_digits_are_those_of_the_end_not_of_the_start(tmp_path: Path) -> None:
    old, new = HOURS[:200], HOURS[200:]
    coarse = [Candle(each.time, *(units // 10 * 10 for units in each[1:])) for each in old]
    rows = [*lines(coarse, CLOCK, UTC_CLOCK, lambda units: price(units)[:6]), *lines(new, CLOCK, UTC_CLOCK)]
    candles, paragraph = taken(written(tmp_path, ["Date,Open,High,Low,Close", *rows]), zone="UTC")
    assert candles == [*coarse, *new]
    assert "5 digits" in paragraph
    mixed = ["24000", "24000.5", "23999.25", "24000.125"]
    index = written(tmp_path, ["Date,O,H,L,C", *(f"2020-01-06 1{day}:00:00,{','.join(mixed)}" for day in (6, 7))])
    assert "3 digits" in taken(index, zone="UTC")[1]

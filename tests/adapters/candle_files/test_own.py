from __future__ import annotations

import os
import threading
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from ninja_daemon.adapters.candle_files.layout import Options
from ninja_daemon.adapters.candle_files.naming import named_series
from ninja_daemon.adapters.candle_files.opening import open_candles
from ninja_daemon.adapters.candle_files.text import prices, source, times, tokens
from ninja_daemon.adapters.candle_files.text.price_shapes import PriceColumn
from ninja_daemon.core.errors import CandleRejected
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.usecases.replay import replay
from tests.core.series import drawn_candles, real_candles, rules_of, walked

HEADER = "time,open,high,low,close,volume\n"
GOOD = "2022-03-04T14:00:00Z,1.0930,1.0940,1.0920,1.09259,6871\n"
NEXT = "2022-03-04T14:01:00Z,1.0931,1.0941,1.0921,1.09269,12\n"
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def price(units: int, decimals: int, *, short: bool = False) -> str:
    text = format(Decimal(units).scaleb(-decimals), "f")
    return text.rstrip("0").rstrip(".") if short and "." in text else text


def line(candle: Candle, decimals: int, *, short: bool = False) -> str:
    prices = ",".join(price(units, decimals, short=short) for units in candle[1:])
    return f"{format_instant(candle.time)},{prices},{candle.time % 1_000}\n"


def written(folder: Path, content: str | bytes, name: str = "candles.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path, granularity: Granularity = Granularity.M1, decimals: int | None = None) -> list[Candle]:
    with open_candles([path], Options(decimals=decimals), expected=granularity) as opened:
        return [candle for columns in opened.columns(None) for candle in columns]


@pytest.mark.parametrize("file", ["EUR_USD_H4", "EUR_USD_D", "GBP_JPY_H4", "GBP_JPY_D"])
def test_real_files_are_read_as_pythons_own_reader_reads_them(candles_dir: Path, file: str) -> None:
    path = candles_dir / f"{file}.csv"
    series = named_series(path)
    assert series is not None
    assert read(path, series[1]) == real_candles(path, 3 if "JPY" in file else 5)


@in_one_folder
@given(drawn_candles(), st.integers(0, 12), st.booleans())
def test_candles_written_are_read_back(tmp_path: Path, candles: list[Candle], decimals: int, short: bool) -> None:
    assume(candles)
    likely = [Candle(candle.time, *(each + 100 for each in candle[1:])) for candle in candles]
    path = written(tmp_path, HEADER + "".join(line(candle, decimals, short=short) for candle in likely))
    assert read(path, decimals=decimals) == likely


@pytest.mark.parametrize("block", [1, 7, 64, 1_000])
def test_where_a_file_is_cut_into_blocks_makes_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(source, "BLOCK", block)
    candles = walked(120, seed=9)
    path = written(tmp_path, HEADER + "".join(line(candle, 5) for candle in candles))
    assert read(path) == candles


@pytest.mark.parametrize(
    "content",
    [
        HEADER + GOOD + NEXT,
        (HEADER + GOOD + NEXT).rstrip("\n"),
        (HEADER + GOOD + NEXT).replace("\n", "\r\n"),
        "\ufeff" + HEADER + GOOD + NEXT,
        (HEADER + GOOD + NEXT).replace("00Z", "00.000000000Z"),
        (HEADER + GOOD + NEXT)
        .replace("2022-03-04T14:00:00Z", "1646402400")
        .replace("2022-03-04T14:01:00Z", "1646402460.000"),
        (HEADER + GOOD + NEXT).replace("1.0930", "1.09300").replace("1.0931", "0001.0931"),
        (HEADER + GOOD + NEXT).replace("1.09259", "1.0925900").replace("1.09269", "1.0926900000"),
        (HEADER + GOOD + NEXT).replace(",6871", "").replace(",12\n", "\n").replace(",volume", ""),
        HEADER + GOOD.replace("6871", "68.71") + NEXT.replace("12\n", "0\n"),
        HEADER + GOOD.replace("6871", "1.2E+10") + NEXT.replace("12\n", "-1\n"),
        HEADER + GOOD.replace("6871", "") + "\n" + NEXT + "\n\n",
        HEADER.title() + GOOD.replace("1.0930", '"1.0930"').replace("6871", " 6871 ,") + NEXT,
        HEADER + GOOD.replace("1.09259", "1.0925900000000001") + NEXT.replace("1.0931", "1.0930999999999998"),
        HEADER + NEXT + GOOD,
        HEADER + GOOD + GOOD + NEXT,
    ],
    ids=[
        *(
            "plain",
            "no-line-end",
            "crlf",
            "bom",
            "nanoseconds",
            "unix",
            "zeros",
            "excess-zeros",
            "no-volume",
            "volumes",
        ),
        *("odd-volumes", "empty-lines", "quotes", "noise", "newest-first", "twice"),
    ],
)
def test_the_ways_in_which_the_same_candles_may_be_written(tmp_path: Path, content: str) -> None:
    assert read(written(tmp_path, content), decimals=5) == [
        Candle(1_646_402_400, 109_300, 109_400, 109_200, 109_259),
        Candle(1_646_402_460, 109_310, 109_410, 109_210, 109_269),
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("2022-03-04T14:01:00Z,1,2,1", "must have 6 fields"),
        (NEXT.strip() + ",1", "must have 6 fields.*had 7"),
        ("2022-02-29T14:01:00Z,1,2,1,1,1", "2022-02-29"),
        ("2022-13-01T14:01:00Z,1,2,1,1,1", "2022-13-01"),
        ("2022-03-04T24:00:00Z,1,2,1,1,1", "a time of day must lie between 00:00:00 and 23:59:59"),
        ("2022-03-04T14:01:30Z,1,2,1,1,1", "must open on the 17:00 New York grid, was 2022-03-04T14:01:30Z"),
        ("2022-03-04T14:01:00Z,1,2,1,,1", "close must be a plain decimal number like 1.09259, was ''"),
        ("2022-03-04T14:01:00Z,1,2,1,nan,1", "close must be a plain decimal number"),
        ("2022-03-04T14:01:00Z,1e0,2,1,1,1", "open must be a plain decimal number"),
        ("2022-03-04T14:01:00Z,1.,2,1,1,1", "open must be a plain decimal number"),
        ("2022-03-04T14:01:00Z,.5,2,1,1,1", "open must be a plain decimal number"),
        ("2022-03-04T14:01:00Z,1.0.0,2,1,1,1", "open must be a plain decimal number"),
        ("2022-03-04T14:01:00Z,+1,2,1,1,1", "open must be a plain decimal number"),
        ("2022-03-04T14:01:00Z,-1,2,-1,1,1", "prices must be positive"),
        ("2022-03-04T14:01:00Z,1,2,1,١,1", "close must be a plain decimal number"),  # noqa: RUF001
        ("2022-03-04T14:01:00Z,0,2,0,1,1", "prices must be positive"),
        ("2022-03-04T14:01:00Z,1,2,1,3,1", "open and close must lie between low and high"),
        ("2022-03-04T14:01:00Z,3,2,1,1,1", "open and close must lie between low and high"),
        ("2022-03-04T14:01:00Z,1.000001,2,1,1,1", "open must have at most 5 digits after the point, was 1.000001"),
        ("2022-03-04T14:01:00Z,12345678901,2,1,1,1", "a price must have at most 15 digits"),
        ("1969-03-04T14:01:00Z,1,1,1,1,1", "a time must lie between 1970 and 2199, was '1969-03-04T14:01:00Z'"),
        ("2022-03-04T14:01:00Z,1,1.3,1,1,1", "a candle's range must be at most a fifth of the price"),
        ("9999-12-31T23:59:00Z,1,2,1,0,1", "prices must|between"),
    ],
)
@pytest.mark.parametrize("number", [2, 3, 5])
def test_a_bad_line_is_an_error_with_file_line_and_what_is_allowed(
    tmp_path: Path, wrong: str, message: str, number: int
) -> None:
    before = [GOOD.replace("14:00", f"12:0{minute}") for minute in range(number - 2)]
    path = written(tmp_path, HEADER + "".join(before) + wrong + "\n" + "2022-03-04T15:00:00Z,1,1,1,1,1\n")
    with pytest.raises(CandleRejected, match=message) as caught:
        read(path, decimals=5)
    assert str(caught.value).startswith(f"{path}, line {number}: ")


@pytest.mark.parametrize("before", [HEADER + GOOD, HEADER])
def test_a_time_without_an_offset_among_others_is_refused(tmp_path: Path, before: str) -> None:
    path = written(
        tmp_path, before + "2022-03-04 14:01:00,1.09,1.1,1.09,1.1,1\n2022-03-04T14:02:00Z,1.1,1.1,1.1,1.1,1\n"
    )
    with pytest.raises(
        CandleRejected, match=r"a time must look like 2025-08-31T14:30:00Z, was|every time must have its of"
    ):
        read(path)


@pytest.mark.parametrize("time", ["2022-03-04T14:01:00Z", "2022-03-04T14:00:00Z", "2021-03-04T14:00:00Z"])
@pytest.mark.parametrize("block", [1, 10_000])
def test_a_candle_that_is_not_later_than_the_one_before_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, time: str, block: int
) -> None:
    monkeypatch.setattr(source, "BLOCK", block)
    path = written(tmp_path, HEADER + GOOD + NEXT + f"{time},1,1,1,1,1\n")
    message = f"line 4: time must be later than that of the candle before, 2022-03-04T14:01:00Z, was {time}"
    if time == "2022-03-04T14:01:00Z":
        message = f"line 4: one time must have one candle, {time} comes again with other prices"
    with pytest.raises(CandleRejected, match=message):
        read(path)


@pytest.mark.parametrize("header", ["", "\n", GOOD, "open,high,low,close\n", "x" * 10_000])
def test_a_file_without_its_header_is_refused(tmp_path: Path, header: str) -> None:
    path = written(tmp_path, header + GOOD)
    with pytest.raises(CandleRejected, match=r"line 1: must be of a known format \(ours, histdata"):
        read(path)


def test_a_file_without_candles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CandleRejected, match="must hold at least one candle below its header, was empty"):
        read(written(tmp_path, HEADER))


def test_a_file_that_cannot_be_read_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(CandleRejected, match="must be a file that can be read, was not: No such file"):
        read(tmp_path / "missing.csv")
    with pytest.raises(CandleRejected, match="must be a file that can be read, was not: Is a directory"):
        read(tmp_path)


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "BLOCK", 1_000)
    path = written(tmp_path, HEADER + GOOD + "9" * 100_000)
    with pytest.raises(CandleRejected, match="line 3: a line must be at most 4096 bytes long, was longer"):
        read(path, decimals=5)


@in_one_folder
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_candles_or_our_error(tmp_path: Path, content: bytes, after_header: bool) -> None:
    path = written(tmp_path, HEADER.encode() + content if after_header else content)
    try:
        candles = read(path)
    except CandleRejected as error:
        assert str(path) in str(error)  # noqa: PT017 - or there is no error at all
        return
    assert candles


@in_one_folder
@given(st.data())
def test_reading_in_blocks_accepts_nothing_that_reading_by_line_refuses(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray((GOOD + NEXT).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(
            st.sampled_from(b"0123456789.,-:TZ\n\r +eE\x00\xff/;")
        )
    path = written(tmp_path, HEADER.encode() + bytes(content))
    answers = []
    for at_once in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not at_once:
                patch.setattr(prices, "read_shapes", lambda found, *_: (PriceColumn(zeros(found), 0), rows(found)))
                patch.setattr(times, "_ROUNDS", 1)
            try:
                answers.append((read(path), read(path, decimals=5), ""))
            except CandleRejected as error:
                answers.append(([], [], str(error)))
    assert answers[0] == answers[1]


def zeros(found: tokens.Tokens) -> tokens.Integers:
    return np.zeros(len(found), dtype=np.int64)


def rows(found: tokens.Tokens) -> tokens.Integers:
    return np.arange(len(found))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("EUR_USD_H4.csv", ("EUR_USD", Granularity.H4)),
        ("SPX500_USD_M.csv", ("SPX500_USD", Granularity.M)),
        ("GBP_JPY_S30.csv", ("GBP_JPY", Granularity.S30)),
        ("EUR_USD_H5.csv", None),
        ("EUR_USD.csv", None),
        ("eur_usd_h4.csv", None),
        ("EUR_USD_H4.txt", None),
        ("candles.csv", None),
    ],
)
def test_a_files_name_may_say_which_series_it_is(name: str, expected: tuple[str, Granularity] | None) -> None:
    assert named_series(Path("some/folder") / name) == expected


def test_progress_adds_up_to_the_size_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "".join(line(candle, 5) for candle in walked(50, seed=5)))
    told: list[int] = []
    with open_candles([path], progress=told.append):
        assert sum(told) == path.stat().st_size


# --- files larger than memory, and of more than one way to write -----------------------------------------------------


@pytest.mark.parametrize(("late", "decimals"), [("1.103450", 5), ("1.103456", 6), ("1.1", 5)])
def test_digits_are_the_most_of_the_whole_file_without_zeros_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: str, decimals: int
) -> None:
    monkeypatch.setattr(source, "BLOCK", 500)
    candles = walked(60, seed=6)
    lines = [line(candle, 5) for candle in candles[:-1]]
    lines.append(f"{format_instant(candles[-1].time)},{late},1.2,1.0,{late},7\n")
    with open_candles([written(tmp_path, HEADER + "".join(lines))]) as opened:
        assert opened.decimals == decimals
        assert sum(map(len, opened.columns(None))) == 60


def minutes(count: int) -> Iterator[bytes]:
    """Write candles without holding them, a thousand at a time, the prices of three widths."""
    for start in range(0, count, 1_000):
        numbers = range(start, min(start + 1_000, count))
        prices = [(98_000 + number // 1_000 * 7 % 1_000_000, 1_400_000_000 + 60 * number) for number in numbers]
        yield "".join(
            f"{format_instant(at - at % 60)},{price(units, 3)},{price(units + 9, 3)},{price(units - 9, 3)},"
            f"{price(units, 3)},{units % 900}\n"
            for units, at in prices
        ).encode()


def most_memory(folder: Path, count: int) -> int:
    """Replay that many candles that come through a pipe, and return the most bytes held meanwhile."""
    pipe = folder / f"{count}.csv"
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb") as file:
            file.write(HEADER.encode())
            file.writelines(minutes(count))

    writer = threading.Thread(target=write)
    writer.start()
    rules = rules_of(fast_ma=50, slow_ma=200, min_atr_value=Decimal(1_000))
    tracemalloc.start()
    try:
        with open_candles([pipe], Options(decimals=3)) as opened:
            (report,) = replay([rules], opened.columns(Granularity.M1))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        writer.join()
    assert report.candles == count
    return most


def test_a_history_five_times_as_long_takes_no_more_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "BLOCK", 1 << 18)
    short, long = (most_memory(tmp_path, count) for count in (12_000, 60_000))

    assert long < 1.1 * short
    assert long < 12 * 2**20  # with all that numpy needs besides a block

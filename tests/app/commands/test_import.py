"""``ninja-daemon import`` from the command line to the file, and files of five origins through ``replay`` at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zipfile import ZipFile

import pytest

from ninja_daemon.app import cli
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant
from tests.adapters.candle_files.written import ZONES, file_of, joined, made_up, price

H1, H4 = Granularity.H1, Granularity.H4
HOURS = made_up(H1, datetime(2018, 1, 1, 22, tzinfo=UTC), datetime(2019, 1, 31, 22, tzinfo=UTC), seed=4)
CONFIGURATION = """
[defaults]
fast_ma = 5
slow_ma = 20
[strategies.EUR_USD_H4]
instrument = "EUR_USD"
timeframe = "H4"
[strategies.EUR_USD_D]
instrument = "EUR_USD"
timeframe = "D"
[strategies.GBP_JPY_H4]
instrument = "GBP_JPY"
timeframe = "H4"
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    (tmp_path / "ninja.toml").write_text(CONFIGURATION)
    monkeypatch.setenv("NINJA_CONFIG", str(tmp_path / "ninja.toml"))
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, " ".join(shown.err.replace("│", " ").split())

    return command


def test_what_is_written_is_taken_back_by_every_command(tmp_path: Path, run: Run) -> None:
    path = file_of(tmp_path, "mt5", HOURS, ZONES["EET"])
    code, out, err = run("import", str(path), "--join", "H4", "--out", "EUR_USD_H4.csv")
    assert (code, out) == (0, "")
    assert "format mt5; zone EET, found by the data" in err
    assert f"{len(HOURS):,} rows read, {len(joined(HOURS, H4)):,} candles taken" in err
    lines = Path("EUR_USD_H4.csv").read_text().splitlines()
    first = joined(HOURS, H4)[0]
    at = datetime.fromtimestamp(first.time, UTC)
    assert lines[0] == "time,open,high,low,close,volume"
    assert lines[1] == f"{at:%Y-%m-%dT%H:%M:%SZ},{','.join(map(price, first[1:]))},{4 * 31}"
    assert run("import", "EUR_USD_H4.csv")[1].splitlines() == lines
    assert run("replay", "--csv", "EUR_USD_H4.csv", "--json")[0] == 0


@pytest.mark.parametrize("out", [[], ["--out", "made.csv"]])
def test_a_file_with_faults_writes_nothing_and_tells_all_of_them(tmp_path: Path, run: Run, out: list[str]) -> None:
    path = file_of(tmp_path, "mt5", HOURS[:300], ZONES["EET"])
    text = path.read_text().splitlines()
    text[5] = text[5].replace("\t1.", "\t1,")
    path.write_text("\n".join(text) + "\n")
    (tmp_path / "made.csv").write_text("as it was")
    before = sorted(each.name for each in tmp_path.iterdir())
    code, shown, err = run("import", str(path), *out)
    assert (code, shown) == (1, "")
    assert "the candles cannot be taken in, 5 kinds of fault: - " in err
    assert f"{path}, line 6: open must be a plain decimal number like 1.09259, was '1," in err
    assert "--decimal-comma reads 1,09259" in err
    assert "the time zone must be known, was not: less than a year does not tell summer time" in err
    assert (tmp_path / "made.csv").read_text() == "as it was"
    assert sorted(each.name for each in tmp_path.iterdir()) == before


def test_all_options_describe_a_text(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "text.txt"
    rows = [
        datetime.fromtimestamp(hour.time + 3 * 3_600, UTC).strftime("%d.%m.%Y|%H:%M|")
        + "|".join(price(units).replace(".", ",") for units in (hour.close, hour.open, hour.high, hour.low))
        for hour in HOURS[:200]
    ]
    path.write_text("\n".join(rows) + "\n")
    arguments = ["--columns", "date,time,close,open,high,low", "--zone", "UTC+2", "--stamp", "close", "--decimals", "6"]
    more = ["--time-format", "DD.MM.YYYY HH:MM", "--separator", "|", "--decimal-comma", "--format", "csv"]
    code, out, err = run("import", str(path), *arguments, *more)
    first = HOURS[0]
    assert code == 0, err
    at = datetime.fromtimestamp(first.time, UTC)
    assert out.splitlines()[1] == f"{at:%Y-%m-%dT%H:%M:%SZ}," + ",".join(f"{price(units)}0" for units in first[1:])
    assert "times are the close of a candle; 6 digits; step H1." in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "nosuch"], "must be one of ours, histdata, histdata-mt, mt5"),
        (["--join", "H5"], "a timeframe must be one of S5 S10"),
        (["--stamp", "middle"], "'middle' is not one of"),
    ],
)
def test_an_option_that_cannot_be_is_a_usage_error(
    tmp_path: Path, run: Run, arguments: list[str], message: str
) -> None:
    code, out, err = run("import", str(file_of(tmp_path, "ours", HOURS[:9])), *arguments)
    assert (code, out) == (2, "")
    assert message in err


@pytest.mark.parametrize(
    ("case", "name", "zone"),
    [
        ("histdata", "HISTDATA_COM_ASCII_EURUSD_M12018.zip", "America/New_York"),
        ("mt5", "EURUSD_H1_201801010000_201901310000.csv", "EET"),
        ("mt4", "EURUSD60.csv", "America/New_York+7"),
        ("dukascopy", "EURUSD_Candlestick_1_Hour_BID_01.01.2018-31.01.2019.csv", "UTC"),
        ("tradingview", "OANDA_EURUSD, 60.csv", "Europe/London"),
    ],
)
def test_a_new_user_gets_to_signals_in_one_command(tmp_path: Path, run: Run, case: str, name: str, zone: str) -> None:
    path = file_of(tmp_path, case, HOURS, ZONES[zone])
    if name.endswith(".zip"):
        with ZipFile(tmp_path / name, "w") as archive:
            archive.write(path, "DAT_ASCII_EURUSD_M1_2018.csv")
    else:
        path.rename(tmp_path / name)
    code, out, err = run("replay", "--csv", name, "--jsonl")
    assert code == 0
    assert len(out.splitlines()) > 20
    assert f"EUR_USD_H4: {len(joined(HOURS, H4)):,} candles" in err
    assert "EUR_USD_D: " in err
    assert "GBP_JPY" not in err
    code, report, err = run("replay", "--report", "--csv", name)
    assert code == 0
    assert f"EUR_USD_H4: {sum('EUR_USD_H4' in line for line in out.splitlines())} signals, " in report
    page = (Path(__file__).parents[3] / "docs" / "candle-files.md").read_text(encoding="utf-8")
    assert re.search(f"replay --report --csv '?{re.escape(name)}'? ", page), "the page shows another command"


def test_a_name_without_an_instrument_is_asked_about(tmp_path: Path, run: Run) -> None:
    path = file_of(tmp_path, "ours", HOURS)
    code, _, err = run("replay", "--csv", str(path))
    assert code == 2
    assert "which holds H1 candles and whose name says no instrument" in err
    assert run("replay", "--csv", str(path), "--strategy", "GBP_JPY_H4")[0] == 0


def test_a_strategy_of_another_instrument_or_a_finer_timeframe_does_not_fit(tmp_path: Path, run: Run) -> None:
    path = file_of(tmp_path, "ours", HOURS).rename(tmp_path / "EURUSD.csv")
    assert (
        "the file holds EUR_USD H1; a strategy must read that, or a longer timeframe, GBP_JPY_H4"
        in (run("replay", "--csv", str(path), "--strategy", "GBP_JPY_H4")[2])
    )
    days = file_of(tmp_path, "ours", joined(HOURS, Granularity.D)).rename(tmp_path / "EUR_USD_D.csv")
    assert (
        "the file's name says EUR_USD D; a strategy must read that, EUR_USD_H4"
        in (run("replay", "--csv", str(days), "--strategy", "EUR_USD_H4")[2])
    )


def test_a_pair_keeps_the_digits_that_it_is_quoted_with(tmp_path: Path, run: Run) -> None:
    for digits, pips in ((5, 5), (3, 4)):
        rows = []
        for hour in HOURS:
            units = [each // 100 for each in (hour.close, hour.high + 200, hour.low - 200, hour.close)]
            texts = (f"{each / 1_000:.{digits}f}" for each in units)
            rows.append(f"{datetime.fromtimestamp(hour.time, UTC):%Y-%m-%dT%H:%M:%SZ},{','.join(texts)}")
        (tmp_path / "EUR_USD_H1.csv").write_text("\n".join(["time,open,high,low,close", *rows]) + "\n")
        signals = run("replay", "--csv", "EUR_USD_H1.csv", "--jsonl")[1].splitlines()
        stops = [json.loads(line) for line in signals]
        assert stops
        for each in stops:
            distance = abs(Decimal(str(each["close"])) - Decimal(str(each["stop_loss"])))
            assert distance * 10_000 == Decimal(str(each["sl_pips"]))
            assert distance == round(distance, pips)


def series(name: str, text: Callable[[int], str], count: int = 400) -> Path:
    """Hours in our own form, the prices written by a function of their points."""
    rows = [f"{format_instant(hour.time)},{','.join(map(text, hour[1:]))}" for hour in HOURS[:count]]
    path = Path(name)
    path.write_text("\n".join(["time,open,high,low,close", *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    ("instrument", "text", "pips"),
    [
        ("EUR_USD", lambda units: price(units) + "0", 10_000),  # as HistData writes them
        ("BTC_USD", lambda units: f"{units / 4:.5f}", 100),  # 27500.25000 has two digits
    ],
)
def test_zeros_at_the_end_do_not_make_pips_smaller(
    tmp_path: Path, run: Run, instrument: str, text: Callable[[int], str], pips: int
) -> None:
    (tmp_path / "ninja.toml").write_text(CONFIGURATION.replace("GBP_JPY", "BTC_USD"))
    path = series(f"{instrument}_H1.csv", text)
    signals = list(
        map(json.loads, run("replay", "--csv", str(path), "--jsonl", "-s", f"{instrument}_H4")[1].splitlines())
    )
    assert signals
    for each in signals:
        distance = abs(Decimal(str(each["close"])) - Decimal(str(each["stop_loss"])))
        assert distance * pips == Decimal(str(each["sl_pips"]))


def test_points_in_the_place_of_prices_are_refused_by_every_command(run: Run) -> None:
    path = series("EURUSD60.csv", lambda units: f"{units}.00000000001")
    said = "a price of EUR_USD must be below 1,000, the newest is"
    for command in (["replay", "--csv"], ["import"], ["simulator", "--port", "0", "--csv"]):
        code, out, err = run(*command, str(path))
        assert (code, out) == (1 if command[0] != "simulator" else code, "")
        assert code
        assert said in err
        assert "divide them (by 100,000, those of JPY by 1,000)" in err


def test_a_lost_point_never_makes_a_target(run: Run) -> None:
    path = series("EUR_USD_H1.csv", lambda units: price(units) if units != HOURS[300].high else str(units // 100))
    code, out, err = run("replay", "--csv", str(path), "--jsonl")
    assert (code, out) == (1, "")
    assert f"has a decimal point been lost?; the line is '{format_instant(HOURS[300].time)}," in err


def test_options_for_files_need_a_file(run: Run) -> None:
    assert "must be given together with --csv" in run("replay", "--zone", "UTC")[2]
    assert "Invalid value for --join: must be given together with --csv" in run("replay", "--join", "H4")[2]

"""``ninja-daemon replay`` from the command line to its two streams."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from ninja_daemon.adapters.stored.signal import decode_signal, encode_signal
from ninja_daemon.app import cli, wiring
from ninja_daemon.app.candles import asking
from ninja_daemon.core.errors import BrokerUnavailable
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import signal_of
from ninja_daemon.core.signals.strategy import Strategy
from tests.core.series import EUR_USD, stepped, walked
from tests.fakes.broker import FakeBroker

CONFIGURATION = """
[strategies.QUICK]
instrument = "EUR_USD"
timeframe = "M1"
fast_ma = 3
slow_ma = 9
atr_period = 5
min_atr_value = 0.0003

[strategies.SLOW]
instrument = "EUR_USD"
timeframe = "M1"
fast_ma = 20
slow_ma = 60

[strategies.HOURS]
instrument = "EUR_USD"
timeframe = "H1"
fast_ma = 20
slow_ma = 60

[strategies.YEN]
instrument = "GBP_JPY"
timeframe = "M1"
fast_ma = 20
slow_ma = 60
"""
CANDLES = walked(700, seed=31)
QUICK = Strategy("QUICK", "EUR_USD", Granularity.M1, 3, 9, atr_period=5, min_atr_value=Decimal("0.0003"))
SLOW = Strategy("SLOW", "EUR_USD", Granularity.M1, 20, 60)

Run = Callable[..., tuple[int, str, str]]


def listed(strategy: Strategy, candles: Sequence[Candle] = CANDLES, instrument: Instrument = EUR_USD) -> list[str]:
    rules = Rules(strategy, instrument)
    _, crosses = stepped(rules, candles)
    return [
        encode_signal(signal_of(rules, cross, cross.candle.time + 60)) for cross in crosses if cross.rejected_by is None
    ]


def by_time(*texts: Sequence[str]) -> list[str]:
    return sorted((text for some in texts for text in some), key=lambda text: decode_signal(text).close_time)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    configuration = tmp_path / "ninja.toml"
    configuration.write_text(CONFIGURATION)
    monkeypatch.setenv("NINJA_CONFIG", str(configuration))
    monkeypatch.chdir(tmp_path)

    def replay(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(["replay", *arguments])
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, " ".join(shown.err.replace("│", " ").split())

    return replay


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "EUR_USD_M1.csv")


def write_csv(path: Path, candles: Sequence[Candle] = CANDLES) -> Path:
    lines = [
        f"{format_instant(candle.time)},{','.join(f'{price / 10**5:.5f}' for price in candle[1:])},1"
        for candle in candles
    ]
    path.write_text("time,open,high,low,close,volume\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> FakeBroker:
    class Closing(FakeBroker):
        def close(self) -> None:
            self.asked.clear()

    m1, h1 = QUICK.series, QUICK.series._replace(granularity=Granularity.H1)
    yen = m1._replace(instrument="GBP_JPY")
    hours = walked(300, seed=33, step=3_600)
    instruments = {"EUR_USD": EUR_USD, "GBP_JPY": Instrument("GBP_JPY", 3, -2)}
    broker = Closing(instruments, {m1: CANDLES, h1: hours, yen: walked(400, seed=34)})
    monkeypatch.setattr(wiring, "candle_source", lambda _: broker)
    return broker


# --- from a file -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["batch", "step"])
def test_json_is_one_array_of_the_signals_as_the_daemon_would_list_them(run: Run, csv_file: Path, engine: str) -> None:
    code, out, _ = run("--csv", str(csv_file), "--json", "--engine", engine)
    assert code == 0
    expected = by_time(listed(QUICK), listed(SLOW))
    assert out == "[\n" + ",\n".join(expected) + "\n]\n"
    assert [each["id"] for each in json.loads(out)] == [decode_signal(text).id for text in expected]


def test_jsonl_is_one_signal_a_line(run: Run, csv_file: Path) -> None:
    assert run("--csv", str(csv_file), "--jsonl", "--strategy", "QUICK")[1].splitlines() == listed(QUICK)


def test_a_signal_a_line_for_people_and_the_summary_on_the_other_stream(run: Run, csv_file: Path) -> None:
    code, out, err = run("--csv", str(csv_file), "-s", "QUICK")
    assert code == 0
    first = decode_signal(listed(QUICK)[0])
    lines = out.splitlines()
    assert lines[0].split() == ["closed", "strategy", "side", "close", "stop", "target", "-", "pips", "+", "pips", "id"]
    assert len(lines) == len(listed(QUICK)) + 1
    assert lines[1].split() == [
        format_instant(first.close_time),
        "QUICK",
        first.side.name,
        f"{first.close:f}",
        f"{first.stop_loss:f}",
        f"{first.take_profit:f}",
        f"{first.sl_pips:f}",
        f"{first.tp_pips:f}",
        first.id[:8],
    ]
    _, crosses = stepped(Rules(QUICK, EUR_USD), CANDLES)
    rejected = len(crosses) - len(listed(QUICK))
    assert err.startswith(
        f"{csv_file}: format ours; zone UTC, by the offsets in the text; times are the open of a candle; "
    )
    assert err.endswith(
        f" QUICK: 700 candles, {format_instant(CANDLES[0].time)} to {format_instant(CANDLES[-1].time)}; "
        f"{len(crosses)} crosses, {len(listed(QUICK))} signals, {rejected} rejected ({rejected} by min_atr_value)"
    )


def test_every_strategy_that_fits_the_files_name_is_replayed(run: Run, csv_file: Path) -> None:
    _, _, err = run("--csv", str(csv_file))
    assert "QUICK: 700 candles" in err
    assert "SLOW: 700 candles" in err
    assert "HOURS" not in err
    assert "YEN" not in err


def test_a_file_of_another_name_needs_the_strategy(run: Run, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "anything.csv")
    assert run("--csv", str(path), "--jsonl", "-s", "QUICK")[1].splitlines() == listed(QUICK)
    code, out, err = run("--csv", str(path))
    assert (code, out) == (2, "")
    assert "must be strategies of the one series in the file, which holds M1 candles and whose name says no" in err
    assert "were QUICK, SLOW, YEN; name one, or the file like EUR_USD_H4.csv" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-s", "YEN"], "the file's name says EUR_USD M1; a strategy must read that"),
        (["-s", "QUICKK"], "was 'QUICKK' (did you mean QUICK?)"),
        (["-s", "other"], "must be one of"),
        (["--json", "--jsonl"], "must not be given together with --json"),
        (["--from", "2024"], "must be like 2026-01-31 or 2026-01-31T10:00:00Z, was '2024'"),
        (["--from", "yesterday"], "must be like 2026-01-31 or 2026-01-31T10:00:00Z, was 'yesterday'"),
        (["--to", "2026-02-30"], "must be like 2026-01-31"),
        (["--engine", "guess"], "'guess' is not one of"),
        (["--decimals", "13"], "less than or equal to 12"),
    ],
)
def test_a_command_line_that_cannot_work_ends_with_code_2(
    run: Run, csv_file: Path, arguments: list[str], message: str
) -> None:
    code, out, err = run("--csv", str(csv_file), *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_a_file_that_is_not_there_and_decimals_without_a_file_are_usage_errors(run: Run) -> None:
    assert run("--csv", "missing.csv")[0] == 2
    code, _, err = run("--decimals", "5")
    assert code == 2
    assert "must be given together with --csv" in err


def test_a_bad_line_ends_with_code_1_and_prints_no_signal(run: Run, csv_file: Path) -> None:
    with csv_file.open("a") as file:
        file.write("2030-01-01T00:00:00Z,1,1,1,nan,1\n")
    code, out, err = run("--csv", str(csv_file), "--json")
    assert (code, out) == (1, "")
    assert "EUR_USD_M1.csv, line 702: close must be a plain decimal number like 1.09259, was 'nan'" in err


def test_from_and_to_choose_what_is_reported_and_nothing_else(run: Run, csv_file: Path) -> None:
    since, until = CANDLES[300].time, CANDLES[500].time
    _, out, err = run(
        "--csv", str(csv_file), "-s", "QUICK", "--jsonl", "--from", format_instant(since), "--to", format_instant(until)
    )
    assert out.splitlines() == [text for text in listed(QUICK) if since <= decode_signal(text).time <= until]
    assert out
    assert "QUICK: 201 candles after 300 for warm-up" in err


def test_a_day_means_all_of_it(run: Run, csv_file: Path) -> None:
    day = format_instant(CANDLES[0].time)[:10]
    within = [candle for candle in CANDLES if format_instant(candle.time)[:10] == day]
    _, _, err = run("--csv", str(csv_file), "-s", "QUICK", "--from", day, "--to", day)
    assert f"QUICK: {len(within)} candles," in err


def test_a_span_without_candles_says_so(run: Run, csv_file: Path) -> None:
    code, out, err = run("--csv", str(csv_file), "-s", "QUICK", "--from", "2050-01-01", "--json")
    assert (code, out) == (0, "[]\n")
    assert "QUICK: no candle in the span that was asked for, 700 before it" in err


def test_given_decimals_are_the_precision_of_the_prices(run: Run, csv_file: Path) -> None:
    scaled = [Candle(candle.time, *(price * 10 for price in candle[1:])) for candle in CANDLES]
    expected = listed(QUICK, scaled, Instrument("EUR_USD", 6, -4))
    assert run("--csv", str(csv_file), "-s", "QUICK", "--jsonl", "--decimals", "6")[1].splitlines() == expected


def test_digits_that_only_later_prices_have_are_those_of_all(
    run: Run, csv_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninja_daemon.adapters.candle_files.text.source.BLOCK", 2_000)
    lines = csv_file.read_text().splitlines(keepends=True)
    time, *prices, volume = lines[-1].rstrip().split(",")
    csv_file.write_text("".join([*lines[:-1], ",".join([time, *(each + "1" for each in prices), volume]) + "\n"]))
    expected = run("--csv", str(csv_file), "-s", "QUICK", "--jsonl", "--decimals", "6")[1]

    assert expected
    assert run("--csv", str(csv_file), "-s", "QUICK", "--jsonl")[1] == expected


# --- from the broker -------------------------------------------------------------------------------------------------


def test_without_a_file_the_broker_is_asked_for_every_strategy(run: Run, broker: FakeBroker) -> None:
    code, out, err = run("--jsonl")
    assert code == 0
    assert [text for text in out.splitlines() if '"QUICK"' in text] == listed(QUICK)
    assert out.splitlines() == by_time(out.splitlines())
    assert all(f"{name}: " in err for name in ("QUICK", "SLOW", "HOURS", "YEN"))
    assert broker.asked == []  # it was closed


def test_an_end_in_the_future_is_no_end(run: Run, broker: FakeBroker) -> None:
    assert run("--jsonl", "-s", "QUICK", "--to", "2999-12-31")[1].splitlines() == listed(QUICK)
    assert broker.asked == []


def test_a_broker_that_does_not_answer_ends_with_code_1(run: Run, broker: FakeBroker) -> None:
    broker.failing[QUICK.series] = BrokerUnavailable("the broker answered 503")
    code, out, err = run("-s", "QUICK")
    assert (code, out, err) == (1, "", "ninja-daemon: the broker answered 503")


# --- progress --------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("patience", "is_shown"), [(0.0, True), (3_600.0, False)])
def test_a_bar_is_shown_on_a_terminal_when_it_takes_long(
    run: Run, csv_file: Path, monkeypatch: pytest.MonkeyPatch, patience: float, is_shown: bool
) -> None:
    monkeypatch.setattr(asking, "_PATIENCE", patience)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    _, out, _ = run("--csv", str(csv_file), "--jsonl", "-s", "QUICK")
    assert out.splitlines() == listed(QUICK)
    assert ("reading EUR_USD_M1.csv" in terminal.getvalue()) is is_shown

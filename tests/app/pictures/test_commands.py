"""``signals --picture`` and ``replay --picture``, from the command line to the file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ninja_daemon.app import cli, wiring
from ninja_daemon.core.market.instant import format_instant
from tests.app.stored import CONFIGURATION, EUR_USD, M15, START, candles, closes_with_crosses, work
from tests.fakes.broker import FakeBroker

CLOSES = closes_with_crosses(200)
Run = Callable[..., tuple[int, str, str]]


class Broker(FakeBroker):
    """The fake, which can be closed as the real one is."""

    def close(self) -> None:
        """Have nothing to let go."""


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker({"EUR_USD": EUR_USD}, {M15.series: candles(CLOSES)})
    monkeypatch.setattr(wiring, "candle_source", lambda _: broker)
    return broker


@pytest.fixture
def run(tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    (tmp_path / "ninja.toml").write_text(CONFIGURATION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NINJA_CONFIG", "ninja.toml")
    monkeypatch.setenv("REDIS_URL", redis_url)

    def command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        out, error = capsys.readouterr()
        return int(ended.value.code or 0), out, error

    return command


def first_id(run: Run) -> str:
    _, out, _ = run("signals", "--json")
    listed: list[dict[str, str]] = json.loads(out)
    return listed[-1]["id"]


@pytest.mark.usefixtures("broker")
def test_a_listed_signal_is_drawn_by_its_id(run: Run, redis_url: str, tmp_path: Path) -> None:
    work(redis_url, tmp_path, CLOSES)
    wanted = first_id(run)
    code, _, error = run("signals", "--picture", wanted[:8], "cross.svg", "--theme", "light", "--zone", "Asia/Tokyo")
    assert (code, error) == (0, "")
    svg = (tmp_path / "cross.svg").read_text(encoding="utf-8")
    ET.fromstring(svg)  # noqa: S314 - our own
    assert "SMA 3" in svg
    assert "SMA 8" in svg
    assert "JST" in svg
    assert run("signals", "--picture", wanted, "cross.png")[0] == 0
    assert (tmp_path / "cross.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.glob("*cross*")) == ["cross.png", "cross.svg"]


def test_candles_that_do_not_end_at_the_signals_make_no_picture(
    run: Run, broker: Broker, redis_url: str, tmp_path: Path
) -> None:
    work(redis_url, tmp_path, CLOSES)
    wanted = first_id(run)
    broker.candles[M15.series] = candles(CLOSES[:50])
    code, _, error = run("signals", "--picture", wanted, "cross.svg")
    assert code == 1
    assert "the last candle of the picture must be the signal's" in error
    assert not (tmp_path / "cross.svg").exists()


@pytest.mark.usefixtures("broker")
def test_other_settings_than_those_of_the_signal_make_no_picture(run: Run, redis_url: str, tmp_path: Path) -> None:
    work(redis_url, tmp_path, CLOSES)
    wanted = first_id(run)
    (tmp_path / "ninja.toml").write_text(CONFIGURATION.replace("fast_ma = 3", "fast_ma = 4"))
    code, _, error = run("signals", "--picture", wanted, "cross.svg")
    assert code == 1
    assert "EUR_USD_M15 has other settings now" in error
    assert not (tmp_path / "cross.svg").exists()


@pytest.mark.usefixtures("broker")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("00000000", "cross.svg"), 1, "none has it"),
        (("1", "cross.svg"), 1, "at least its first 4 digits"),
        (("00000000", "cross.gif"), 2, "must end in .png or .svg, was 'cross.gif'"),
        (("00000000", "cross.svg", "--theme", "blue"), 2, "must be dark or light, was 'blue'"),
        (("00000000", "cross.svg", "--zone", "Mars/Base"), 2, "must be a time zone such as Europe/Berlin"),
    ],
)
def test_a_picture_that_cannot_be_is_refused_with_the_reason(
    run: Run, arguments: tuple[str, ...], code: int, words: str
) -> None:
    result, _, error = run("signals", "--picture", *arguments)
    assert result == code
    assert words in " ".join(error.replace("│", " ").split())


def write_csv(path: Path) -> None:
    rows = [
        f"{format_instant(candle.time)},{','.join(f'{price / 100_000:.5f}' for price in candle[1:])},1"
        for candle in candles(CLOSES)
    ]
    path.write_text("time,open,high,low,close,volume\n" + "\n".join(rows) + "\n")


def test_a_replay_of_a_file_is_drawn(run: Run, tmp_path: Path) -> None:
    write_csv(tmp_path / "EUR_USD_M15.csv")
    code, out, error = run("replay", "--csv", "EUR_USD_M15.csv", "--jsonl", "--picture", "years.svg")
    assert code == 0, error
    svg = (tmp_path / "years.svg").read_text(encoding="utf-8")
    assert svg.count("h-130z") == len(out.splitlines()) > 10


@pytest.mark.usefixtures("broker")
def test_a_replay_from_the_broker_is_drawn_over_its_span(run: Run, tmp_path: Path) -> None:
    since = format_instant(START + 100 * 900)
    arguments = ("replay", "--strategy", "EUR_USD_M15", "--from", since, "--jsonl", "--picture", "years.svg")
    code, out, error = run(*arguments)
    assert code == 0, error
    svg = (tmp_path / "years.svg").read_text(encoding="utf-8")
    assert svg.count("h-130z") == len(out.splitlines()) == 10
    assert len(re.findall(r"\dL", svg)) == 2 * 100 - 1


@pytest.mark.usefixtures("broker")
def test_a_picture_of_two_strategies_is_refused_before_a_candle_is_read(run: Run) -> None:
    code, _, error = run("replay", "--picture", "years.svg")
    assert code == 2
    assert "name it with --strategy: EUR_USD_M15, GBP_JPY_D" in " ".join(error.replace("│", " ").split())

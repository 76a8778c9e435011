"""``replay --compare`` and ``replay --sweep``, from the command line to what they print and draw."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ninja_daemon.app import cli
from ninja_daemon.core.market.instant import format_instant
from tests.core.series import walked

HERE = """
[strategies.QUICK]
instrument = "EUR_USD"
timeframe = "M1"
fast_ma = 3
slow_ma = 9
atr_period = 5

[strategies.OLD]
instrument = "EUR_USD"
timeframe = "M1"
fast_ma = 8
slow_ma = 21
"""
OTHER = """
[strategies.QUICK]
instrument = "EUR_USD"
timeframe = "M1"
fast_ma = 3
slow_ma = 10
atr_period = 5

[strategies.NEW]
instrument = "EUR_USD"
timeframe = "M1"
fast_ma = 8
slow_ma = 21
tp_atr_multiplier = 4
cost_pips = 0.5
"""
Run = Callable[..., str]
SWEEP = ("-s", "QUICK", "--sweep", "fast=2..8:2", "slow=5..21:4")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    (tmp_path / "ninja.toml").write_text(HERE)
    (tmp_path / "other.toml").write_text(OTHER)
    rows = [
        f"{format_instant(one.time)},{','.join(f'{price / 10**5:.5f}' for price in one[1:])},1"
        for one in walked(900, seed=31)
    ]
    (tmp_path / "EUR_USD_M1.csv").write_text("\n".join(["time,open,high,low,close,volume", *rows, ""]))
    monkeypatch.setenv("NINJA_CONFIG", "ninja.toml")
    monkeypatch.chdir(tmp_path)

    def replay(*arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            cli.main(["replay", "--csv", "EUR_USD_M1.csv", *arguments])
        shown = capsys.readouterr()
        assert (ended.value.code or 0) == code, shown.err
        return shown.out if not code else " ".join(shown.err.replace("│", " ").split())

    return replay


def times(signals: list[dict[str, str]]) -> set[str]:
    return {one["close_time"] for one in signals}


# --- two configurations -----------------------------------------------------------------------------------------------


def test_what_comes_and_goes_is_what_two_replays_show_apart(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = json.loads(run("--compare", "other.toml", "--json"))
    here = json.loads(run("--json", "-s", "QUICK"))
    report_here = json.loads(run("--report", "--json"))
    monkeypatch.setenv("NINJA_CONFIG", "other.toml")
    there = json.loads(run("--json", "-s", "QUICK"))
    report_there = json.loads(run("--report", "--json"))
    by_name = {one["strategy"] or one["other"]: one for one in found["strategies"]}
    quick = by_name["QUICK"]
    assert times(quick["gone"]) == times(here) - times(there)
    assert times(quick["added"]) == times(there) - times(here)
    assert quick["same"] + len(quick["changed"]) == len(times(here) & times(there)) > 10
    assert {**by_name["OLD"], "gone": []} == {
        "strategy": "OLD",
        "other": None,
        "same": 0,
        "gone": [],
        "added": [],
        "changed": [],
    }
    assert by_name["NEW"]["strategy"] is None
    assert len(by_name["NEW"]["added"]) > 5
    assert found["reports"] == [
        {"configuration": "ninja.toml", **report_here},
        {"configuration": "other.toml", **report_there},
    ]


def test_a_changed_level_is_a_changed_signal_with_both_outcomes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(HERE.replace("slow_ma = 9", "slow_ma = 9\nsl_atr_multiplier = 1.5"))
    found = json.loads(run("--compare", "other.toml", "--json", "-s", "QUICK"))
    (quick,) = found["strategies"]
    assert (quick["same"], quick["gone"], quick["added"]) == (0, [], [])
    assert all(one["fields"] == ["stop_loss"] for one in quick["changed"])
    ended = [one["was"]["outcome"] for one in quick["changed"]]
    assert {one and one["result"] for one in ended} >= {"stop", "target"}


def test_two_single_strategies_of_other_names_are_compared(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ninja.toml").write_text(HERE.split("[strategies.OLD]", maxsplit=1)[0])
    (tmp_path / "other.toml").write_text(HERE.split("[strategies.OLD]", maxsplit=1)[0].replace("QUICK", "SAME"))
    (found,) = json.loads(run("--compare", "other.toml", "--json"))["strategies"]
    assert (found["strategy"], found["other"], found["gone"], found["added"]) == ("QUICK", "SAME", [], [])
    assert f"QUICK and SAME: {found['same']} signals the same, 0 gone, 0 added" in run("--compare", "other.toml")


def test_a_comparison_is_a_line_a_signal_and_two_reports_within_80_columns(run: Run) -> None:
    text = run("--compare", "other.toml")
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    found = json.loads(run("--compare", "other.toml", "--json"))
    for mark, kind in (("-", "gone"), ("+", "added"), ("~-", "changed"), ("~+", "changed")):
        assert sum(line.startswith(f"{mark} ") for line in lines) == sum(len(one[kind]) for one in found["strategies"])
    totals = [str(report["total"]["signals"]) for report in found["reports"]]
    assert ["signals", *totals] in [line.split() for line in lines]
    assert "NEW (only in the other)" in text
    assert "OLD (only here)" in text


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--compare", "broken.toml"), 78, "broken.toml"),
        (("--compare", "gone.toml"), 2, "gone.toml"),
        (("--compare", "other.toml", "--report"), 2, "must not be given together with --report"),
        (("--compare", "other.toml", "--picture", "a.svg"), 2, "must not be given together with --picture"),
        (("--compare", "other.toml", "-s", "NONE"), 2, "was 'NONE'"),
        (("--sweep", "fast=2..8:2", "slow=5"), 2, "name it with --strategy: QUICK, OLD"),
        (("--sweep", "fast=2..8:2", "fast=5"), 2, "must give both, like fast=10..100:10 slow=140"),
        (("--sweep", "fast=9", "slow=5"), 2, "must have a pair whose fast period is below its slow one"),
        (("--sweep", "fast=8..2", "slow=5"), 2, "must go up from 1"),
        (("--sweep", "fast=1..65", "slow=99"), 2, "at most 64 values, were 65"),
        (("--sweep", "quick", "slow=99"), 2, "must be like fast=10..100:10"),
        (("--sweep", "fast=1", "slow=99", "--engine", "step"), 2, "must not be given together with --engine step"),
        (("--sweep", "fast=1", "slow=99", "--compare", "other.toml"), 2, "together with --compare"),
        (("--sweep", "fast=1", "slow=99", "--picture", "map.gif"), 2, "must end in .png or .svg"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "broken.toml").write_text("strategies = 3\n")
    assert said in run(*arguments, code=code)


# --- a grid -----------------------------------------------------------------------------------------------------------


def test_a_cell_has_the_numbers_of_a_replay_of_that_pair(run: Run) -> None:
    found = json.loads(run(*SWEEP, "--json"))
    (mine,) = [one for one in found["cells"] if (one["fast"], one["slow"]) == (4, 9)]
    assert (found["pairs"], found["left_out"], len(found["cells"])) == (18, 2, 18)
    path = Path("ninja.toml")
    path.write_text(HERE.replace("fast_ma = 3", "fast_ma = 4"))
    (alone,) = json.loads(run("--report", "--json", "-s", "QUICK"))["strategies"]
    for name in ("signals", "open", "closed", "results", "ambiguous", "hit_rate", "drawdown_r"):
        assert mine[name] == alone[name]
    assert (mine["r"], mine["net_r"]) == (alone["r"]["sum"], alone["net_r"]["sum"])
    assert found["luck"]["shuffles"] == 1_000


def test_a_sweep_is_a_row_a_pair_and_a_map_and_names_no_best(run: Run) -> None:
    text = run(*SWEEP)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[:2] == [
        "QUICK: 18 pairs of averages over 900 candles of EUR_USD M1",
        "2 pairs left out: fast must be below slow",
    ]
    rows = [line.split() for line in lines if "%" in line and "shuffles" not in line]
    assert [row[:2] for row in rows][:3] == [["2", "5"], ["2", "9"], ["2", "13"]]
    assert len(rows) == 18
    at = lines.index("       5  9 13 17 21")
    assert [line.split()[0] for line in lines[at + 1 : at + 5]] == ["2", "4", "6", "8"]
    assert "shuffles" in text
    assert "best" not in text


def test_a_map_too_wide_for_text_is_drawn_only(run: Run) -> None:
    text = run("-s", "QUICK", "--sweep", "fast=2", "slow=3..60", "--picture", "map.svg", "--theme", "light")
    assert "The map has 58 columns, too wide for text: --picture FILE draws it." in text
    assert Path("map.svg").read_text().count("<rect ") == 59


def test_strategies_without_a_single_end_are_swept_too(run: Run) -> None:
    found = json.loads(run("-s", "QUICK", "--sweep", "fast=400", "slow=899..900", "--json"))
    assert [one["signals"] for one in found["cells"]] == [0, 0]
    assert found["luck"]["middle"] == 0

"""The record, the report and the check of both, by the commands that people use."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from ninja_daemon.adapters.stored import record
from tests.end_to_end.outside import Outside
from tests.end_to_end.settings import SHIPPED, nasty, toml
from tests.oracle import expected_signals, read_candles
from tests.outcome_oracle import expected_outcomes, parsed_outcome
from tests.processes import Workplace

SERIES = "GBP_JPY_H4"
RULES = (replace(nasty(SERIES)[2], atr_period=14), SHIPPED[SERIES])


def fractions(text: str) -> Any:
    return json.loads(text, parse_float=Fraction, parse_int=Fraction)


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The formula as the paper has it: the roots of a quadratic."""
    z2, share = 1.959964**2, hits / count
    a, b, c = 1 + z2 / count, -(2 * share + z2 / count), share * share
    root = sqrt(b * b - 4 * a * c)
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def largest_fall(values: Sequence[Fraction]) -> Fraction:
    sums = [sum(values[:end], Fraction(0)) for end in range(len(values) + 1)]
    return max(max(sums[: end + 1]) - sums[end] for end in range(len(sums)))


def longest_losing_run(values: Sequence[Fraction]) -> int:
    return max(map(len, "".join("x" if value < 0 else " " for value in values).split()), default=0)


@pytest.mark.parametrize(
    ("name", "results", "total", "verdict"),
    [
        ("EUR_USD_H4", {"target": 53, "stop": 94}, "-15.3572", "no proven edge"),
        ("GBP_JPY_H4", {"target": 140, "stop": 153}, "56.9478", "above break-even"),
    ],
)
def test_replay_reports_ten_years_as_an_independent_computation_does(
    workplace: Workplace, candles_dir: Path, name: str, results: dict[str, int], total: str, verdict: str
) -> None:
    csv = candles_dir / f"{name}.csv"
    workplace.configure(toml([SHIPPED[name]]))
    report = fractions(workplace.run("replay", "--csv", str(csv), "--report", "--json").exited(0).out)
    candles = read_candles(csv)
    outcomes = expected_outcomes(candles, expected_signals(candles, SHIPPED[name]))
    gains = [one["r"] for one in outcomes]
    (found,) = report["strategies"]
    assert Counter(one["result"] for one in outcomes) == results
    assert {key: count for key, count in found["results"].items() if count} == results
    assert (found["closed"], found["open"], found["signals"]) == (len(outcomes), 0, len(outcomes))
    assert found["r"]["sum"] == sum(gains) == Fraction(total)
    assert found["net_r"]["sum"] == sum(gains)
    assert found["ambiguous"] == sum(one["ambiguous"] for one in outcomes)
    assert float(found["hit_rate"]) == pytest.approx(results["target"] / len(outcomes), abs=1e-9)
    assert [float(end) for end in found["wilson"]] == pytest.approx(wilson(results["target"], len(outcomes)), abs=1e-9)
    assert float(found["r"]["mean"]) == pytest.approx(float(sum(gains) / len(gains)), abs=1e-9)
    low, high = found["r"]["interval"]
    assert low < found["r"]["mean"] < high
    assert found["break_even"] == Fraction("0.4")
    assert found["drawdown_r"] == largest_fall(gains)
    assert found["losing_run"] == longest_losing_run(gains)
    assert found["median_candles"] == sorted(one["candles"] for one in outcomes)[len(outcomes) // 2]
    assert report["tried"] == {"strategies": 1, "settings": 1}
    said = workplace.run("replay", "--csv", str(csv), "--report").exited(0).out
    assert verdict in said
    assert all(len(line) <= 80 for line in said.splitlines())


@pytest.fixture
def lived(outside: Outside, candles_dir: Path) -> Outside:
    """A daemon's life over some hundred candles."""
    candles = read_candles(candles_dir / f"{SERIES}.csv")
    outside.watch(RULES)
    for place in (1_000, 1_120, 1_121, 1_300):
        outside.show(candles[place], "H4")
        outside.once()
    return outside


def exported(outside: Outside) -> Path:
    path = outside.place.directory / "signals.jsonl"
    outside.place.run("signals", "--export", str(path)).exited(0)
    return path


def test_report_signals_and_status_agree_with_the_list_of_outcomes(lived: Outside) -> None:
    listed = [parsed_outcome(str(text)) for text in lived.redis.lrange("{ninja}:outcomes", 0, -1)]
    assert len(listed) > 20
    lived.redis.delete("{ninja}:outcomes")
    report = fractions(lived.place.run("report", "--json").exited(0).out)
    assert set(report) == {"strategies", "total", "tried"}
    status = fractions(lived.place.run("status", "--json").exited(0).out)
    still_open = {one["strategy"]: one["open"] for one in status["strategies"]}
    for found in report["strategies"]:
        mine = [one for one in listed if one["strategy"] == found["strategy"]]
        assert found["closed"] == len(mine)
        assert found["r"]["sum"] == sum(one["r"] for one in mine)
        assert found["open"] == len(still_open[found["strategy"]])
    assert report["total"]["closed"] == len(listed)
    assert report["tried"] == {"strategies": 2, "settings": 2}
    (shipped,) = [one for one in report["strategies"] if one["strategy"] == SERIES]
    assert shipped["closed"] < 30
    said = lived.place.run("report", "--strategy", SERIES).exited(0).out
    assert "too few" in said
    assert all(len(line) <= 80 for line in said.splitlines())
    rows = lived.place.run("report", "--csv", "--picture", "curve.svg").exited(0).out.splitlines()
    drawn = (lived.place.directory / "curve.svg").read_text(encoding="utf-8")
    assert f"{float(report['total']['r']['sum']):+.2f} R of {len(listed)} closed" in drawn
    assert len(rows) == 1 + len(report["strategies"]) + 1
    table = lived.place.run("signals", "--csv", "--limit", "0").exited(0).out.splitlines()
    ended = sum(",target," in line or ",stop," in line for line in table)
    assert ended == len(listed)
    assert f"head {status['record']['head'][:16]}" in lived.place.run("status").exited(0).out


def test_an_untouched_record_is_proved_with_and_without_candles(lived: Outside, candles_dir: Path) -> None:
    path = exported(lived)
    checked = lived.place.run("verify", str(path)).exited(0)
    assert "verdict: whole and unchanged" in checked.out
    head = fractions(lived.place.run("status", "--json").exited(0).out)["record"]["head"]
    assert head in checked.out
    lived.place.run("verify", str(path), "--head", head).exited(0)
    lived.place.run("verify", str(path), "--head", "0" * 64).exited(1)
    with_candles = lived.place.run("verify", str(path), "--candles", str(candles_dir / f"{SERIES}.csv")).exited(0)
    assert "every digit again" in with_candles.out
    assert "every digit again" in lived.place.run("verify", str(path), "--broker").exited(0).out
    # The check alone, as a reader has it: one file and an interpreter.
    alone = lived.place.directory / "check.py"
    shutil.copy(str(record.__file__), alone)
    done = subprocess.run([sys.executable, "-I", str(alone), str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    assert head in done.stdout
    assert len(alone.read_text().splitlines()) <= 150


def swapped(lines: list[str]) -> list[str]:
    return [lines[1], lines[0], *lines[2:]]


def without(place: int) -> Callable[[list[str]], list[str]]:
    return lambda lines: lines[:place] + lines[place + 1 or len(lines) :]


def changed(kind: str, old: str, new: str) -> Callable[[list[str]], list[str]]:
    def change(lines: list[str]) -> list[str]:
        place = next(place for place, line in enumerate(lines) if f'"kind":"{kind}"' in line and old in line)
        return [*lines[:place], lines[place].replace(old, new, 1), *lines[place + 1 :]]

    return change


@pytest.mark.parametrize(
    "touch",
    [
        without(0),
        without(5),
        without(-1),
        without(-2),
        lambda lines: lines[:-2],
        swapped,
        lambda lines: [*lines[:4], lines[3], *lines[4:]],
        lambda lines: [*lines, lines[-1]],
        changed("outcome", '"result":"stop"', '"result":"target"'),
        changed("outcome", '"r":1.', '"r":2.'),
        changed("signal", '"side":"BUY"', '"side":"SELL"'),
        changed("settings", '"slow_ma":70', '"slow_ma":71'),
        changed("end", '"n":', '"n":1'),
        lambda lines: [*lines[:2], "not json", *lines[2:]],
    ],
)
def test_whatever_is_touched_is_found(lived: Outside, touch: Callable[[list[str]], list[str]]) -> None:
    path = exported(lived)
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(touch(lines)) + "\n", encoding="utf-8")
    done = lived.place.run("verify", str(path), "--json").exited(1)
    assert json.loads(done.out)["problems"]


def rechained(lines: Sequence[str]) -> list[str]:
    """A forger's work: every chain made anew."""
    chain, found = record.BEGIN, []
    for number, text in enumerate(lines, start=1):
        line = record.parsed(text)
        if line["kind"] == "end":
            found.append(record.canonical({**line, "n": number - 1, "chain": chain}))
            continue
        line["n"] = number
        chain = record.link(chain, line)
        found.append(record.canonical({**line, "chain": chain}))
    return found


def test_candles_find_what_a_forger_has_chained_anew(lived: Outside, candles_dir: Path) -> None:
    path = exported(lived)
    lines = path.read_text(encoding="utf-8").splitlines()
    chance = random.Random(1)
    forgeries: list[list[str]] = [
        changed("outcome", '"result":"stop"', '"result":"target"')(lines),
        changed("signal", '"close":1', '"close":2')(lines),
    ]
    signals = [place for place, line in enumerate(lines) if '"kind":"signal"' in line]
    gone = json.loads(lines[chance.choice(signals[5:-5])])["entry"]["id"]
    forgeries.append([line for line in lines if gone not in line])
    for forged in forgeries:
        path.write_text("\n".join(rechained(forged)) + "\n", encoding="utf-8")
        lived.place.run("verify", str(path)).exited(0)
        lived.place.run("verify", str(path), "--candles", str(candles_dir / f"{SERIES}.csv")).exited(1)


def test_the_record_outlives_a_redis_that_lost_everything(lived: Outside, candles_dir: Path) -> None:
    before = exported(lived).read_text(encoding="utf-8").splitlines()
    lived.redis.flushall()
    lived.show(read_candles(candles_dir / f"{SERIES}.csv")[1_400], "H4")
    lived.once()
    path = exported(lived)
    after = path.read_text(encoding="utf-8").splitlines()
    assert after[: len(before) - 1] == before[:-1]
    assert len(after) > len(before) + 10
    lived.place.run("verify", str(path), "--candles", str(candles_dir / f"{SERIES}.csv")).exited(0)


def test_without_redis_the_record_and_the_report_are_the_same(lived: Outside, candles_dir: Path) -> None:
    with_redis = fractions(lived.place.run("report", "--json").exited(0).out)
    lived.place.environment["CACHE_ENABLED"] = "false"
    candles = read_candles(candles_dir / f"{SERIES}.csv")
    for place in (1_000, 1_120, 1_121, 1_300):
        lived.show(candles[place], "H4")
        lived.once()
    assert fractions(lived.place.run("report", "--json").exited(0).out) == with_redis
    lived.place.run("verify", str(exported(lived)), "--candles", str(candles_dir / f"{SERIES}.csv")).exited(0)


def test_a_record_that_was_changed_where_it_lies_is_reported(lived: Outside, candles_dir: Path) -> None:

    (file,) = Path(lived.place.environment["NINJA_STATE_DIR"]).glob("record*.sqlite3")
    with sqlite3.connect(file) as connection:
        connection.execute("""UPDATE record SET line = replace(line, '"result":"stop"', '"result":"target"')""")
    connection.close()
    lived.show(read_candles(candles_dir / f"{SERIES}.csv")[1_301], "H4")
    assert "the record is broken" in lived.once().err
    assert "the record is broken" in lived.place.run("status").exited(0).out
    lived.place.run("verify", str(exported(lived))).exited(1)

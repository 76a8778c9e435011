"""T4: what was wrong with the sixteen strategies of the replaced system is said before anything runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.processes import ROOT, Workplace

SIXTEEN = {
    f"{pair}_{timeframe}"
    for pair in ("AUD_USD", "EUR_GBP", "EUR_USD", "GBP_JPY", "GBP_USD", "NZD_USD", "USD_CAD", "USD_JPY")
    for timeframe in ("H4", "D")
}
BROKEN = """
[strategies.EUR_USD_H4]
instrument = "EUR_USD"
timeframe = "H5"
fastma = 40
slow_ma = 0

[strategies.GBP_JPY_D]
instrument = "GBP/JPY"
timeframe = "D"
fast_ma = 50
slow_ma = 200
price = "last"
sl_atr_multiplier = -1
"""


@pytest.fixture
def shipped(workplace: Workplace) -> Workplace:
    return workplace.configure((ROOT / "config" / "ninja.toml").read_text(encoding="utf-8"))


@pytest.fixture
def replaced(workplace: Workplace) -> Workplace:
    """The shipped strategies with the two faults that the replaced system's had."""
    text = (ROOT / "config" / "ninja.toml").read_text(encoding="utf-8")
    before, name, after = text.partition("[strategies.AUD_USD_H4]")
    after = after.replace("tp_atr_multiplier = 2.25", "tp_atr_multiplier = 2.0", 1)
    mirrored = after.replace("fast_ma = 50\nslow_ma = 80", "fast_ma = 80\nslow_ma = 50")
    return workplace.configure(before + name + mirrored)


def test_t4_what_is_shipped_has_no_warning_of_its_own(shipped: Workplace) -> None:
    assert [each for each in findings(shipped) if each["subject"].startswith("strategy ")] == []


def findings(place: Workplace, *options: str, code: int = 0) -> list[dict[str, Any]]:
    report = json.loads(place.run("check", "--offline", "--json", *options).exited(code).out)
    assert report["schema"] == 1
    assert report["exit_code"] == code
    return list(report["findings"])


def test_t4_the_one_that_can_never_signal_and_the_mirrored_one_are_named(replaced: Workplace) -> None:
    warnings = [finding for finding in findings(replaced) if finding["level"] == "warning"]
    by_subject = {finding["subject"]: finding for finding in warnings if "strategy " in finding["subject"]}
    assert set(by_subject) == {"strategy AUD_USD_H4", "strategy USD_CAD_H4"}
    never = by_subject["strategy AUD_USD_H4"]
    assert "never signal" in never["cause"]
    assert "2.25" in never["cure"], "the cure names the target that would pass: 1.5 times the stop's 1.5"
    mirrored = by_subject["strategy USD_CAD_H4"]
    assert "80" in mirrored["cause"]
    assert "mirrored" in mirrored["cause"]
    assert mirrored["cure"]


def test_t4_warnings_fail_only_a_strict_check(shipped: Workplace) -> None:
    assert findings(shipped, "--strict", code=1)


def test_t4_all_sixteen_are_there_and_their_averages_can_fill(shipped: Workplace) -> None:
    done = shipped.run("status", "--json", environment={"REDIS_URL": "unix:///nowhere/at/all"})
    assert done.code != 0, "without Redis there is no status"
    text = shipped.config.read_text(encoding="utf-8")
    assert {line[12:-1] for line in text.splitlines() if line.startswith("[strategies.")} == SIXTEEN
    assert not [finding for finding in findings(shipped) if finding["level"] == "error"]


@pytest.mark.parametrize("command", [["run"], ["run", "--once"], ["notify"], ["status"], ["replay"]])
def test_a_configuration_that_cannot_work_ends_in_78_with_every_problem(
    workplace: Workplace, command: list[str]
) -> None:
    workplace.configure(BROKEN).environment["REDIS_PORT"] = "99999999"
    done = workplace.run(*command).exited(78)
    for wrong in ("timeframe", "H5", "fastma", "fast_ma", "slow_ma", "GBP/JPY", "price", "last", "sl_atr_multiplier"):
        assert wrong in done.err, f"{wrong} must be named:\n{done.err}"
    assert "REDIS_PORT" in done.err, "problems of the environment are listed along with those of the file"
    assert "Traceback" not in done.err
    assert not done.out


def test_a_check_of_it_lists_the_same_problems_and_ends_in_2(workplace: Workplace) -> None:
    causes = " ".join(
        finding["cause"] for finding in findings(workplace.configure(BROKEN), code=2) if finding["level"] == "error"
    )
    for wrong in ("H5", "fastma", "slow_ma", "GBP/JPY", "price", "sl_atr_multiplier"):
        assert wrong in causes


def test_a_missing_token_and_a_missing_file_end_in_78(workplace: Workplace) -> None:
    workplace.configure('[strategies.a]\ninstrument = "EUR_USD"\ntimeframe = "D"\nfast_ma = 1\nslow_ma = 2\n')
    assert "OANDA_ACCESS_TOKEN" in workplace.run("run", "--once").exited(78).err
    done = workplace.run("run", "--once", environment={"NINJA_CONFIG": "nothing.toml", "OANDA_ACCESS_TOKEN": "x"})
    assert "nothing.toml" in done.exited(78).err


def test_a_usage_error_ends_in_2(workplace: Workplace) -> None:
    assert workplace.run("run", "--twice").exited(2).err

"""Histories at once: `replay` over a file, and both engines, against the oracle."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from ninja_daemon.adapters.candle_files.layout import Options
from ninja_daemon.adapters.candle_files.opening import open_candles
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.rules import Rules as BoundRules
from ninja_daemon.usecases.replay import Engine, replay
from tests.end_to_end.settings import DECIMALS, SERIES, all_rules, nasty, oracle, tied_candles, toml, write_candles
from tests.oracle import Rules, assert_same_signals, expectation, ids, read_candles
from tests.processes import Workplace


def replayed(place: Workplace, csv: Path, rules: Rules, engine: Engine) -> tuple[list[str], dict[str, int]]:
    """What the use case behind ``replay --csv`` makes of a file: the signals as they are printed, and the rejected."""
    environment = place.environment | {"NINJA_CONFIG": str(place.configure(rules.toml).config)}
    (strategy,) = load_settings(environment, place.directory)[1].strategies
    bound = BoundRules(strategy, Instrument.from_decimals(rules.instrument, rules.decimals))
    with open_candles([csv], Options(decimals=rules.decimals), expected=strategy.granularity) as opened:
        (report,) = replay([bound], opened.columns(strategy.granularity), engine=engine)
    return [encode_signal(signal) for signal in report.signals], {
        reason.name: count for reason, count in report.rejected.items()
    }


@pytest.mark.parametrize(("series", "place"), [(series, place) for series in SERIES for place in range(6)])
def test_both_engines_find_the_oracles_signals_in_ten_years_of_real_candles(
    workplace: Workplace, candles_dir: Path, series: str, place: int
) -> None:
    csv = candles_dir / f"{series}.csv"
    rules = all_rules(series)[place]
    must = oracle(csv, rules)
    for engine in Engine:
        signals, rejected = replayed(workplace, csv, rules, engine)
        assert_same_signals(signals, must.signals)
        assert {
            "atr_not_full" if reason == "atr" else reason: count for reason, count in rejected.items()
        } == must.rejected


@pytest.mark.parametrize("engine", list(Engine))
def test_both_engines_find_the_oracles_signals_where_averages_are_often_equal(
    workplace: Workplace, candles_dir: Path, tmp_path: Path, engine: Engine
) -> None:
    candles = tied_candles(candles_dir / "EUR_USD_H4.csv", "0.005", "0.00001", 4_000)
    csv = write_candles(tmp_path / "EUR_USD_H4.csv", candles)
    for rules in nasty("EUR_USD_H4"):
        signals, _ = replayed(workplace, csv, rules, engine)
        assert_same_signals(signals, expectation(candles, rules).signals)


def test_the_nasty_settings_are_nasty(candles_dir: Path) -> None:
    for series in SERIES:
        found = {rules.name: expectation(read_candles(candles_dir / f"{series}.csv"), rules) for rules in nasty(series)}
        assert len(found["close_itself"].signals) > 800
        assert found["mirrored"].rejected["min_atr_value"] > 5
        assert len(found["mirrored"].signals) > 2
        assert found["late_range"].rejected["atr_not_full"] > 3
        assert found["odd_ratio"].signals
        assert set(found["all_refused"].rejected) == {"min_rr_ratio"}
        assert not found["all_refused"].signals


def test_the_replay_command_prints_the_oracles_signals(workplace: Workplace, candles_dir: Path) -> None:
    rules = all_rules("GBP_JPY_H4")[:2]
    workplace.configure(toml(rules))
    csv = candles_dir / "GBP_JPY_H4.csv"
    done = workplace.run("replay", "--csv", str(csv), "--jsonl").exited(0)
    for each in rules:
        own = [line for line in done.out.splitlines() if f'"strategy":"{each.name}"' in line]
        assert_same_signals(own, oracle(csv, each).signals)
    assert not workplace.state_dir.exists()


def test_t3_later_candles_change_no_earlier_signal(workplace: Workplace, candles_dir: Path, tmp_path: Path) -> None:
    chance = random.Random(3)
    rules = nasty("GBP_JPY_D")[2]
    candles = read_candles(candles_dir / "GBP_JPY_D.csv")
    whole, _ = replayed(workplace, candles_dir / "GBP_JPY_D.csv", rules, Engine.BATCH)
    for _ in range(25):
        known = chance.randrange(100, len(candles))
        prefix = write_candles(tmp_path / "prefix" / "GBP_JPY_D.csv", candles[:known])
        other = [candle | dict.fromkeys(("open", "high", "low", "close"), "123.456") for candle in candles[known:]]
        changed = write_candles(tmp_path / "changed" / "GBP_JPY_D.csv", [*candles[:known], *other])
        border = candles[known]["time"]
        before = [text for text in whole if _time(text) < border]
        for csv in (prefix, changed):
            signals, _ = replayed(workplace, csv, rules, Engine.BATCH)
            assert [text for text in signals if _time(text) < border] == before


def test_the_same_settings_in_another_spelling_give_the_same_ids(workplace: Workplace, candles_dir: Path) -> None:
    csv = candles_dir / "EUR_USD_D.csv"
    rules = nasty("EUR_USD_D")[3]
    plain, _ = replayed(workplace, csv, rules, Engine.BATCH)
    respelt = rules.toml.replace("instrument", "pair").replace("1.3", "1.300").replace("\natr_period = 14", "")
    assert respelt != rules.toml
    workplace.configure(respelt)
    done = workplace.run("replay", "--csv", str(csv), "--jsonl").exited(0)
    assert ids(done.out.splitlines()) == ids(plain)
    other, _ = replayed(workplace, csv, replace(rules, atr_period=15), Engine.BATCH)
    assert not set(ids(other).values()) & set(ids(plain).values())


def _time(text: str) -> str:
    return text.split('"time":"')[1][:20]


def test_the_real_files_hold_what_the_settings_say(candles_dir: Path) -> None:
    for series in SERIES:
        closes = [candle["close"] for candle in read_candles(candles_dir / f"{series}.csv")]
        assert max(len(close.split(".")[1]) for close in closes) == DECIMALS[series[:7]]

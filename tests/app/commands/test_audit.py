"""``ninja-daemon audit``: each planted difference is found, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.stored.outcome import decode_outcome, encode_outcome
from ninja_daemon.adapters.stored.signal import decode_signal, encode_signal
from ninja_daemon.app.queues.opening import audits_file
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.core.market.instant import format_instant, parse_instant
from ninja_daemon.core.outcomes.open_signal import Result
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import signal_id
from tests.app.commands.conftest import SEEN_AT_START, TAKEN_IN, Committed
from tests.app.stored import M15

STATE, SIDES, HISTORY = "{ninja}:ma_state:EUR_USD_M15", "{ninja}:signal_state:EUR_USD_M15", "{ninja}:history"


def test_what_the_daemon_left_has_no_difference(committed: Committed) -> None:
    made = json.loads(committed("audit", "-s", M15.name, "--json"))["strategies"][0]
    signals = len(committed.listed())
    assert made == {
        "strategy": M15.name,
        "error": None,
        "candles": TAKEN_IN,
        "first": format_instant(committed.candles[0].time),
        "last": format_instant(committed.candles[-1].time),
        "signals_due_since": format_instant(committed.candles[SEEN_AT_START].time),
        "derived": signals,
        "listed": signals,
        "ended": len(ended(committed)),
        "outcomes": len(ended(committed)),
        "other_settings": 0,
        "ahead": 0,
        "differences": [],
    }
    assert "no difference" in committed("audit", "-s", M15.name)


# --- planted, one at a time ------------------------------------------------------------------------------------------


def revised_close(committed: Committed) -> tuple[str, str, str]:
    candle = committed.revise(-2, close=committed.candles[-2].close + 1)
    return "revised candle", format_instant(candle.time), "close"


def revised_high(committed: Committed) -> tuple[str, str, str]:
    candle = committed.revise(-2, high=committed.candles[-2].high + 7)
    return "revised candle", format_instant(candle.time), "true range"


def revised_open(committed: Committed) -> tuple[str, str, str]:
    candle = committed.revise(-1, open=committed.candles[-1].open + 1)
    return "revised candle", format_instant(candle.time), "open"


def added_candle(committed: Committed) -> tuple[str, str, str]:
    last = committed.candles[-1]
    committed.candles.insert(-1, last._replace(time=last.time - 450, close=last.close + 1))
    return "revised candle", format_instant(last.time - 450), "candle"


def removed_candle(committed: Committed) -> tuple[str, str, str]:
    del committed.candles[-3]
    return "revised candle", format_instant(committed.candles[-3].time), "candle"


def deleted_signal(committed: Committed) -> tuple[str, str, str]:
    text = committed.listed()[5]
    committed.client.lrem(HISTORY, 1, text)
    return "missing", json.loads(text)["time"], "id"


def extra_signal(committed: Committed) -> tuple[str, str, str]:
    signal = decode_signal(committed.listed()[5])
    time = signal.time + 900
    side = Side(-signal.side)
    made = signal._replace(time=time, close_time=time + 900, side=side, id=signal_id(M15, time, side))
    committed.client.rpush(HISTORY, encode_signal(made))
    return "extra", format_instant(time), "id"


def changed_side(committed: Committed) -> tuple[str, str, str]:
    return _other_side(committed, STATE, "ma_state side")


def changed_side_of_the_signal(committed: Committed) -> tuple[str, str, str]:
    return _other_side(committed, SIDES, "signal_state side")


def _other_side(committed: Committed, key: str, field: str) -> tuple[str, str, str]:
    side = str(committed.client.hget(key, "side"))
    committed.client.hset(key, "side", "BUY" if side == "SELL" else "SELL")
    return "stored value", format_instant(committed.candles[-1].time), field


def changed_price_of_a_signal(committed: Committed) -> tuple[str, str, str]:
    text = committed.listed()[5]
    signal = decode_signal(text)
    changed = signal._replace(stop_loss=signal.stop_loss * 2)
    committed.client.lset(HISTORY, 5, encode_signal(changed))
    return "stored value", format_instant(signal.time), "stop_loss"


def changed_average(committed: Committed) -> tuple[str, str | None, str]:
    count, total = str(committed.client.hget(STATE, "slow")).split()
    committed.client.hset(STATE, "slow", f"{count} {int(total) + 1}")
    return "stored value", None, "state"


def changed_cursor(committed: Committed) -> tuple[str, str, str]:
    cursor = format_instant(committed.candles[-4].time)
    committed.client.set("{ninja}:last_processed:EUR_USD_M15", cursor)
    return "stored value", cursor, "cursor"


@pytest.mark.parametrize(
    "plant",
    [
        *(revised_close, revised_high, revised_open, added_candle, removed_candle),
        *(deleted_signal, extra_signal),
        *(changed_side, changed_side_of_the_signal, changed_price_of_a_signal, changed_average, changed_cursor),
    ],
    ids=lambda plant: plant.__name__,
)
def test_a_planted_difference_is_found_and_nothing_else(
    committed: Committed, plant: Callable[[Committed], tuple[str, str | None, str]]
) -> None:
    planted = plant(committed)
    made = json.loads(committed("audit", "-s", M15.name, "--json", code=1))["strategies"][0]
    assert [(each["kind"], each["time"], each["field"]) for each in made["differences"]] == [planted]
    assert committed("audit", "-s", M15.name, code=1).startswith("DIFFERENT EUR_USD_M15")


def test_all_of_them_at_once_are_found(committed: Committed) -> None:
    planted = {plant(committed) for plant in (deleted_signal, extra_signal, changed_side, revised_high)}
    made = json.loads(committed("audit", "-s", M15.name, "--json", code=1))["strategies"][0]
    assert {(each["kind"], each["time"], each["field"]) for each in made["differences"]} == planted


def test_nothing_before_since_is_compared(committed: Committed) -> None:
    _, time, _ = deleted_signal(committed)
    since = format_instant(parse_instant(time) + 900)
    assert "no difference" in committed("audit", "-s", M15.name, "--since", since)
    committed("audit", "-s", M15.name, "--since", time, code=1)


def test_a_signal_of_other_settings_is_counted_and_not_judged(committed: Committed) -> None:
    signal = decode_signal(committed.listed()[0])
    committed.client.lset(HISTORY, 0, encode_signal(signal._replace(id="0" * 32)))
    assert "1 listed under other settings, not compared" in committed("audit", "-s", M15.name)


def test_a_strategy_that_never_started_has_nothing_to_compare(committed: Committed) -> None:
    assert "nothing was committed yet" in committed("audit", "-s", "GBP_JPY_D")


# --- over files ------------------------------------------------------------------------------------------------------


def written(committed: Committed, count: int | None = None) -> str:
    """The broker's candles as a server in Athens exports them, five minutes each, under a name that says the series."""
    rows = ["<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>"]
    for candle in committed.candles[:count]:
        for part, shown in enumerate(
            ((candle.open, candle.high, candle.low, candle.low), (candle.low,) * 4, (candle.close,) * 4)
        ):
            at = datetime.fromtimestamp(candle.time + 300 * part, ZoneInfo("Europe/Athens"))
            rows.append("\t".join([f"{at:%Y.%m.%d\t%H:%M:%S}", *(f"{units / 100_000:.5f}" for units in shown), "7"]))
    Path("EURUSD_M5.csv").write_text("\r\n".join(rows) + "\r\n")
    return "EURUSD_M5.csv"


def test_candles_of_a_file_prove_the_record_as_the_brokers_do(committed: Committed) -> None:
    path = written(committed)
    committed.candles.clear()  # the broker is not asked
    made = json.loads(committed("audit", "--candles", path, "--zone", "EET", "--json"))["strategies"]
    assert "format mt5; zone EET, as said" in committed.error
    assert "step M5, joined to M15" in committed.error
    assert [(each["strategy"], each["error"], each["differences"]) for each in made] == [(M15.name, None, [])]
    assert made[0]["derived"] == made[0]["listed"] == len(committed.listed())
    assert made[0]["candles"] == TAKEN_IN - M15.warm_up


@pytest.mark.parametrize("plant", [revised_high, deleted_signal, extra_signal, changed_side, changed_cursor])
def test_a_difference_is_found_in_a_file_as_well(
    committed: Committed, plant: Callable[[Committed], tuple[str, str | None, str]]
) -> None:
    planted = plant(committed)
    asked = ("audit", "-s", M15.name, "--candles", written(committed), "--zone", "EET", "--json")
    made = json.loads(committed(*asked, code=1))["strategies"][0]
    assert [(each["kind"], each["time"], each["field"]) for each in made["differences"]] == [planted]
    assert "broker" not in made["differences"][0]["meaning"]


def test_a_file_without_a_candle_that_was_taken_in_is_not_the_brokers_doing(committed: Committed) -> None:
    del committed.candles[TAKEN_IN - 3]
    made = json.loads(committed("audit", "--candles", written(committed), "--zone", "EET", "--json", code=1))
    meanings = " ".join(each["meaning"] for each in made["strategies"][0]["differences"])
    assert "a candle less" in meanings
    assert "broker" not in meanings


def test_a_file_that_ends_before_the_cursor_is_compared_as_far_as_it_goes(committed: Committed) -> None:
    asked = ("audit", "--candles", written(committed, TAKEN_IN // 2), "--zone", "EET")
    assert "no difference" in committed(*asked)
    _, time, _ = deleted_signal(committed)
    assert f"DIFFERENT {M15.name} at {time}: missing" in committed(*asked, code=1)


def test_a_file_that_is_too_short_audits_nothing(committed: Committed) -> None:
    asked = ("audit", "--candles", written(committed, 5), "--zone", "EET")
    assert "not audited: EUR_USD_M15 needs more than 8 M15 candles, the files give 5" in committed(*asked, code=1)


def test_files_of_another_series_or_options_without_files_are_usage_errors(committed: Committed) -> None:
    committed("audit", "--zone", "EET", code=2)
    assert "must be given together with --candles" in " ".join(committed.error.replace("│", " ").split())
    committed("audit", "-s", "GBP_JPY_D", "--candles", written(committed), "--zone", "EET", code=2)
    assert "Invalid value for --candles" in committed.error


# --- outcomes --------------------------------------------------------------------------------------------------------

OUTCOMES = "{ninja}:outcome_history"


def ended(committed: Committed) -> list[str]:
    return [str(text) for text in committed.client.lrange(OUTCOMES, 0, -1) if '"follow"' not in str(text)]


def changed_result(committed: Committed) -> tuple[str, str, str]:
    text = ended(committed)[3]
    outcome = decode_outcome(text)
    other = Result.STOP if outcome.result is Result.TARGET else Result.TARGET
    committed.client.lrem(OUTCOMES, 1, text)
    committed.client.rpush(OUTCOMES, encode_outcome(outcome._replace(result=other)))
    return "stored value", format_instant(outcome.time), "outcome result"


def removed_outcome(committed: Committed) -> tuple[str, str, str]:
    text = ended(committed)[3]
    committed.client.lrem(OUTCOMES, 1, text)
    return "missing", json.loads(text)["time"], "outcome"


def extra_outcome(committed: Committed) -> tuple[str, str, str]:
    outcome = decode_outcome(ended(committed)[3])
    committed.client.rpush(OUTCOMES, encode_outcome(outcome._replace(id="0" * 32)))
    return "extra", format_instant(outcome.time), "outcome"


def early_outcome(committed: Committed) -> tuple[str, str, str]:
    signal = decode_signal(committed.listed()[-1])
    made = decode_outcome(ended(committed)[-1])._replace(
        id=signal.id, time=signal.time, side=signal.side, exit_time=format_and_parse(signal.close_time + 900)
    )
    committed.client.rpush(OUTCOMES, encode_outcome(made))
    return "extra", format_instant(signal.time), "outcome"


def format_and_parse(at: int) -> int:
    return parse_instant(format_instant(at))


@pytest.mark.parametrize(
    "plant", [changed_result, removed_outcome, extra_outcome, early_outcome], ids=lambda plant: plant.__name__
)
def test_a_planted_outcome_is_found_and_nothing_else(
    committed: Committed, plant: Callable[[Committed], tuple[str, str, str]]
) -> None:
    planted = plant(committed)
    made = json.loads(committed("audit", "-s", M15.name, "--json", code=1))["strategies"][0]
    assert [(each["kind"], each["time"], each["field"]) for each in made["differences"]] == [planted]


def test_one_that_was_cut_short_goes_on_with_what_is_left(committed: Committed) -> None:
    committed.client.lrem(HISTORY, 1, committed.listed()[5])
    clean = json.loads(committed("audit", "-s", M15.name, "--json", code=1))["strategies"][0]
    with closing(audits_file(load_settings()[0])) as file:
        assert not file.kept("since None")  # it came to its end
        kept = clean | {"differences": [], "candles": 7}
        file.keep("since None", M15.name, M15.settings_hash, SystemClock().now(), json.dumps(kept))
        made = json.loads(committed("audit", "--json"))["strategies"]
        assert [each["candles"] for each in made] == [7, 0]
        assert "1 strategy of 2 audited until" in committed.error
        assert not file.kept("since None")
        file.keep("since None", M15.name, M15.settings_hash, SystemClock().now(), json.dumps(kept))
        made = json.loads(committed("audit", "--anew", "--json", code=1))["strategies"]
        assert made[0] == clean

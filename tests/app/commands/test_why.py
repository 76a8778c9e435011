"""``ninja-daemon why`` over what a daemon really left in Redis, and the candles that it saw."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from ninja_daemon.adapters.journal.history.evaluation_rows import Batch
from ninja_daemon.adapters.journal.sent_ledger import SqliteSentLedger, ledger_path
from ninja_daemon.app.queues.opening import evaluations_file, store_label
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.core.market.instant import format_instant, parse_instant
from ninja_daemon.usecases.proof.noted import Evaluation
from tests.app.commands.conftest import TAKEN_IN, Committed
from tests.app.stored import M15

NAME = M15.name
FIELDS = [
    *("time", "close", "fast_ma", "slow_ma", "gap_pips", "side_before", "side_after"),
    *("cross", "filters", "id", "evaluated_at"),
]


def shown(committed: Committed, *arguments: str) -> list[dict[str, object]]:
    made: list[dict[str, object]] = json.loads(committed("why", NAME, "--json", *arguments), parse_float=Decimal)
    return made


def opened(committed: Committed, index: int) -> str:
    return format_instant(committed.candles[index].time)


def test_json_of_a_candle_is_as_the_contract_says(committed: Committed) -> None:
    index = 200
    (candle,) = shown(committed, "--from", opened(committed, index), "--to", opened(committed, index))
    closes = [Fraction(each.close, 10**5) for each in committed.candles[: index + 1]]
    fast, slow = sum(closes[-3:]) / 3, sum(closes[-8:]) / 8
    assert list(candle) == FIELDS
    assert candle["time"] == opened(committed, index)
    assert candle["close"] == Decimal(committed.candles[index].close).scaleb(-5)
    assert candle["fast_ma"] == Decimal(round(fast * 10**10)).scaleb(-10)
    assert candle["slow_ma"] == Decimal(round(slow * 10**10)).scaleb(-10)
    assert candle["gap_pips"] == Decimal(round((fast - slow) * 10**8)).scaleb(-4)
    assert candle["evaluated_at"] is None  # Nothing was noted: no process did this.


def test_both_ends_are_shown_and_a_date_is_the_whole_of_its_day(committed: Committed) -> None:
    both = shown(committed, "--from", opened(committed, 150), "--to", opened(committed, 160))
    assert [each["time"] for each in both] == [opened(committed, index) for index in range(150, 161)]
    day = opened(committed, 150)[:10]
    on = [each["time"] for each in shown(committed, "--on", day)]
    assert on == [opened(committed, index) for index in range(300) if opened(committed, index)[:10] == day]
    assert on == [each["time"] for each in shown(committed, "--from", day, "--to", day)]


def test_no_cross_before_the_first_start_is_missing_in_an_early_span(committed: Committed) -> None:
    middle = opened(committed, TAKEN_IN // 3)
    crosses = shown(committed, "--from", opened(committed, 0), "--to", middle)
    made = {candle["time"] for candle in crosses if candle["cross"]}
    listed = {json.loads(text)["time"] for text in committed.listed()}
    assert made - listed, "there are some before the first start"
    assert made >= {time for time in listed if time <= middle}


def test_every_listed_signal_is_a_cross_that_passed_each_filter(committed: Committed) -> None:
    crossed = [each for each in shown(committed, "--from", opened(committed, 20)) if each["id"]]
    assert [each["id"] for each in crossed] == [json.loads(text)["id"] for text in committed.listed()]
    assert len(crossed) > 10
    for each in crossed:
        assert each["cross"] == each["side_after"] != each["side_before"]
        filters: list[dict[str, object]] = each["filters"]  # type: ignore[assignment]
        assert [one["name"] for one in filters] == ["atr", "min_atr_value", "min_rr_ratio", "no_room"]
        assert all(one["passed"] for one in filters)


def test_a_rejected_cross_ends_at_the_filter_that_rejected_it(committed: Committed, tmp_path: Path) -> None:
    path = tmp_path / "ninja.toml"
    path.write_text(path.read_text().replace("atr_period = 5", "atr_period = 5\nmin_atr_value = 0.5"))
    arguments = ("why", NAME, "--json", "--from", opened(committed, 20))
    crossed = [each for each in json.loads(committed(*arguments, code=1)) if each["cross"]]
    assert crossed
    assert {each["id"] for each in crossed} == {None}
    assert {(each["filters"][-1]["name"], each["filters"][-1]["passed"]) for each in crossed} == {
        ("min_atr_value", False)
    }
    assert "under other settings" in committed.error


def test_only_crosses_and_near_ones_are_shown_when_asked(committed: Committed) -> None:
    everything = shown(committed, "--from", opened(committed, 0))
    chosen = shown(committed, "--crosses")
    assert [each for each in chosen if each["cross"]] == [each for each in everything if each["cross"]]
    assert len(chosen) < len(everything)


def test_the_table_fits_80_columns(committed: Committed) -> None:
    lines = committed("why", NAME).splitlines()
    assert lines[0].split() == ["opened", "(UTC)", "close", "fast", "slow", "gap", "pips", "side"]
    assert [line.startswith("NOT EVALUATED ") for line in lines] == [False] * 25 + [True] * 2
    assert max(map(len, lines[:25])) <= 80
    cut = committed("why", NAME, "--from", opened(committed, 0)).splitlines()
    assert cut[-3].startswith("crosses and near ones of 300 candles")


def test_a_difference_is_the_headline(committed: Committed) -> None:
    committed.client.hset("{ninja}:signal_state:EUR_USD_M15", "side", "SELL")
    state = committed.client.hget("{ninja}:ma_state:EUR_USD_M15", "side")
    committed.client.hset("{ninja}:signal_state:EUR_USD_M15", "side", "BUY" if state == "SELL" else "SELL")
    first = committed("why", NAME, code=1).splitlines()[0]
    assert "DIFFERENT" in first
    assert "signal_state side" in first


# --- one signal ------------------------------------------------------------------------------------------------------


def test_every_digit_of_every_signal_is_derived_again(committed: Committed) -> None:
    for text in committed.listed():
        assert committed("why", json.loads(text)["id"], "--verify") == "every digit again\n"


def test_a_signal_is_explained_by_its_sums(committed: Committed) -> None:
    signal = json.loads(committed.listed()[4])
    made = json.loads(committed("why", signal["id"][:12], "--json"))
    index = next(place for place in range(300) if opened(committed, place) == signal["time"])
    closes = [candle.close for candle in committed.candles[: index + 1]]
    assert made["after"] == {"fast": [sum(closes[-3:]), 3], "slow": [sum(closes[-8:]), 8]}
    assert made["before"] == {"fast": [sum(closes[-4:-1]), 3], "slow": [sum(closes[-9:-1]), 8]}
    assert (made["id"], made["difference"]) == (signal["id"], None)
    text = committed("why", signal["id"])
    assert f"fast {sum(closes[-3:])} / 3" in text
    assert f"{M15.settings_hash}|EUR_USD|M15|{signal['time']}|{signal['side']}" in text


def test_a_revised_candle_is_named_with_field_both_values_and_time(committed: Committed) -> None:
    signal = json.loads(committed.listed()[4], parse_float=str)
    index = next(place for place in range(300) if opened(committed, place) == signal["time"])
    was = committed.candles[index]
    committed.revise(index, close=was.close + 1, high=was.high + 1)
    out = committed("why", signal["id"], "--verify", code=1)
    assert f"at {signal['time']}: revised candle, close was {signal['close']}, derived " in " ".join(out.split())
    made = json.loads(committed("why", signal["id"], "--json", "--verify", code=1))
    assert made["difference"]["field"] == "close"


def test_a_signal_that_is_not_derived_is_a_difference(committed: Committed) -> None:
    signal = json.loads(committed.listed()[4])
    index = next(place for place in range(300) if opened(committed, place) == signal["time"])
    del committed.candles[index]
    out = committed("why", signal["id"], "--verify", code=1)
    assert "extra" in out


# --- what cannot be asked --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("EUR_USD_M51",), "did you mean EUR_USD_M15?"),
        ((NAME, "--verify"), "together with the id of a signal"),
        ((NAME, "--on", "2020-09-13", "--to", "2020-09-13"), "not be given together with --from or --to"),
        ((NAME, "--on", "Tuesday"), "must be a date like 2026-11-24"),
        (("0123abcd", "--crosses"), "must be a strategy when"),
    ],
)
def test_a_wrong_question_says_how_to_ask(committed: Committed, arguments: tuple[str, ...], said: str) -> None:
    committed("why", *arguments, code=2)
    assert said in " ".join(committed.error.replace("│", " ").split())


def test_an_id_that_was_never_listed_is_said(committed: Committed) -> None:
    committed("why", "0123abcd", code=1)
    assert "0123abcd is of no signal" in committed.error


def test_when_a_candle_was_taken_in_is_shown_as_it_was_noted(committed: Committed) -> None:
    opens = [committed.candles[index].time for index in range(290, 300)]
    note(
        Batch(
            opens[-1] + 901.0,
            "droplet:7",
            [Evaluation(NAME, each, each + 901.25, "droplet:7", "stored") for each in opens],
        )
    )
    at = [candle["evaluated_at"] for candle in shown(committed, "--from", opened(committed, 289))]
    assert at == [None, *(f"{format_instant(each + 901)[:-1]}.250Z" for each in opens)]
    signal = json.loads(committed.listed()[-1])
    as_json = json.loads(committed("why", signal["id"], "--json"))
    is_noted = opens[0] <= parse_instant(signal["time"])
    assert as_json["evaluated_by"] == ("droplet:7" if is_noted else None)


def test_closes_that_were_not_evaluated_are_told_with_the_reason(committed: Committed) -> None:
    newest = committed.candles[299].time
    note(Batch(newest + 5_000.0, "droplet:7", is_present=True, began=newest - 10_000.0))
    note(Batch(newest + 1_900.0, "droplet:7", absent=[(NAME, newest + 1_800, "the broker answers 503")]))
    until = format_instant(newest + 5 * 900)
    shown_to = committed("why", NAME, "--from", opened(committed, 295), "--to", until)
    since = format_instant(newest + 1_800)
    assert f"NOT EVALUATED 4 closes from {since} to {until}: the broker answers 503, since {since}" in shown_to


def note(batch: Batch) -> None:
    file = evaluations_file(load_settings()[0])
    file.note(batch)
    file.close()


def test_a_signal_tells_where_and_when_it_was_delivered(committed: Committed) -> None:
    identity = json.loads(committed.listed()[-1])["id"]
    assert "delivered not by this machine" in committed("why", identity)
    environment = load_settings()[0]
    ledger = SqliteSentLedger(ledger_path(environment.state_dir, store_label(environment), environment.namespace))
    ledger.remember("desk", [identity], "77", 1_700_000_001.5)
    ledger.remember("room", [identity], "", 1_700_000_000.0)
    ledger.close()
    assert json.loads(committed("why", identity, "--json"))["delivered"] == [
        {"destination": "room", "at": "2023-11-14T22:13:20Z", "message_id": None},
        {"destination": "desk", "at": "2023-11-14T22:13:21Z", "message_id": "77"},
    ]
    assert "delivered 2023-11-14T22:13:21Z to desk, message 77" in committed("why", identity)


def test_every_attempt_and_the_outcome_are_told(committed: Committed) -> None:
    identity = json.loads(committed.listed()[3])["id"]
    environment = load_settings()[0]
    ledger = SqliteSentLedger(ledger_path(environment.state_dir, store_label(environment), environment.namespace))
    ledger.begin("desk", [identity], 1_700_000_000.0)
    ledger.ended("desk", [identity], 1_700_000_000.5, "HTTP 503: busy", maybe_sent=True)
    ledger.remember("desk", [identity], "77", 1_700_000_010.0)
    ledger.ended("desk", [f"outcome:{identity}"], 1_700_000_900.0, "HTTP 429: slow down", maybe_sent=False)
    ledger.remember("desk", [f"outcome:{identity}"], "77", 1_700_000_960.0)
    ledger.close()
    made = json.loads(committed("why", identity, "--json"))
    assert [(one["of"], one["accepted"], one["told"], one["message_id"]) for one in made["attempts"]] == [
        ("signal", False, "HTTP 503: busy", None),
        ("signal", True, None, "77"),
        ("outcome", False, "HTTP 429: slow down", None),
        ("outcome", True, None, "77"),
    ]
    assert made["outcome"]["id"] == identity
    told = committed("why", identity)
    for line in (
        "tried    2023-11-14T22:13:20Z at desk: HTTP 503: busy",
        "delivered 2023-11-14T22:13:30Z to desk, message 77",
        "shown    its outcome 2023-11-14T22:29:20Z at desk, message 77",
        f"by {made['outcome']['result']} at ",
    ):
        assert line in told

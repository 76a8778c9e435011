"""``strategies``: what is there, what is paused, what is left of former ones and how it goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ninja_daemon.adapters.stored.signal import encode_signal
from tests.app.commands.conftest import Committed
from tests.app.stored import CONFIGURATION
from tests.fakes.messages import a_signal
from tests.fakes.receiver import Receiver, receiver

WITHOUT_THE_FIRST = CONFIGURATION[CONFIGURATION.index("[strategies.GBP_JPY_D]") :]
KEYS = [f"{{ninja}}:{kind}:EUR_USD_M15" for kind in ("last_processed", "ma_state", "signal_state")]


@pytest.fixture
def desk(committed: Committed) -> Iterator[Receiver]:
    with receiver() as desk:
        lines = f'\n[destinations.desk]\nchannel = "webhook"\nurl = "{desk.url}"\ninsecure = true\n'
        Path("ninja.toml").write_text(CONFIGURATION + lines, encoding="utf-8")
        committed.client.delete("{ninja}:signals")
        yield desk


def status(committed: Committed) -> Any:
    return json.loads(committed("status", "--json"))


def left_by(committed: Committed, *command: str, code: int = 0) -> list[str]:
    said = committed(*command, code=code)
    return [line for line in said.splitlines() if "strategies forget EUR_USD_M15" in line]


def test_they_are_listed_with_what_becomes_of_them(committed: Committed) -> None:
    Path("ninja.toml").write_text(CONFIGURATION + "enabled = false\n", encoding="utf-8")
    lines = committed("strategies").splitlines()
    assert [line.split("  ")[-1] for line in lines] == ["evaluated", "not enabled"]
    rows = json.loads(committed("strategies", "--json"))
    assert [(row["strategy"], row["enabled"]) for row in rows] == [("EUR_USD_M15", True), ("GBP_JPY_D", False)]


def test_a_paused_strategy_is_recorded_and_nobody_is_sent_its_signals(committed: Committed, desk: Receiver) -> None:
    assert "resume EUR_USD_M15" in committed("strategies", "pause", "EUR_USD_M15", "--for", "2 h")
    signals = [a_signal(number, strategy=name) for number, name in enumerate(("EUR_USD_M15", "GBP_JPY_D"), start=1)]
    committed.client.rpush("{ninja}:signals", *map(encode_signal, signals))
    committed("notify", "--drain")
    assert [post.headers["webhook-id"] for post in desk.posts] == [signals[1].id]
    shown = status(committed)
    assert [bool(each["paused_until"]) for each in shown["strategies"]] == [True, False]
    assert [(one["id"], one["hushed"]) for one in shown["silences"]] == [("pause-EUR_USD_M15", 1)]
    assert "pause-EUR_USD_M15 of EUR_USD_M15 to everybody" in committed("status")
    assert "1 signal so far" in committed("queue")
    assert "paused until" in committed("strategies")

    assert committed("strategies", "resume", "EUR_USD_M15") == "EUR_USD_M15 goes on\n"
    committed("strategies", "resume", "EUR_USD_M15", code=1)
    assert status(committed)["silences"] == []


@pytest.mark.parametrize("arguments", [("pause", "TYPO", "--for", "2 h"), ("resume", "TYPO"), ("pause", "GBP_JPY_D")])
def test_a_name_that_is_not_configured_and_a_pause_without_end_are_refused(
    committed: Committed, arguments: tuple[str, ...]
) -> None:
    committed("strategies", *arguments, code=2)


def test_what_a_removed_strategy_leaves_is_named_with_the_command(committed: Committed) -> None:
    assert left_by(committed, "strategies") == left_by(committed, "status") == []
    Path("ninja.toml").write_text(WITHOUT_THE_FIRST, encoding="utf-8")
    for command in (("strategies",), ("status",)):
        assert len(left_by(committed, *command)) == 1
    findings = json.loads(committed("check", "--json", code=2))
    assert [one["subject"] for one in findings["findings"] if one["code"] == "strategy.leftover"] == ["strategies"]


def test_forgetting_removes_cursor_averages_and_sides_after_asking(
    committed: Committed, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed("strategies", "forget", "EUR_USD_M15", "--yes", code=2)
    assert "is configured" in committed.error
    assert committed.client.exists(*KEYS) == 3
    Path("ninja.toml").write_text(WITHOUT_THE_FIRST, encoding="utf-8")
    monkeypatch.setattr("typer.confirm", lambda *_, **__: (_ for _ in ()).throw(SystemExit(1)))
    committed("strategies", "forget", "EUR_USD_M15", code=1)
    assert committed.client.exists(*KEYS) == 3
    assert committed("strategies", "forget", "EUR_USD_M15", "--yes") == "EUR_USD_M15 is forgotten\n"
    assert committed.client.exists(*KEYS) == 0
    assert left_by(committed, "strategies") == []
    committed("strategies", "forget", "EUR_USD_M15", "--yes", code=1)


def test_the_silences_of_the_file_are_shown_while_they_last(committed: Committed) -> None:
    over, lasts = (f'\n[[silences]]\nuntil = {y}-01-01T00:00:00Z\nmatch = {{ side = "BUY" }}\n' for y in (2020, 2150))
    Path("ninja.toml").write_text(CONFIGURATION + over + lasts, encoding="utf-8")
    assert [one["id"] for one in status(committed)["silences"]] == ["file-2"]
    assert "silence file-2 of BUY to everybody until 2150-01-01" in committed("queue")

"""What only the owner sees: pictures of kept candles, why a signal came, evaluations, and the settings in force."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from typing import Any

import pytest

from ninja_daemon.adapters.journal.sent_ledger import SqliteSentLedger, ledger_path
from ninja_daemon.app.process.process_note import ProcessNote, ReloadAnswer
from ninja_daemon.app.process.reload import fingerprint, scope_of
from ninja_daemon.app.queues.opening import candles_file, store_label
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.strategies import load_configuration
from ninja_daemon.core.market.instant import parse_instant
from tests.app.stored import candles
from tests.app.web.conftest import CLOSES, Start, WebClock


def test_a_strategys_page_draws_its_candles_and_every_cross(start: Start, listed: list[dict[str, Any]]) -> None:
    page = start().get("/strategies/EUR_USD_M15").body
    (svg,) = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    (shown,) = re.findall(r"(\d+) candles, ", svg)
    assert 40 < int(shown) <= len(CLOSES), "a first start reads as many as the averages need"
    assert 'fill="var(--paper)"' in svg, "colours are those of the page's theme"
    triangles = re.findall(r'd="M\d+ -?\d+l120 -?\d+h-240z" fill="([^"]+)"', svg)
    assert triangles.count("var(--buy)") == sum(each["side"] == "BUY" for each in listed)
    assert triangles.count("var(--sell)") == sum(each["side"] == "SELL" for each in listed)


def test_a_strategys_page_lists_its_newest_evaluations(start: Start, listed: list[dict[str, Any]]) -> None:
    page = start().get("/strategies/EUR_USD_M15").body
    assert "48 closes: 48 evaluated" in page
    evaluations = page[page.index("Newest evaluations") : page.index("Newest signals")]
    for each in listed[-3:]:
        assert f'<a href="/signals/{each["id"]}">{each["id"][:8]}</a>' in evaluations


def test_closes_that_were_not_evaluated_are_said_first(
    start: Start, clock: WebClock, listed: list[dict[str, Any]]
) -> None:
    clock.advance(3 * 900)
    page = start().get("/strategies/EUR_USD_M15").body
    assert "45 evaluated, 3 not evaluated" in page
    assert "NOT EVALUATED 3 closes" in page
    assert listed


def test_a_signals_page_says_why_with_the_sums_behind_its_averages(start: Start, listed: list[dict[str, Any]]) -> None:
    signal = listed[-1]
    page = start().get(f"/signals/{signal['id']}").body
    place = next(
        number for number, candle in enumerate(candles(CLOSES)) if candle.time == parse_instant(signal["time"])
    )
    for period, name in ((3, "fast_ma"), (8, "slow_ma")):
        total = Fraction(sum(CLOSES[place + 1 - period : place + 1]), period)
        numbers = re.findall(r"(\d+) / (\d+) = ([\d.]+)", page)
        assert any(
            Fraction(int(over), int(under)) == total and abs(float(value) - signal[name]) < 1e-9
            for over, under, value in numbers
        )
    why = page[page.index("<h2>Why") : page.index("<h2>Deliveries")]
    for text in ("min_rr_ratio", "at least 1.5", "passed", "true ranges", "taken in", signal["strategy"]):
        assert text in why
    assert "<svg" in page


def test_a_signals_page_says_where_it_was_delivered(
    start: Start, environment: Environment, listed: list[dict[str, Any]], clock: WebClock
) -> None:
    ledger = SqliteSentLedger(ledger_path(environment.state_dir, store_label(environment), environment.namespace))
    ledger.remember("the_desk", [listed[-1]["id"]], "message-77", clock.now())
    ledger.close()
    page = start().get(f"/signals/{listed[-1]['id']}").body
    assert "the_desk" in page
    assert "message-77" in page


@pytest.mark.usefixtures("listed")
def test_without_kept_candles_the_command_is_named(start: Start, environment: Environment) -> None:
    candles_file(environment).path.unlink()
    site = start()
    (first, *_) = json.loads(site.get("/feed.json").body)["items"]
    page = site.get(f"/signals/{first['id']}").body
    assert "<svg" not in page
    assert f"ninja-daemon signals --picture {first['id'][:8]} signal.png" in page
    assert f"ninja-daemon why {first['id'][:8]} --verify" in page
    assert "No candles of it are kept" in site.get("/strategies/EUR_USD_M15").body
    assert not candles_file(environment).path.exists(), "reading makes no file"


def test_a_signal_of_other_settings_has_no_picture_of_these(
    start: Start, environment: Environment, listed: list[dict[str, Any]]
) -> None:
    file = environment.config_path
    file.write_text(file.read_text().replace("fast_ma = 3", "fast_ma = 4"))
    page = start().get(f"/signals/{listed[-1]['id']}").body
    assert "has other settings now" in page
    assert "<svg" not in page


def test_settings_in_force_are_those_of_the_running_daemon(
    start: Start, environment: Environment, clock: WebClock
) -> None:
    configuration = load_configuration(environment)
    note = ProcessNote(environment.state_dir, "run", scope_of(environment))
    note.write(configuration.strategies, fingerprint(configuration), ReloadAnswer())
    site = start()
    assert "sma 3 and 8" in site.get("/strategies/EUR_USD_M15").body
    file = environment.config_path
    file.write_text(file.read_text().replace("fast_ma = 3", "fast_ma = 4"))
    clock.advance(2)
    page = site.get("/strategies/EUR_USD_M15").body
    assert "Settings in force" in page
    assert "sma 3 and 8" in page
    assert "the file on disk differs from the settings in force" in site.get("/").body
    note.close()
    clock.advance(2)
    assert "sma 4 and 8" in site.get("/strategies/EUR_USD_M15").body

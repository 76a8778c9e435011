"""The public site: signals whose time has come, and not a byte of anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import redis

from ninja_daemon.adapters.journal.history.record import entries_of, settings_entry
from ninja_daemon.app.queues.opening import record_file
from ninja_daemon.app.settings.environment import Environment, read_environment
from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.market.instant import parse_instant
from tests.app.web.conftest import END, SECRET, Start, WebClock
from tests.app.web.test_events import events

DELAY = 15 * 60.0
EVERYTHING = (
    "/",
    "/record",
    "/signals",
    "/signals?side=BUY",
    "/feed.json",
    "/healthz",
    "/style.css",
    "/page.js",
    "/nothing",
)


def test_a_signal_appears_when_its_delay_is_over(start: Start, clock: WebClock, listed: list[dict[str, Any]]) -> None:
    site = start(delay=END - clock.now() + 10 * 900)
    newest = listed[-1]["id"]
    feed = json.loads(site.get("/feed.json").body)
    early = [item["id"] for item in feed["items"]]
    assert newest not in early
    assert site.get(f"/signals/{newest}").status == 404
    clock.advance(20 * 900)
    assert json.loads(site.get("/feed.json").body)["items"][0]["id"] == newest
    assert site.get(f"/signals/{newest}").status == 200


def test_delayed_signals_come_over_the_events_when_they_are_due(
    start: Start, clock: WebClock, listed: list[dict[str, Any]]
) -> None:
    site = start(delay=20 * 900.0)
    with events(site) as coming:
        next_line = iter(coming)
        clock.advance(30 * 900)
        assert next(next_line)["id"] in {each["id"] for each in listed}


@pytest.mark.parametrize("path", ["/deliveries", "/strategies/EUR_USD_M15", "/strategies/", "/status", "/metrics"])
def test_what_is_the_owners_is_not_there(start: Start, path: str) -> None:
    assert start(delay=DELAY).get(path).status == 404


def test_no_public_byte_tells_of_settings_destinations_hosts_or_paths(
    start: Start,
    environment: Environment,
    dead: DeadLetter,
    listed: list[dict[str, Any]],
    tmp_path: Path,
    clock: WebClock,
) -> None:
    site = start(delay=12 * 900.0)
    paths = [*EVERYTHING, *(f"/signals/{each['id']}" for each in listed), "/strategies/EUR_USD_M15", "/deliveries"]
    answers = [site.get(path) for path in paths]
    text = "\n".join(f"{answer.body}{answer.headers}" for answer in answers)
    shown = {item["id"] for item in json.loads(site.get("/feed.json").body)["items"]}
    secret = [each["id"] for each in listed if each["id"] not in shown]
    assert len(shown) >= 3
    assert secret == [each["id"] for each in listed if parse_instant(each["close_time"]) > clock.now() - 12 * 900]
    assert secret
    forbidden = [
        *secret,
        *("the_desk", SECRET, "hooks.example.org", "webhook", dead.reason, "dead letter", "queue"),
        *("GBP_JPY", "fast_ma", "slow_ma", "sl_atr", "atr_period", "sma", "market_hours", "min_rr"),
        *(str(tmp_path), "ninja.toml", "redis", environment.redis_label, environment.namespace + ":", "Python"),
    ]
    assert not [word for word in forbidden if word.lower() in text.lower()]


def test_a_store_that_is_away_is_not_described_to_strangers(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    site = start(delay=DELAY, environment=read_environment())
    for path in ("/", "/feed.json", "/healthz"):
        answer = site.get(path)
        assert answer.status == 503
        assert "the signals cannot be read at the moment" in answer.body
        assert "redis" not in answer.body.lower()


def test_an_outcome_is_shown_when_its_own_delay_is_over(
    start: Start, client: redis.Redis, clock: WebClock, listed: list[dict[str, Any]]
) -> None:
    texts: Any = client.lrange("{ninja}:outcome_history", 0, -1)
    newest = [each for text in texts if "result" in (each := json.loads(text))][-1]
    assert newest["id"] in {each["id"] for each in listed}
    ended = parse_instant(newest["exit_time"])
    clock.advance(ended + DELAY - 1 - clock.now())
    site = start(delay=DELAY)
    path = f"/signals/{newest['id']}"
    assert site.get(path).status == 200
    assert "candles held" not in site.get(path).body
    clock.advance(2)
    assert "candles held" in site.get(path).body


def test_the_head_of_the_record_is_that_of_the_lines_whose_delay_is_over(
    start: Start, client: redis.Redis, clock: WebClock, listed: list[dict[str, Any]]
) -> None:
    site = start(delay=DELAY)
    assert "There is no record yet" in site.get("/record").body
    followed: Any = client.lrange("{ninja}:outcome_history", 0, -1)
    record = record_file(read_environment())
    record.append(
        [
            settings_entry("EUR_USD_M15", "ab", {"fast_ma": 3}),
            *entries_of([json.dumps(each) for each in listed], followed),
        ]
    )
    lines = [json.loads(text) for text in record.lines()][:-1]
    record.close()
    times = [
        parse_instant(line["entry"].get("exit_time") or line["entry"].get("close_time") or "1970-01-01T00:00:00Z")
        for line in lines
    ]
    assert len(lines) == 4
    for last in (len(lines) // 2, len(lines) - 1):
        latest = max(times[: last + 1])
        clock.time = latest + DELAY
        due = next((number for number, time in enumerate(times) if time > latest), len(lines))
        page = site.get("/record").body
        assert lines[due - 1]["chain"] in page
        assert f"<dt>lines</dt><dd>{due}</dd>" in page
        assert "fast_ma" not in page

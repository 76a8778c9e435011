"""The owner's pages over real HTTP and a real Redis."""

from __future__ import annotations

import gzip
import http.client
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import redis

from ninja_daemon.adapters.journal.history.record import entries_of
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.app.queues.opening import open_queue, record_file
from ninja_daemon.app.settings.environment import read_environment
from ninja_daemon.core.lanes.dead_letters import DeadLetter
from tests.app.web.conftest import SECRET, Start, WebClock

PAGES = ("/", "/signals", "/deliveries", "/record", "/strategies/EUR_USD_M15")


class Outline(HTMLParser):
    """Whether every element that is opened is closed in order, and what is linked to."""

    VOID = frozenset({"meta", "link", "input"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.faults: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        values = dict(attrs)
        self.links += [value for name in ("href", "src") if (value := values.get(name))]
        self.faults += [f"{tag} has {name}" for name in values if name.startswith("on") or name == "style"]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"{tag} is closed out of order")


@pytest.mark.usefixtures("listed", "dead")
def test_pages_are_whole_link_only_to_themselves_and_hold_no_script(start: Start) -> None:
    site = start()
    for path in PAGES:
        answer = site.get(path)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        outline = Outline(answer.body)
        assert (outline.open, outline.faults) == ([], [])
        for link in outline.links:
            assert link.startswith(("/", "#", "data:,")), link
            if link.startswith("/"):
                assert site.get(link).status == 200, link
        assert answer.body.count("<script") == 1
        assert "alert(1)" not in answer.body or "&lt;script&gt;alert(1)" in answer.body


def test_the_status_names_each_strategy_and_puts_the_worst_first(start: Start, listed: list[dict[str, Any]]) -> None:
    page = start().get("/").body
    assert page.index(">GBP_JPY_D<") > page.index(">EUR_USD_M15<") or "not started" in page
    assert "up to date" in page
    assert listed[-1]["time"][:10] in page


def test_no_daemon_no_notifier_and_redis_away_are_told_apart(
    start: Start, client: redis.Redis, monkeypatch: pytest.MonkeyPatch, clock: WebClock
) -> None:
    site = start()
    page = site.get("/").body
    assert "No daemon" in page
    assert "No notifier" in page
    client.set("{ninja}:heartbeat:daemon", json.dumps({"schema": 1, "state": "active", "waiting": {}}))
    client.set("{ninja}:heartbeat:notifier", json.dumps({"schema": 1}))
    clock.advance(2)
    page = site.get("/").body
    assert "No daemon" not in page
    assert "No notifier" not in page
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    answer = start(environment=read_environment()).get("/")
    assert answer.status == 503
    assert "Redis cannot be reached" in answer.body


def test_signals_are_filtered_by_the_address(start: Start, listed: list[dict[str, Any]]) -> None:
    site = start()
    sells = [each for each in listed if each["side"] == "SELL"]
    page = site.get("/signals?side=SELL&strategy=EUR_USD_M15").body
    assert f"{len(sells)} of {len(sells)} signals" in page
    assert "▲ BUY" not in page
    assert "0 of 0 signals" in site.get("/signals?strategy=NONE").body
    assert "0 of 0 signals" in site.get("/signals?since=2030-01-01").body
    assert "must be a date like 2026-01-31" in site.get("/signals?since=yesterday").body
    assert "&lt;b&gt;" in site.get("/signals?since=%3Cb%3E").body


def test_a_signals_page_has_its_numbers_and_failed_deliveries(
    start: Start, listed: list[dict[str, Any]], dead: DeadLetter
) -> None:
    page = start().get(f"/signals/{listed[-1]['id']}").body
    for text in (listed[-1]["id"], f"{listed[-1]['stop_loss']:.5f}", dead.destination, "said no"):
        assert text in page


def test_deliveries_name_the_command_that_helps(start: Start, dead: DeadLetter) -> None:
    assert "ninja-daemon queue retry the_desk" in start().get("/deliveries").body
    with open_queue(read_environment()) as queue:
        queue.pause("the_desk", None)
    page = start().get("/deliveries").body
    assert "the_desk" in page
    assert "1 of 1 dead letter, newest first" in page
    assert "refused (400)" in page
    assert "ninja-daemon queue resume the_desk" in page
    assert dead.reason not in page


def test_a_strategys_page_has_settings_counts_and_signals(start: Start, listed: list[dict[str, Any]]) -> None:
    site = start()
    page = site.get("/strategies/EUR_USD_M15").body
    for text in ("sma 3 and 8", "rejected", f"{len(listed)} signals are known"):
        assert text in page
    assert site.get("/strategies/NONE").status == 404


@pytest.mark.usefixtures("dead")
def test_no_page_shows_a_secret(start: Start) -> None:
    site = start()
    assert not [path for path in (*PAGES, "/feed.json", "/healthz") if SECRET in site.get(path).body]


def test_the_feed_is_json_feed_with_the_newest_first(start: Start, listed: list[dict[str, Any]]) -> None:
    answer = start().get("/feed.json")
    feed = json.loads(answer.body)
    assert answer.headers["Content-Type"] == "application/feed+json"
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert [item["id"] for item in feed["items"]] == [each["id"] for each in reversed(listed)]


@pytest.mark.parametrize(("proto", "scheme"), [("", "http"), ("https", "https"), ("gopher", "http")])
def test_addresses_in_the_feed_are_whole_by_the_name_that_was_asked(
    start: Start, listed: list[dict[str, Any]], proto: str, scheme: str
) -> None:
    site = start()
    feed = json.loads(site.get("/feed.json", **({"X-Forwarded-Proto": proto} if proto else {})).body)
    home = f"{scheme}://127.0.0.1:{site.port}/"
    assert (feed["home_page_url"], feed["feed_url"]) == (home, f"{home}feed.json")
    assert feed["items"][0]["url"] == f"{home}signals/{listed[-1]['id']}"


@pytest.mark.usefixtures("listed")
def test_what_no_filter_understands_is_refused_with_what_is_allowed(start: Start) -> None:
    site = start()
    for query, allowed in (("side=NOPE", "side must be BUY or SELL"), ("since=yesterday", "a date like 2026-01-31")):
        answer = site.get(f"/signals?{query}")
        assert answer.status == 400
        assert allowed in answer.body
    assert site.get("/signals?side=&since=&strategy=").status == 200


def test_the_configuration_is_read_again_when_it_changes(start: Start, tmp_path: Path, clock: WebClock) -> None:
    site = start()
    assert "NEW_ONE" not in site.get("/").body
    file = tmp_path / "ninja.toml"
    file.write_text(file.read_text().replace("GBP_JPY_D", "NEW_ONE"))
    clock.advance(2)
    assert "NEW_ONE" in site.get("/").body


def test_a_status_of_a_hundred_strategies_is_small(start: Start, tmp_path: Path) -> None:
    tables = [
        f'[strategies.S{number}]\ninstrument = "EUR_USD"\ntimeframe = "H1"\nfast_ma = 3\nslow_ma = 8\n'
        for number in range(100)
    ]
    (tmp_path / "ninja.toml").write_text("\n".join(tables))
    site = start()
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    connection.request("GET", "/", headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(body) < 8_000
    assert gzip.decompress(body).decode().count("<tr>") == 101


def test_health_is_good_while_signals_can_be_read(start: Start) -> None:
    answer = start().get("/healthz")
    assert (answer.status, json.loads(answer.body)) == (200, {"good": True, "reasons": []})


def test_health_is_bad_while_redis_is_away(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    answer = start(environment=read_environment()).get("/healthz")
    assert answer.status == 503
    assert "Redis cannot be reached" in answer.body


@pytest.fixture
def outcomes(client: redis.Redis, listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    texts: Any = client.lrange("{ninja}:outcome_history", 0, -1)
    found = [json.loads(text) for text in texts]
    closed = [each for each in found if "result" in each]
    assert {each["id"] for each in closed} <= {each["id"] for each in listed}
    assert closed
    return closed


def test_signals_show_how_they_ended(start: Start, outcomes: list[dict[str, Any]]) -> None:
    site = start()
    page = site.get("/signals").body
    for outcome in outcomes:
        assert f">{outcome['result']} {outcome['r']:+.2f} R<" in page
    own = site.get(f"/signals/{outcomes[0]['id']}").body
    assert f"{outcomes[0]['exit']:.5f} at " in own
    assert "candles held" in own


def test_the_record_is_shown_with_its_head_and_a_broken_one_is_said(
    start: Start, redis_url: str, clock: WebClock, outcomes: list[dict[str, Any]]
) -> None:
    site = start()
    assert "There is no record yet" in site.get("/record").body
    client = connect(redis_url, name="test")
    record = record_file(read_environment())
    record.append(entries_of(*RedisStateStore(client, Keys("ninja")).histories()))
    head = record.head()
    clock.advance(2)
    page = site.get("/record").body
    assert head.chain in page
    assert f"<dt>outcomes</dt><dd>{len(outcomes)}</dd>" in page
    assert "The record is broken" in page  # it has no settings, which the daemon writes before any signal
    record.close()
    client.close()

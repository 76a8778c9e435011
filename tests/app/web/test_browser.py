"""The pages in a real browser: phone, tablet, desk; dark and light; with scripts and without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.app.web.browser import Browser
from tests.app.web.conftest import Start

WIDTHS = (360, 800, 1_440)
SERIOUS = """
found => found.violations.filter(one => ["serious", "critical"].includes(one.impact))
  .map(one => one.id + ": " + one.nodes.map(node => node.html.slice(0, 120)).join(" | "))
"""
LOOKED_THROUGH = {(True, True, 360), (True, False, 1_440)}
"""Where axe looks for what keeps people out: at colours, names and order, which widths between do not change."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe; where its package is missing, tests that need it are skipped with that reason."""
    return (Path(pytest.importorskip("axe_core_python").__file__).parent / "axe.min.js").read_text()


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("dead")
def test_every_page_fits_every_width_in_both_themes_without_complaints(
    browser: Browser, start: Start, listed: list[dict[str, Any]], axe: str
) -> None:
    site = start()
    paths = ("/", "/signals", "/deliveries", "/record", "/strategies/EUR_USD_M15", f"/signals/{listed[-1]['id']}")
    for scripts, dark, path in product((True, False), (True, False), paths):
        browser.show(WIDTHS[0], dark=dark, scripts=scripts)
        browser.open(f"http://127.0.0.1:{site.port}{path}")
        assert browser.run("document.querySelectorAll('nav button').length") == int(scripts), path
        for width in WIDTHS:
            browser.show(width, dark=dark, scripts=scripts)
            where = f"{path} at {width}"
            assert browser.run("document.documentElement.scrollWidth") <= width, where
            if (scripts, dark, width) in LOOKED_THROUGH:
                assert browser.run(f"{axe};axe.run().then({SERIOUS})") == [], where
        assert browser.complaints() == [], path
        strangers = [url for url in browser.requested() if f"//127.0.0.1:{site.port}/" not in url]
        assert [url for url in strangers if not url.startswith("data:")] == [], path


@pytest.mark.timeout(120)
def test_axe_finds_what_would_keep_people_out(browser: Browser, start: Start, axe: str) -> None:
    browser.show(800, dark=True)
    browser.open(f"http://127.0.0.1:{start().port}/nothing")
    browser.run("document.querySelector('h1').innerHTML = '<input><span class=sell><button></button></span>'")
    found = browser.run(f"{axe};axe.run().then({SERIOUS})")
    assert {text.split(":")[0] for text in found} >= {"label", "button-name"}


@pytest.mark.timeout(120)
def test_a_page_without_scripts_says_the_same(browser: Browser, start: Start, listed: list[dict[str, Any]]) -> None:
    site = start()
    told = []
    for scripts in (True, False):
        browser.show(800, dark=True, scripts=scripts)
        browser.open(f"http://127.0.0.1:{site.port}/signals/{listed[-1]['id']}")
        told.append(browser.run("document.querySelector('dl').innerText"))
        assert browser.complaints() == []
    assert told[0] == told[1]


@pytest.mark.timeout(120)
def test_a_new_signal_is_on_the_page_within_two_seconds(
    browser: Browser, start: Start, client: redis.Redis, listed: list[dict[str, Any]]
) -> None:
    browser.show(800, dark=True)
    browser.open(f"http://127.0.0.1:{start().port}/signals")
    browser.wait_for(lambda: browser.run("events.readyState") == 1, 10)
    client.rpush("{ninja}:history", json.dumps({**listed[-1], "id": "f" * 32}))
    assert browser.wait_for(lambda: browser.run("document.body.innerText.includes('ffffffff')"), 10) < 2.0


@pytest.mark.timeout(120)
def test_the_keyboard_reaches_the_content_and_the_readers_clock(
    browser: Browser, start: Start, listed: list[dict[str, Any]]
) -> None:
    browser.show(800, dark=False)
    browser.ask("Emulation.setTimezoneOverride", timezoneId="Asia/Tokyo")
    browser.open(f"http://127.0.0.1:{start().port}/signals/{listed[-1]['id']}")

    def press(key: str, code: int, text: str = "") -> str:
        for kind in ("keyDown", "keyUp"):
            letters = {"text": text} if text and kind == "keyDown" else {}
            browser.ask("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **letters)
        return str(browser.run("document.activeElement.textContent"))

    assert press("Tab", 9) == "to the content"
    assert [press("Tab", 9) for _ in range(5)] == ["Status", "Signals", "Deliveries", "Record", "show my time"]
    before = browser.run("document.querySelector('main dl time').textContent")
    press("Enter", 13, "\r")
    after = browser.run("document.querySelector('main dl time').textContent")
    assert browser.run("document.querySelector('nav button').textContent") == "show UTC"
    assert before != after
    browser.ask("Emulation.setTimezoneOverride", timezoneId="")


@pytest.mark.timeout(120)
def test_a_page_whose_server_is_gone_says_how_old_it_is(browser: Browser, start: Start) -> None:
    site = start()
    browser.show(800, dark=True)
    browser.open(f"http://127.0.0.1:{site.port}/")
    browser.wait_for(lambda: browser.run("events.readyState") == 1, 10)
    site.server.stop()
    browser.run("heard -= 50000; age()")
    assert "cannot be brought up to date" in browser.run("document.getElementById('age').textContent")

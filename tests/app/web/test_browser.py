"""The pages in a real browser: phone, tablet, desk; dark and light; with scripts and without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.app.web.browser import Browser
from tests.app.web.conftest import Start

WIDTHS = (360, 800, 1_440)
CONTRAST = 4.5
"""Of text against what is behind it, by WCAG 2 level AA."""
PALEST = """
(() => {
  const light = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(Number).map(part => part / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const behind = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  let palest = 99;
  for (const element of document.querySelectorAll("body *")) {
    if ([...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) {
      const pair = [getComputedStyle(element).color, behind(element)].map(light).sort((a, b) => b - a);
      palest = Math.min(palest, (pair[0] + 0.05) / (pair[1] + 0.05));
    }
  }
  return palest;
})()
"""
UNNAMED = """
[...document.querySelectorAll("a, button, input, select, svg, nav, table")].filter(element =>
  !(element.textContent.trim() || element.getAttribute("aria-label") ||
    (element.labels && element.labels.length))).map(element => element.outerHTML.slice(0, 80))
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("dead")
def test_every_page_fits_every_width_in_both_themes_without_complaints(
    browser: Browser, start: Start, listed: list[dict[str, Any]]
) -> None:
    site = start()
    paths = ("/", "/signals", "/deliveries", "/record", "/strategies/EUR_USD_M15", f"/signals/{listed[-1]['id']}")
    for dark in (True, False):
        for width in WIDTHS:
            browser.show(width, dark=dark)
            for path in paths:
                browser.open(f"http://127.0.0.1:{site.port}{path}")
                where = f"{path} at {width}"
                assert browser.run("document.documentElement.scrollWidth") <= width, where
                assert browser.run(PALEST) >= CONTRAST, where
                assert browser.run(UNNAMED) == [], where
                assert browser.complaints() == [], where
                strangers = [url for url in browser.requested() if f"//127.0.0.1:{site.port}/" not in url]
                assert [url for url in strangers if not url.startswith("data:")] == [], where


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

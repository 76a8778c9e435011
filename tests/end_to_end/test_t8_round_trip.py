"""T8: what the daemon lists, the product's own reader accepts and the notifier delivers, to the last digit."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ninja_daemon.adapters.stored.signal import decode_signal, encode_signal
from tests.end_to_end.outside import Outside
from tests.end_to_end.settings import nasty, oracle, toml
from tests.oracle import assert_same_signals, parsed_signal, read_candles, signals_after, signals_until
from tests.processes import ROOT

DESK = """
[destinations.desk]
channel = "webhook"
url = "env:DESK_URL"
insecure = true

[[routes]]
to = ["desk"]
"""


class Desk:
    """A webhook on loopback that keeps what is posted."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, str, str]] = []
        posts = self.posts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                posts.append((self.headers["webhook-id"], self.headers["Content-Type"], body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/signals"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.stop()


def test_t8_every_listed_signal_reaches_a_webhook_in_order_and_unchanged(
    outside: Outside, candles_dir: Path, desk: Desk
) -> None:
    rules = nasty("GBP_JPY_D")[:3]
    candles = read_candles(candles_dir / "GBP_JPY_D.csv")
    outside.place.configure(toml(rules) + DESK).environment["DESK_URL"] = desk.url
    for place in (400, 430):
        outside.show(candles[place], "D")
        outside.once()
    listed = outside.listed()
    assert len(listed) > 15
    outside.place.run("notify", "--drain").exited(0)
    assert outside.listed() == []
    assert [parsed_signal(body) for _, _, body in desk.posts] == [parsed_signal(text) for text in listed]
    assert [name for name, _, _ in desk.posts] == [parsed_signal(text)["id"] for text in listed]
    assert {kind for _, kind, _ in desk.posts} == {"application/json"}
    for each in rules:
        must = signals_until(oracle(candles_dir / "GBP_JPY_D.csv", each).signals, candles[430]["time"])
        own = [body for _, _, body in desk.posts if parsed_signal(body)["strategy"] == each.name]
        assert_same_signals(own, signals_after(must, candles[400]["time"]))
    outside.place.run("notify", "--drain").exited(0)
    assert len(desk.posts) == len(listed), "nothing is delivered twice"


def test_t8_the_products_own_reader_writes_every_signal_back_unchanged(outside: Outside, candles_dir: Path) -> None:
    rules = nasty("EUR_USD_H4")
    candles = read_candles(candles_dir / "EUR_USD_H4.csv")
    outside.watch(rules)
    for place in (400, 900):
        outside.show(candles[place], "H4")
        outside.once()
    listed = outside.listed()
    assert len(listed) > 200
    assert [encode_signal(decode_signal(text)) for text in listed] == listed


def test_t8_without_destinations_all_sixteen_strategies_reach_the_console(outside: Outside, candles_dir: Path) -> None:
    (rules,) = nasty("EUR_USD_D")[:1]
    candles = read_candles(candles_dir / "EUR_USD_D.csv")
    outside.watch([rules])
    for place in (400, 410):
        outside.show(candles[place], "D")
        outside.once()
    pattern = json.loads(outside.listed()[0])
    shipped = (ROOT / "config" / "ninja.toml").read_text(encoding="utf-8")
    names = [line[12:-1] for line in shipped.splitlines() if line.startswith("[strategies.")]
    outside.redis.delete("{ninja}:signals")
    for number, name in enumerate(names):
        instrument, timeframe = name.rsplit("_", 1)
        own = {"id": f"{number:032x}", "strategy": name, "instrument": instrument, "timeframe": timeframe}
        outside.redis.rpush("{ninja}:signals", json.dumps(pattern | own))
    outside.place.configure(shipped)
    lines = [line for line in outside.place.run("notify", "--drain").exited(0).out.splitlines() if line.strip()]
    assert len(names) == len(lines) == 16
    for name, line in zip(names, lines, strict=True):
        assert name in line
        assert pattern["side"] in line


def test_t8_the_history_shows_what_was_listed_also_after_it_was_delivered(outside: Outside, candles_dir: Path) -> None:
    (rules,) = nasty("EUR_USD_D")[:1]
    candles = read_candles(candles_dir / "EUR_USD_D.csv")
    outside.watch([rules])
    for place in (400, 440):
        outside.show(candles[place], "D")
        outside.once()
    listed = outside.listed()
    outside.redis.delete("{ninja}:signals")
    shown = json.loads(outside.place.run("signals", "--json").exited(0).out)
    signals = shown["signals"] if isinstance(shown, dict) else shown
    assert [each["id"] for each in signals] == [parsed_signal(text)["id"] for text in listed]

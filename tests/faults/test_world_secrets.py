"""Secrets under fault: everything that a process writes anywhere is searched for every secret in every spelling.

The broker and the destinations are those that hurt most: they send back whatever they were sent.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus

import pytest

from ninja_daemon.app.candles.markets import market_of
from ninja_daemon.simulator.server import SimulatorServer
from tests.end_to_end.settings import nasty
from tests.fakes.messages import a_signal
from tests.fakes.receiver import Answer, Post
from tests.faults.nursery import Child
from tests.faults.scene import Scene, World, world
from tests.faults.tally import Row, Tally
from tests.oracle import read_candles
from tests.servers import RedisServer

TOKEN: Final = "9f3c-broker/token+of=the.tests-77aa"
ACCOUNT: Final = "101-004-7654321-009"
REDIS_PASSWORD: Final = "p@ss w/rd+of:the%redis"
HOOK: Final = "hook-path-secret-81c2d3"
SIGNING: Final = "c2lnbmluZy1zZWNyZXQtb2YtdGhlLWhvb2tz"
DISCORD: Final = "discord_token-AbCdEf0123456789"
TELEGRAM: Final = "7654321:AAtelegram-token_0123456789"
MAIL: Final = "mail+password/of the tests"
SECRETS: Final = {
    "OANDA_ACCESS_TOKEN": TOKEN,
    "OANDA_ACCOUNT_ID": ACCOUNT,
    "DISCORD_URL": DISCORD,
    "HOOK_URL": HOOK,
    "HOOK_SECRET": SIGNING,
    "TELEGRAM_TOKEN": TELEGRAM,
    "MAIL_PASSWORD": MAIL,
    "REDIS_URL": REDIS_PASSWORD,
}
"""What each name of the environment holds, or holds inside."""
FIRST: Final = 300


def spellings(secret: str) -> set[bytes]:
    """How a secret may leave: as it is, in an URL, in JSON, in base64 alone, behind a colon, behind two zero bytes."""
    texts = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    found = {text.encode() for text in texts}
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + secret.encode())
        # The first and the last few characters mix with what stands beside.
        certain = encoded[4 * (lead > 0) : -4]
        found |= {certain, certain.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def leaks(content: bytes) -> set[str]:
    """The names of the secrets that stand in a content."""
    return {name for name, secret in SECRETS.items() if any(one in content for one in spellings(secret))}


def test_the_search_finds_what_it_is_for() -> None:
    for name, secret in SECRETS.items():
        plain = b"x" + base64.b64encode(b"\0user\0" + secret.encode()) + b"y"
        for content in (secret.encode(), quote(secret, safe="").encode(), plain):
            assert name in leaks(b"before " + content + b" after")
    assert not leaks(b"nothing of that kind")


# --- a broker that sends back what it was sent -----------------------------------------------------------------------


class Echo(ThreadingHTTPServer):
    """Answers in the worst way there is, another one each time."""

    daemon_threads = True

    def __init__(self) -> None:
        self.answered = 0
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Echoing)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Echoing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, Echo)
        said = f"{self.headers.get('Authorization')} {self.path} {ACCOUNT}"
        quoted = json.dumps({"errorMessage": said, "errorCode": said})
        bodies: list[tuple[int, str]] = [
            (400, quoted),
            (401, quoted),
            (403, said),
            (404, f"<html>{said}</html>"),
            (500, quoted),
            (200, said),
            (200, json.dumps({"instrument": said, "granularity": said, "candles": [{"time": said, "mid": said}]})),
            (200, json.dumps({"instruments": [{"name": said, "displayPrecision": said}]})),
            (302, quoted),
            (429, quoted),
            (503, said[:-5]),
        ]
        with self.server.lock:
            status, body = bodies[self.server.answered % len(bodies)]
            self.server.answered += 1
        self.send_response(status, said if status == 503 else None)
        for name, value in (("Location", f"http://127.0.0.1:1/{said}"), ("Retry-After", said), ("X-Echo", said)):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def echo() -> Iterator[Echo]:
    server = Echo()
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def echoing(post: Post) -> Answer:
    """A destination that answers with everything that it knows, in turn with every kind of status."""
    known = f"{post.path} {dict(post.headers)}"
    statuses = (500, 400, 502, 200, 503, 413, 500, 404, 302, 401)
    status = statuses[min(post.connection, len(statuses) - 1)]
    return Answer.of(
        status, {"ok": False, "description": known, "message": known}, Location=f"http://127.0.0.1:1/{HOOK}"
    )


# --- the scene -------------------------------------------------------------------------------------------------------


@dataclass
class Searched:
    """Processes that hold secrets, and everything that they may write to."""

    scene: Scene
    redis: RedisServer
    said: list[str]

    def command(self, *words: str, clock: bool = False, **changes: str) -> Child:
        """Run a command to its end."""
        environment = self.scene.environment
        self.scene.environment = environment | changes
        try:
            child = self.scene._born(*words, clock=self.scene.world.clock.path if clock else None, doom=None)
        finally:
            self.scene.environment = environment
        child.ended()
        return child

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """What was written: logs, outputs, the journal's and the ledger's files, and every write that Redis took."""
        for folder in (self.scene.directory, self.redis.directory / "appendonlydir"):
            for path in folder.rglob("*"):
                if path.is_file() and "secrets" not in path.parts:
                    yield path.name, path.read_bytes()


CONFIGURATION: Final = """
[destinations.hook]
channel = "webhook"
insecure = true
url = "env:HOOK_URL"
secret = "env:HOOK_SECRET"

[destinations.club]
channel = "discord"
insecure = true
url = "env:DISCORD_URL"

[destinations.free]
channel = "telegram"
insecure = true
api_url = "{url}"
token = "env:TELEGRAM_TOKEN"
chat_id = 1

[destinations.post]
channel = "email"
insecure = true
host = "127.0.0.1"
port = 1
security = "none"
user = "ninja"
password = "env:MAIL_PASSWORD"
from = "ninja@example.org"
to = ["ops@example.org"]
"""


@pytest.fixture
def searched(start_redis: Callable[..., RedisServer], tmp_path: Path, candles_dir: Path) -> Iterator[Searched]:
    server = start_redis(appendonly=True, requirepass=REDIS_PASSWORD)
    directory = tmp_path / "secretive"
    (directory / "secrets").mkdir(parents=True)
    with world(tmp_path, candles_dir, server) as stage:
        scene = Scene(stage, directory, nasty("EUR_USD_H4")[:1], destinations=())
        config = directory / "ninja.toml"
        text = CONFIGURATION.replace("{url}", stage.receiver.url) + config.read_text(encoding="utf-8")
        config.write_text(text, encoding="utf-8")
        values = SECRETS | {
            "REDIS_URL": server.url,
            "HOOK_URL": f"{stage.receiver.url}/{HOOK}",
            "DISCORD_URL": f"{stage.receiver.url}/api/webhooks/1234567890/{DISCORD}",
        }
        for name, value in values.items():
            path = directory / "secrets" / name
            path.write_text(value, encoding="utf-8")
            path.chmod(0o600)
            scene.environment.pop(name, None)
            scene.environment[f"{name}_FILE"] = str(path)
        stage.receiver.script = echoing
        yield Searched(scene, server, [])
        scene.end()


def good_broker(stage: World) -> SimulatorServer:
    """The simulated broker, but with the token of these tests."""
    return SimulatorServer(market_of(stage.folder), clock=stage.clock, token=TOKEN, account=ACCOUNT)


@pytest.mark.timeout(120)
def test_no_secret_leaves_a_process_whatever_goes_wrong(searched: Searched, tally: Tally) -> None:
    scene = searched.scene
    candles = read_candles(scene.world.folder / "EUR_USD_H4.csv")
    debug = ("--log-level", "debug")
    with good_broker(scene.world) as broker, echo() as worst:
        scene.environment["OANDA_API_URL"] = broker.url
        for place in (FIRST, FIRST + 40):
            scene.show(candles[place])
            assert searched.command("run", "--once", *debug, clock=True).code == 0
        scene.environment["OANDA_API_URL"] = worst.url
        scene.show(candles[FIRST + 80])
        for _ in range(30):  # A daemon asks seldom after the first refusal of its token; a single pass asks each time.
            searched.command("run", "--once", *debug, clock=True)
        daemon = scene.daemon(*debug)
        daemon.until(lambda: worst.answered > 40, "many answers")
        searched.redis.pause()
        daemon.until_or_not(lambda: False, 0.3)
        searched.redis.resume()
        scene.client.rpush(scene.key("signals"), "junk", json.dumps({"id": a_signal(1).id}))
        notifier = scene.notifier(*debug)
        notifier.until(lambda: len(scene.world.receiver.posts) > 6, "many posts")
        for child in (daemon, notifier):
            assert not leaks(Path(f"/proc/{child.pid}/cmdline").read_bytes())
        scene.client.set(scene.key("leader"), "somebody|else")
        daemon.until_or_not(lambda: False, 0.3)
        injected = worst.answered + len(scene.world.receiver.posts)
        daemon.kill()
        notifier.kill()
        commands: tuple[tuple[str, ...], ...] = (
            ("check",),
            ("check", "--json"),
            ("status",),
            ("status", "--json"),
            ("signals", "--json"),
            ("queue", "--json"),
            ("queue", "dead", "--json"),
            ("notify", "--test", "hook"),
        )
        for words in commands:
            searched.command(*words)
        for url in (
            f"redis://:{quote(REDIS_PASSWORD, safe='')}@127.0.0.1:1/0",
            f"redis://:{REDIS_PASSWORD}@127.0.0.1:x/0",
            f"nonsense://:{quote(REDIS_PASSWORD, safe='')}@127.0.0.1/0",
            searched.redis.url.replace("%redis", "").replace("redis@", "@"),
        ):
            (scene.directory / "secrets" / "REDIS_URL").write_text(url, encoding="utf-8")
            for line in ("run --once --log-level debug", "status", "queue"):
                searched.command(*line.split())
    found = {name: leaks(content) for name, content in searched.everything()}
    assert any(name.startswith("notify") and b" debug " in content for name, content in searched.everything())
    assert len(found) > 20, "logs, journal, ledger and the append-only file"
    assert not {name: names for name, names in found.items() if names}
    tally.record(Row("echoed secrets searched at DEBUG", injected=injected))


def test_the_process_list_shows_no_secret_of_what_we_start(searched: Searched) -> None:
    child = searched.scene.notifier("--log-level", "debug")
    environ = Path(f"/proc/{child.pid}/environ")
    assert os.access(environ, os.R_OK)
    assert not leaks(environ.read_bytes())
    child.kill()

"""Makes the stored data anew, with the tree that this lies in: ``python -m tests.stored.make``.

Real processes of the product, real servers; what the product's doors cannot do is done to Redis and SQLite by hand.
It takes a minute. What it writes is the form of the tree that runs it: see README.md before you do.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import redis

from ninja_daemon.app.candles.markets import market_of
from ninja_daemon.simulator.clock import SimulatedClock
from ninja_daemon.simulator.server import SimulatorServer
from tests.fakes.receiver import OK, Answer, Post, Receiver, receiver
from tests.processes import Workplace
from tests.servers import RedisServer, free_port
from tests.stored.load import WITH_REDIS, WITHOUT_REDIS, moved
from tests.stored.scene import FIRST, MOMENT, STEP, configuration, identity, just_after, message, write_market

TOKEN = "a-token-of-the-tests"
LATER = {"Retry-After": "600"}
ANSWERS: Mapping[str, Sequence[Answer]] = {
    "unsure": [Answer(500, headers=LATER)],
    "grouped": [Answer(500, headers=LATER)],
    "digest": [Answer(429, headers=LATER)],
    "refused": [Answer(400, b"no such field"), OK],
    "expired": [Answer(500, b"out of order")],
    "suspended": [Answer(404, b"no such hook")],
    "rated": [Answer(500), OK],
    "leased": [Answer(how="hang")],
    "discord_a": [Answer.of(429, {"message": "slow down", "retry_after": 600, "global": True})],
    "desk": [Answer(200, headers={"webhook-message-id": "m-1"})],
}
AWAY: Mapping[str, Sequence[Answer]] = {
    "away_unsure": [Answer(500, headers=LATER)],
    "away_refused": [Answer(400, b"no such field")],
    "away_suspended": [Answer(404, b"no such hook")],
}
ATTEMPTS = 9
LONGEST_WAITS = "import random\n\nrandom.random = lambda: 1.0\n"
"""Put before the product starts, so that each wait for a retry is the longest one: 1 s, 2 s, 4 s …"""


class Store(Protocol):
    """Where messages are put by hand."""

    def signal(self, text: bytes) -> None: ...
    def alert(self, text: str) -> None: ...
    def forget_seen(self, one: str) -> None: ...


class InRedis:
    """The lists in Redis."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client

    def signal(self, text: bytes) -> None:
        self.client.rpush("{ninja}:signals", text)

    def alert(self, text: str) -> None:
        self.client.rpush("{ninja}:alerts", text)

    def forget_seen(self, one: str) -> None:
        self.client.zrem("{ninja}:seen", one)


class InJournal:
    """The journal's outbox."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.count = 0

    def signal(self, text: bytes) -> None:
        self.count += 1
        self._write("INSERT INTO outbox (id, signal) VALUES (?, CAST(? AS TEXT))", f"by hand {self.count}", text)

    def alert(self, text: str) -> None:
        self._write("INSERT INTO queue_alerts (alert) VALUES (?)", text)

    def forget_seen(self, one: str) -> None:
        self._write("DELETE FROM queue_seen WHERE id = ?", one)

    def _write(self, query: str, *values: object) -> None:
        (path,) = self.state_dir.glob("journal-*.sqlite3")
        with closing(sqlite3.connect(path, timeout=5)) as connection, connection:
            connection.execute(query, values)


class Scene:
    """A workplace, a broker and a receiver of all destinations."""

    def __init__(self, place: Workplace, clock: SimulatedClock, desk: Receiver) -> None:
        self.place, self.clock, self.desk = place, clock, desk
        self._answers: dict[str, list[Answer]] = {}
        desk.script = self._answered

    def answers(self, answers: Mapping[str, Sequence[Answer]]) -> None:
        """Let destinations answer so, one after the other, the last one for ever; all others accept everything."""
        self._answers = {name: list(each) for name, each in answers.items()}

    def _answered(self, post: Post) -> Answer:
        left = self._answers.get(destination_of(post), [OK])
        return left.pop(0) if len(left) > 1 else left[0]

    def shows(self, step: int) -> None:
        """Let the market have come that many candles further than at the first start."""
        self.clock.set(just_after(FIRST + step))

    def runs(self, *command: str, code: int = 0) -> str:
        return self.place.run(*command).exited(code).out

    def lane(self, name: str) -> Mapping[str, Any]:
        lanes = json.loads(self.runs("queue", "--json"))["destinations"]
        return next(lane for lane in lanes if lane["destination"] == name)

    def posts_to(self, name: str) -> list[Post]:
        return [post for post in self.desk.posts if destination_of(post) == name]


def destination_of(post: Post) -> str:
    """The name at the end of the path."""
    return post.path.partition("?")[0].rpartition("/")[2]


def deliver(scene: Scene, store: Store) -> None:
    """Bring the lanes into their states, up to a notifier that is killed in the middle of a post."""
    for step in (0, STEP):
        scene.shows(step)
        scene.runs("run", "--once")
    scene.runs("queue", "pause", "paused")
    scene.runs("queue", "pause", "paused_a_while", "--for", "5 min")
    scene.runs("queue", "silence", "--for", "30 days", "--strategy", "hushed", "--comment", "a holiday")
    scene.answers(ANSWERS)
    counts = {"desk": 2, "unreached": 2, "unsure": 2, "refused": 2, "expired": 1, "suspended": 3, "paused": 2}
    counts |= {"paused_a_while": 1, "quiet": 1, "delayed": 1, "digest": 3, "dropper": 1, "grouped": 2}
    counts |= {"hushed": 1, "unwanted": 1, "nobody": 1}
    for name, count in counts.items():
        for number in range(1, count + 1):
            store.signal(message(name, number))
    store.signal(message("desk", 2))
    store.signal(b"no signal")
    store.signal(b'{"schema":1,"id":"\xff\xfe"}')
    if isinstance(store, InRedis):  # the journal would keep all of it
        store.signal(b"x" * 9_000)
    scene.runs("notify", "--drain", code=1)
    store.forget_seen(identity("desk", 1))
    store.signal(message("desk", 1))
    while scene.lane("unreached")["attempts"] < ATTEMPTS:
        scene.runs("queue", "retry", "unreached")
        scene.runs("notify", "--drain", code=1)
    assert scene.lane("unreached")["attempts"] == ATTEMPTS, "the machine was too slow; make it again"
    die_in_the_middle(scene, store)


def die_in_the_middle(scene: Scene, store: Store) -> None:
    """A notifier at work until it is killed during a post."""
    running = scene.place.start("notify")
    for number in (1, 2, 3):
        store.signal(message("rated", number))
    store.signal(message("discord_a", 1))
    running.until(lambda: scene.lane("discord_a")["state"] == "throttled", "the hold")
    store.signal(message("discord_b", 1))
    running.until(lambda: scene.lane("discord_b")["waiting"], "the lane behind the hold")
    running.until(lambda: scene.lane("rated")["state"] == "rate", "the rate")
    running.until(lambda: len(scene.posts_to("ops")) == 2, "the report")
    for number in (1, 2):
        store.signal(message("leased", number))
    running.until(lambda: scene.posts_to("leased"), "the post that hangs")
    running.kill()


def leave_undrained(scene: Scene, store: Store, cursor: Callable[[], object]) -> None:
    """A daemon that is killed at work, and what nobody has taken from the lists."""
    scene.shows(2 * STEP)
    before = cursor()
    running = scene.place.start("run")
    running.until(lambda: cursor() != before, "the next cursor")
    # The heartbeat comes a moment behind the candles.
    running.until(lambda: json.loads(scene.runs("status", "--json"))["daemon"], "the heartbeat")
    running.kill()
    store.signal(message("desk", 3))
    store.signal(b"\xff\xfe no text")
    alert = {"schema": 1, "id": "by-hand", "kind": "test", "severity": "warning", "text": "An alert by hand."}
    store.alert(json.dumps(alert | {"time": "2026-01-01T00:00:00Z"}))


def go_on_without_redis(scene: Scene, journal: InJournal) -> None:
    """Redis is gone: the daemon keeps commits, the notifier delivers from the journal, people give orders."""
    scene.answers(AWAY)
    scene.runs("queue", "pause", "away_paused", code=1)
    scene.runs("queue", "silence", "--for", "20 days", "--strategy", "hushed_later", code=1)
    keep_commits(scene, journal, 3 * STEP)
    scene.runs("notify", "--drain", code=1)
    keep_commits(scene, journal, 4 * STEP)


def keep_commits(scene: Scene, journal: InJournal, step: int) -> None:
    """A daemon that finds its signals without Redis."""
    scene.shows(step)

    def count() -> int:
        (path,) = journal.state_dir.glob("journal-*.sqlite3")
        with closing(sqlite3.connect(path, timeout=5)) as connection:
            return int(connection.execute("SELECT count(*) FROM outbox").fetchone()[0])

    before = count()
    running = scene.place.start("run")
    running.until(lambda: count() == before + 7, "signals in the outbox")
    running.kill()


# --- what was made, as text ------------------------------------------------------------------------------------------


def anonymous(text: str) -> str:
    """Take the machine's names out of holders' tokens, and the day out of the daily report's id."""
    text = re.sub(r"pid:\[\d+\]", "pid:[1]", re.sub(rf"\b{re.escape(os.uname().nodename)}\b", "elsewhere", text))
    today, then = (time.strftime("%Y-%m-%d", time.gmtime(moment)) for moment in (time.time(), MOMENT))
    return text.replace(today, then)


def readable(value: bytes, by: float, now: float) -> str | dict[str, str]:
    """Text as it is; everything else as base64."""
    try:
        return anonymous(moved(value.decode(), by, now))
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def write_redis(server: RedisServer, path: Path, now: float) -> None:
    """Write every key."""
    by = MOMENT - now
    entries: dict[str, Any] = {}
    with server.client(decode_responses=False) as client:
        raw: Any = client

        def text(value: bytes) -> str | dict[str, str]:
            return readable(value, by, now)

        readers: Mapping[str, Callable[[bytes], Any]] = {
            "string": lambda key: text(raw.get(key)),
            "list": lambda key: [text(one) for one in raw.lrange(key, 0, -1)],
            "set": lambda key: sorted(text(one) for one in raw.smembers(key)),
            "hash": lambda key: {name.decode(): text(value) for name, value in sorted(raw.hgetall(key).items())},
            "zset": lambda key: [
                [text(member), text(f"{score:.0f}".encode())]
                for member, score in raw.zrange(key, 0, -1, withscores=True)
            ],
        }
        for key in sorted(raw.keys("*")):
            kind = raw.type(key).decode()
            expires = raw.pexpiretime(key)
            entries[key.decode()] = {
                "type": kind,
                "expires": round(expires + by * 1000) if expires >= 0 else None,
                "value": readers[kind](key),
            }
    path.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_file(path: Path, dump: Path, now: float) -> None:
    """Write a SQLite file as statements; texts that are none as blobs that are cast."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        lines = [f"PRAGMA user_version = {version};", f"PRAGMA journal_mode = {mode};", *connection.iterdump()]
    plain = re.sub(r"\b\d\.\d+e\+09", lambda found: f"{float(found[0]):.3f}", "\n".join(lines) + "\n")
    text = anonymous(moved(plain, MOMENT - now, now))
    dump.write_text(re.sub(r"'(?:[^']|'')*'", _literal, text), encoding="utf-8")


def _literal(found: re.Match[str]) -> str:
    try:
        found[0].encode()
    except UnicodeEncodeError:
        raw = found[0][1:-1].replace("''", "'").encode("utf-8", "surrogateescape")
        return f"CAST(X'{raw.hex()}' AS TEXT)"
    return found[0]


def write_state(state_dir: Path, folder: Path, now: float) -> None:
    """Write the files of a state directory."""
    for kind in ("journal", "sent"):
        (path,) = state_dir.glob(f"{kind}-*.sqlite3")
        write_file(path, folder / f"{kind}.sql", now)
    for path in state_dir.glob("*.heartbeat"):
        text = anonymous(moved(path.read_text(encoding="utf-8"), MOMENT - now, now))
        (folder / "heartbeat.json").write_text(text, encoding="utf-8")


# --- both -------------------------------------------------------------------------------------------------------------


@contextmanager
def scene_in(directory: Path) -> Iterator[Scene]:
    """A scene in a directory of its own."""
    clock = SimulatedClock.fixed(just_after(FIRST))
    market = market_of(write_market(directory / "market"))
    (directory / "first").mkdir()
    (directory / "first" / "sitecustomize.py").write_text(LONGEST_WAITS, encoding="utf-8")
    with SimulatorServer(market, clock=clock, token=TOKEN) as broker, receiver() as desk:
        place = Workplace(directory)
        place.environment["PYTHONPATH"] = f"{directory / 'first'}:{place.environment['PYTHONPATH']}"
        nobody = f"http://127.0.0.1:{free_port()}/unreached"
        place.configure(configuration(desk.url, elsewhere={"unreached": nobody}))
        place.uses(broker=broker.url, redis="unix:///nowhere/at-all.sock", token=TOKEN)
        try:
            yield Scene(place, clock, desk)
        finally:
            place.end_all()


def make_with_redis(directory: Path) -> None:
    """State of a product with Redis, which is gone in the end."""
    with RedisServer(directory / "redis", appendonly=True) as server, scene_in(directory) as scene:
        scene.place.environment["REDIS_URL"] = server.url
        with server.client() as client:
            store = InRedis(client)
            deliver(scene, store)
            leave_undrained(scene, store, lambda: client.get("{ninja}:last_processed:filtered_M15"))
        now = time.time()
        write_redis(server, WITH_REDIS / "redis.json", now)
        server.stop()
        go_on_without_redis(scene, InJournal(scene.place.state_dir))
        write_state(scene.place.state_dir, WITH_REDIS, now)
        server.start()


def make_without_redis(directory: Path) -> None:
    """State of a product that uses no Redis."""
    with scene_in(directory) as scene:
        scene.place.environment["CACHE_ENABLED"] = "false"
        journal = InJournal(scene.place.state_dir)
        deliver(scene, journal)

        def cursor() -> object:
            (path,) = journal.state_dir.glob("journal-*.sqlite3")
            with closing(sqlite3.connect(path, timeout=5)) as connection:
                return connection.execute("SELECT max(time) FROM marks WHERE strategy = 'filtered_M15'").fetchone()[0]

        leave_undrained(scene, journal, cursor)
        write_state(scene.place.state_dir, WITHOUT_REDIS, time.time())


def main() -> None:
    """Make both."""
    for folder, make in ((WITH_REDIS, make_with_redis), (WITHOUT_REDIS, make_without_redis)):
        folder.mkdir(exist_ok=True)
        with TemporaryDirectory() as directory:
            make(Path(directory))


if __name__ == "__main__":
    main()

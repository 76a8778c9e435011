"""The Redis users that are shipped: each process does all of its work under its own and is refused the others'."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import redis

from ninja_daemon.adapters.redis.scripts import script
from ninja_daemon.app.checks.store import check_store
from ninja_daemon.app.settings.environment import read_environment
from tests.end_to_end.settings import nasty
from tests.faults.judge import count_deliveries, count_list, ids_of
from tests.faults.nursery import Child
from tests.faults.scene import Scene, World, world
from tests.faults.tally import Row, Tally
from tests.oracle import read_candles
from tests.processes import ROOT
from tests.servers import RedisServer

SHIPPED: Final = ROOT / "config" / "redis" / "users.acl.example"
USERS: Final = ("daemon", "notifier", "reader", "operator")
RULES: Final = nasty("EUR_USD_H4")[:1]
FIRST, CANDLES = 300, 40
NAMESPACE: Final = "desk"
NOTHING_OF_OURS: Final = {"client|setinfo", "client|maint_notifications"}
"""What redis-py tries at every connection and does without; Redis before 7.2 does not know a right for it."""


def password(user: str) -> str:
    return f"the password of {user}"


def shipped_users(namespace: str) -> str:
    """The users as the comments of the example say that they are made."""
    lines = [line for line in SHIPPED.read_text(encoding="utf-8").splitlines() if line.startswith("user")]
    text = "\n".join(lines).replace("{ninja}", f"{{{namespace}}}")
    for user in USERS:
        digest = hashlib.sha256(password(user).encode()).hexdigest()
        text = text.replace(f"{user.upper()}_PASSWORD_SHA256", digest)
    assert "_SHA256" not in text
    return f"{text}\n"


@dataclass
class Guarded:
    """A server that lets in nobody else."""

    server: RedisServer

    def url(self, user: str) -> str:
        words = password(user).replace(" ", "%20")
        return self.server.url.replace("unix://", f"unix://{user}:{words}@")

    def client(self, user: str) -> redis.Redis:
        return self.server.client(username=user, password=password(user))

    def refusals(self) -> set[str]:
        """What was refused to anybody since the last look."""
        with self.client("operator") as client:
            entries: Any = client.acl_log()
            client.acl_log_reset()
        refused = {(str(entry["username"]), str(entry["object"])) for entry in entries}
        return {f"{user}: {what}" for user, what in refused if what not in NOTHING_OF_OURS}


@pytest.fixture
def guarded(start_redis: Callable[..., RedisServer], tmp_path: Path) -> Guarded:
    users = tmp_path / "users.acl"
    users.write_text(shipped_users(NAMESPACE), encoding="utf-8")
    return Guarded(start_redis(appendonly=True, aclfile=users))


class GuardedScene(Scene):
    """A scene whose processes come in under their own names."""

    def __init__(self, guarded: Guarded, stage: World, directory: Path) -> None:
        super().__init__(stage, directory, RULES)
        self.client.close()
        self.client = guarded.client("operator")
        self.guarded = guarded

    def as_user(self, user: str) -> None:
        self.environment["REDIS_URL"] = self.guarded.url(user)

    def command(self, user: str, *words: str, code: int = 0) -> Child:
        """Run a command to its end."""
        self.as_user(user)
        child = self._born(*words, clock=self.world.clock.path if words[0] == "run" else None, doom=None)
        child.exited(code)
        return child


@pytest.fixture
def scene(guarded: Guarded, tmp_path: Path, candles_dir: Path) -> Iterator[GuardedScene]:
    directory = tmp_path / NAMESPACE
    directory.mkdir()
    with world(tmp_path, candles_dir, guarded.server) as stage:
        made = GuardedScene(guarded, stage, directory)
        yield made
        made.end()


@pytest.mark.timeout(120)
def test_every_process_does_all_of_its_work_under_its_own_user(scene: GuardedScene, tally: Tally) -> None:
    candles = read_candles(scene.world.folder / "EUR_USD_H4.csv")
    scene.show(candles[FIRST])
    scene.as_user("daemon")
    daemon = scene.daemon()
    daemon.until(lambda: scene.stands_at(candles[FIRST]), "the first start")
    scene.show(candles[FIRST + CANDLES])
    daemon.until(lambda: scene.stands_at(candles[FIRST + CANDLES]), "the catch-up")
    ids = ids_of(scene.listed())
    scene.as_user("notifier")
    notifier = scene.notifier()
    notifier.until(lambda: scene.heard(ids), "delivery")
    notifier.until(lambda: scene.client.exists(scene.key("heartbeat:notifier")), "a heartbeat")
    for words in (("status", "--json"), ("signals", "--json"), ("queue", "--json"), ("queue", "dead", "--json")):
        scene.command("reader", *words)
    assert '"notifier": {' in scene.command("reader", "status", "--json").said
    assert ids[-1] in scene.command("reader", "signals", "--json").said
    daemon.kill()
    notifier.kill()
    later = candles[FIRST + 2 * CANDLES]
    scene.show(later)
    scene.command("daemon", "run", "--once")
    assert scene.stands_at(later)
    scene.command("notifier", "notify", "--drain")
    scene.client.rpush(scene.key("signals"), "junk")
    scene.command("notifier", "notify", "--drain", code=1)
    scene.command("notifier", "queue", "retry")
    scene.command("notifier", "notify", "--drain", code=1)
    for line in ("pause a", "resume a", "silence --for=1h", "purge --yes"):
        scene.command("notifier", "queue", *line.split())
    scene.command("notifier", "queue", "purge", "a", "--waiting", "--yes", code=1)
    assert not scene.guarded.refusals()
    listed = scene.listed()
    tally.record(
        Row(
            "users with least rights in Redis",
            injected=1,
            **asdict(count_list(listed, scene.expected(candles[FIRST], later))),
            **asdict(count_deliveries(scene.posts(), ids_of(listed))),
        )
    )


@pytest.mark.parametrize(
    ("user", "scripts"),
    [
        ("daemon", ("commit", "lease", "load", "release")),
        ("notifier", ("peek", "look", "load")),
        ("reader", ("load",)),
    ],
)
def test_every_command_inside_of_a_script_is_permitted_to_its_caller(user: str, scripts: Sequence[str]) -> None:
    (line,) = [line for line in shipped_users(NAMESPACE).splitlines() if line.startswith(f"user {user} ")]
    permitted = {word[1:] for word in line.split() if word.startswith("+")}
    for name in scripts:
        called = {each.lower() for each in re.findall(r"redis\.call\('(\w+)'", script(name).text)}
        assert called, name
        assert called <= permitted, name


def test_check_finds_no_right_missing_for_the_daemon(guarded: Guarded) -> None:
    environment = read_environment({"REDIS_URL": guarded.url("daemon"), "NINJA_NAMESPACE": NAMESPACE}, Path())
    findings = {finding.code: finding for finding in check_store(environment, (), 0.0)}
    assert "redis.rights" not in findings
    assert "redis.unavailable" not in findings
    assert not guarded.refusals()


FORBIDDEN: Final = {
    "daemon": ("LPOP {desk}:signals", "RPUSH {desk}:lane:a x", "GET {desk}:daily", "DEL {desk}:dead"),
    "notifier": (
        "SET {desk}:last_processed:close_itself 2020-01-01T00:00:00Z",
        "DEL {desk}:ma_state:close_itself",
        "HSET {desk}:signal_state:close_itself side 1",
        "SET {desk}:leader me",
        "SET {desk}:heartbeat:daemon {}",
    ),
    "reader": (
        "RPUSH {desk}:signals x",
        "DEL {desk}:history",
        "HSET {desk}:silences a b",
        "EVALSHA 0123456789012345678901234567890123456789 1 {desk}:signals",
    ),
}
FORBIDDEN_TO_ALL: Final = (
    *("GET {ninja}:last_processed:close_itself", "LLEN {ninja}:signals", "EVAL return(1) 0", "SCRIPT FLUSH"),
    *("FLUSHALL", "KEYS *", "CONFIG GET dir", "ACL LIST", "MONITOR", "SHUTDOWN NOSAVE", "REPLICAOF localhost 1"),
    *("MODULE LIST", "SUBSCRIBE news", "CLIENT KILL ID 1", "OBJECT ENCODING {desk}:signals"),
)


@pytest.mark.parametrize("user", list(FORBIDDEN))
def test_what_is_anothers_is_refused(guarded: Guarded, user: str) -> None:
    let_in = []
    with guarded.client(user) as client:
        for words in (*FORBIDDEN[user], *FORBIDDEN_TO_ALL):
            try:
                client.execute_command(*words.split(" "))
            except redis.exceptions.NoPermissionError:
                continue
            let_in.append(words)
    assert not let_in


def test_a_script_is_refused_whole_before_it_writes_to_a_key_of_another(guarded: Guarded) -> None:
    keys = ["last_processed:x", "ma_state:x", "signal_state:x", "signals", "listed:x", "history", "fence"]
    with guarded.client("notifier") as client:
        client.script_load(script("commit").text)
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.evalsha(script("commit").digest, 7, *[f"{{{NAMESPACE}}}:{key}" for key in keys])


def test_nobody_comes_in_without_a_name(guarded: Guarded) -> None:
    with guarded.server.client() as client, pytest.raises(redis.exceptions.AuthenticationError):
        client.ping()

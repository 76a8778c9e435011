"""Everything that can become of Redis under a daemon that runs: it stays up, says so once, and the list stays exact.

Each trouble is a ``Trouble``: how it begins, how it ends, and what a daemon can still do meanwhile. Another one is a
few lines in the list below.
"""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final

import pytest
import redis

from ninja_daemon.simulator.faults import BrokerFault, Delay
from tests.faults.judge import compare_list, count_deliveries, count_list, ids_of
from tests.faults.scene import Scene
from tests.faults.tally import Row, Tally
from tests.oracle import read_candles
from tests.servers import RedisServer, free_port

START, MEANWHILE, AFTER, LAST = 300, 320, 340, 360
"""Places of candles: the first start, the newest one in the trouble, the newest after it, the end."""

SILENCE: Final = 0.6
"""Seconds in which a daemon that repeated itself at every tick would have said it six times."""
END_LIMIT: Final = 7.0
"""Seconds within which a daemon ends; five are promised, and a machine that is busy with other tests may take more."""


# --- the troubles ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trouble:
    """One thing that becomes of Redis.

    Attributes:
        name: for the table.
        begin: makes it so.
        end: mends it.
        goes_on: the daemon takes candles in meanwhile, by its journal; else it waits and catches up.
    """

    name: str
    begin: Callable[[Scene], object]
    end: Callable[[Scene], object]
    goes_on: bool = True

    def __str__(self) -> str:
        return self.name


def server(scene: Scene) -> RedisServer:
    return scene.world.redis


def tell(client: redis.Redis, *words: str) -> object:
    answer: object = client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped
    return answer


def told(*words: str) -> Callable[[Scene], object]:
    return lambda scene: tell(scene.client, *words)


def cut(scene: Scene) -> None:
    """End every other connection, so that the next command has to log in again."""
    with suppress(redis.RedisError):
        tell(scene.client, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def all_of(*steps: Callable[[Scene], object]) -> Callable[[Scene], object]:
    def each(scene: Scene) -> None:
        for step in steps:
            step(scene)

    return each


def kill(scene: Scene) -> None:
    server(scene).kill()


def start(scene: Scene) -> None:
    server(scene).start()


def start_that_loads(scene: Scene) -> None:
    """Start a server that reads its data for a second and answers LOADING meanwhile."""
    one = server(scene)
    one.options["key-load-delay"] = "1000"
    one.start()
    del one.options["key-load-delay"]


def fill(scene: Scene) -> None:
    scene.client.mset({f"stranger:{number}": "x" for number in range(1000)})


def lock_out(scene: Scene) -> None:
    scene.client.config_set("requirepass", "another one")
    cut(scene)


def let_in(scene: Scene) -> None:
    with server(scene).client(password="another one") as client:
        client.config_set("requirepass", "")


def busy(scene: Scene) -> None:
    """Have a script run for ever."""

    def run() -> None:
        with suppress(redis.RedisError), server(scene).client(socket_timeout=60) as client:
            client.eval("while true do end", 0)

    scene.client.config_set("busy-reply-threshold", "50")
    threading.Thread(target=run, daemon=True).start()


def fail_to_save(scene: Scene) -> None:
    """Let the last snapshot have failed, after which Redis refuses writes (MISCONF)."""
    client = scene.client
    client.config_set("save", "3600 1")
    there = server(scene).directory / "dump.rdb"
    there.unlink(missing_ok=True)
    there.mkdir()  # a directory in the snapshot's place
    (there / "x").touch()
    with suppress(redis.RedisError):
        client.bgsave()
    deadline = time.monotonic() + 10
    while client.info("persistence")["rdb_last_bgsave_status"] != "err" and time.monotonic() < deadline:
        time.sleep(0.02)


def save_again(scene: Scene) -> None:
    shutil.rmtree(server(scene).directory / "dump.rdb")
    scene.client.config_set("save", "")


def no_room(scene: Scene) -> None:
    scene.client.config_set("maxclients", "1")
    cut(scene)


def take_a_command(scene: Scene) -> None:
    tell(scene.client, "ACL", "SETUSER", "default", "-evalsha")


def instead_of(key: str, *words: str) -> Callable[[Scene], object]:
    """Put something else in the place of one of our keys."""

    def put(scene: Scene) -> None:
        scene.client.delete(scene.key(key))
        tell(scene.client, words[0], scene.key(key), *words[1:])

    return put


def without(key: str) -> Callable[[Scene], object]:
    return lambda scene: scene.client.delete(scene.key(key))


TROUBLES: Final = (
    Trouble("Redis refuses connections", kill, start),
    Trouble("Redis hangs", lambda scene: server(scene).pause(), lambda scene: server(scene).resume()),
    Trouble("Redis loads its data for a second", all_of(fill, kill), start_that_loads),
    Trouble("Redis is out of memory", told("CONFIG", "SET", "maxmemory", "1"), told("CONFIG", "SET", "maxmemory", "0")),
    Trouble("Redis is a replica", told("REPLICAOF", "127.0.0.1", "1"), told("REPLICAOF", "NO", "ONE")),
    Trouble("Redis has another password", lock_out, let_in),
    Trouble("Redis takes a right away", take_a_command, told("ACL", "SETUSER", "default", "+evalsha")),
    Trouble("Redis takes no more clients", no_room, told("CONFIG", "SET", "maxclients", "1000")),
    Trouble("Redis cannot write its snapshot", fail_to_save, save_again),
    Trouble("Redis runs somebody's endless script", busy, told("SCRIPT", "KILL")),
    Trouble("the lease's key is a list", instead_of("leader", "RPUSH", "x"), without("leader")),
    Trouble("the list is a hash", instead_of("signals", "HSET", "a", "b"), without("signals"), goes_on=False),
)
SHORT: Final = {"Redis hangs", "Redis is out of memory", "Redis has another password", "the list is a hash"}
"""Those of which a short run is sure; ``make faults`` goes through all."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "trouble" in metafunc.fixturenames:
        everything = metafunc.config.getoption("--long", default=False)
        chosen = [trouble for trouble in TROUBLES if everything or trouble.name in SHORT]
        metafunc.parametrize("trouble", chosen, ids=str)


# --- what must hold --------------------------------------------------------------------------------------------------


class Watched:
    """A daemon over one series, its candles, and what is expected in the end."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        rules = scene.rules[0]
        self.candles = read_candles(scene.world.folder / f"{rules.instrument}_{rules.timeframe}.csv")
        scene.show(self.candles[START])
        scene.daemon("--once").exited(0)
        self.before = scene.listed()
        self.child = scene.daemon()
        self.child.until(lambda: self.said("leader.active"), "that it is the active one")

    def goes_to(self, place: int) -> None:
        self.scene.show(self.candles[place])

    def stands_at(self, place: int) -> None:
        self.child.until(partial(self._stands, place), f"candle {place}")

    def reaches(self, place: int) -> None:
        """Wait until a candle is taken in, by the journal, or by Redis if that was still possible."""
        self.child.until(
            lambda: self.scene.waits_at(self.candles[place]) or self._stands(place), f"candle {place} in the journal"
        )

    def said(self, event: str) -> int:
        return self.child.said.count(f"event_id={event}")

    def ends(self, tally: Tally, fault: str, recovery: float, *, lost: list[str] | None = None) -> None:
        """Go on to the end, deliver everything, and compare; ``lost`` is what Redis has forgotten of the list."""
        scene = self.scene
        self.goes_to(LAST)
        self.stands_at(LAST)
        self.child.tell(signal.SIGTERM)
        self.child.exited(0)
        listed = [*(lost or []), *scene.listed()]
        expected = scene.expected(self.candles[START], self.candles[LAST])
        scene.notifier("--drain").exited(0)
        delivered = count_deliveries(scene.posts(), ids_of(scene.listed()) if lost is None else ids_of(listed))
        figures = asdict(count_list(listed, expected)) | asdict(delivered)
        tally.record(Row(fault, 1, recovery=recovery, **figures))
        compare_list(listed, expected)

    def _stands(self, place: int) -> bool:
        with suppress(redis.RedisError):
            return self.scene.stands_at(self.candles[place])
        return False


@pytest.mark.timeout(90)
def test_whatever_becomes_of_redis_is_said_once_and_costs_no_signal(
    open_scene: Callable[..., Scene], tally: Tally, trouble: Trouble
) -> None:
    watched = Watched(open_scene())
    watched.stands_at(START)
    event = "redis.down" if trouble.goes_on else "strategy.trouble"

    trouble.begin(watched.scene)
    watched.goes_to(MEANWHILE)
    if trouble.goes_on:
        watched.reaches(MEANWHILE)
    watched.child.until(lambda: watched.said(event), "a word about it")
    assert not watched.child.until_or_not(lambda: watched.said(event) > 1, SILENCE), watched.child.said[-3000:]

    trouble.end(watched.scene)
    back = time.monotonic()
    watched.stands_at(MEANWHILE)
    recovery = time.monotonic() - back
    if trouble.goes_on:
        watched.child.until(lambda: watched.said("redis.up"), "that Redis is back")
        assert watched.said("redis.up") == 1
    watched.goes_to(AFTER)
    watched.stands_at(AFTER)
    watched.ends(tally, trouble.name, recovery)


# --- Redis that forgets ----------------------------------------------------------------------------------------------


def test_scripts_that_redis_has_forgotten_are_sent_again(open_scene: Callable[..., Scene], tally: Tally) -> None:
    watched = Watched(open_scene())
    watched.stands_at(START)
    watched.scene.client.script_flush()
    watched.goes_to(AFTER)
    watched.stands_at(AFTER)
    assert watched.said("redis.down") == 0
    watched.ends(tally, "SCRIPT FLUSH", 0.0)


@pytest.mark.parametrize("how", ["FLUSHALL", "restarted empty"])
def test_a_redis_that_has_lost_everything_goes_on_where_it_was(
    open_scene: Callable[..., Scene], tally: Tally, how: str
) -> None:
    watched = Watched(open_scene())
    watched.goes_to(MEANWHILE)
    watched.stands_at(MEANWHILE)
    lost = watched.scene.listed()
    watched.scene.notifier("--drain").exited(0)
    if how == "FLUSHALL":
        watched.scene.client.flushall()
    else:
        one = server(watched.scene)
        one.kill()
        shutil.rmtree(one.directory / "appendonlydir")
        one.start()
    back = time.monotonic()
    watched.goes_to(AFTER)
    watched.stands_at(AFTER)
    watched.ends(tally, how, time.monotonic() - back, lost=lost)


@pytest.mark.parametrize("how", ["an older copy", "a replica that lagged"])
def test_a_redis_rolled_back_gets_the_same_signals_and_the_channel_no_repeats(
    open_scene: Callable[..., Scene], start_redis: Callable[..., RedisServer], tally: Tally, how: str
) -> None:
    watched = Watched(open_scene())
    scene, main = watched.scene, server(watched.scene)
    watched.goes_to(START + 10)
    watched.stands_at(START + 10)
    goes_back = ROLLED_BACK[how](main, scene, start_redis)
    next(goes_back)

    watched.goes_to(MEANWHILE)
    watched.stands_at(MEANWHILE)
    before = scene.listed()
    scene.notifier("--drain").exited(0)
    next(goes_back, None)
    back = time.monotonic()
    assert len(scene.listed()) < len(before) or watched.said("redis.down"), "it knows less than it did"
    watched.child.until(lambda: ids_of(scene.listed()) == ids_of(before), "the same signals")
    watched.ends(tally, f"rolled back to {how}", time.monotonic() - back)


def older_copy(main: RedisServer, scene: Scene, _: object) -> Iterator[None]:
    """Keep what is on disk now; later, put it in the place of what has come since, as a restored disk does."""
    scene.client.bgrewriteaof()
    until(lambda: not scene.client.info("persistence")["aof_rewrite_in_progress"])
    there, kept = main.directory / "appendonlydir", main.directory / "kept"
    shutil.copytree(there, kept)
    yield
    main.kill()
    shutil.rmtree(there)
    shutil.copytree(kept, there)
    main.start()


def lagging_replica(main: RedisServer, scene: Scene, start_redis: Callable[..., RedisServer]) -> Iterator[None]:
    """Have a replica that hears nothing from now on; later, let it take the place of the server, which dies."""
    port = free_port()
    scene.client.config_set("port", str(port))
    replica = start_redis(appendonly=True)
    with replica.client() as client:
        tell(client, "REPLICAOF", "127.0.0.1", str(port))
        until(lambda: client.info("replication").get("master_link_status") == "up")
        until(lambda: client.get(scene.key("last_processed:close_itself")) is not None)
        tell(client, "REPLICAOF", "NO", "ONE")
    yield
    main.kill()
    replica.socket.replace(main.socket)


ROLLED_BACK: Final = {"an older copy": older_copy, "a replica that lagged": lagging_replica}


def until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- two daemons -----------------------------------------------------------------------------------------------------


def test_a_standby_takes_over_from_a_daemon_that_was_killed(open_scene: Callable[..., Scene], tally: Tally) -> None:
    watched = Watched(open_scene())
    watched.stands_at(START)
    standby = watched.scene.daemon()
    standby.until(lambda: "leader.standby" in standby.said, "that it stands by")
    watched.goes_to(MEANWHILE)
    watched.stands_at(MEANWHILE)
    watched.child.kill()
    gone = time.monotonic()
    watched.child = standby
    watched.goes_to(AFTER)
    watched.stands_at(AFTER)
    recovery = time.monotonic() - gone
    assert "leader.active" in standby.said
    watched.ends(tally, "kill -9 of the active one of two daemons", recovery)


def test_a_leader_that_sleeps_beyond_its_lease_changes_nothing_when_it_wakes(
    open_scene: Callable[..., Scene], tally: Tally
) -> None:
    watched = Watched(open_scene())
    watched.stands_at(START)
    sleeper, standby = watched.child, watched.scene.daemon()
    standby.until(lambda: "leader.standby" in standby.said, "that it stands by")
    watched.goes_to(START + 5)
    watched.stands_at(START + 5)
    sleeper.tell(signal.SIGSTOP)
    asleep = time.monotonic()
    # Its lease runs out a few seconds from now, as Redis would have it after fifteen.
    watched.scene.client.pexpire(watched.scene.key("leader"), 1_000)
    watched.child = standby
    watched.goes_to(MEANWHILE)
    watched.stands_at(MEANWHILE)
    recovery = time.monotonic() - asleep
    sleeper.tell(signal.SIGCONT)
    watched.goes_to(AFTER)
    watched.stands_at(AFTER)
    assert sleeper.until(lambda: "leader.standby" in sleeper.said, "that it stands by now")
    sleeper.tell(signal.SIGTERM)
    sleeper.exited(0)
    watched.ends(tally, "SIGSTOP of the active one of two daemons", recovery)


def test_it_ends_within_seconds_when_redis_and_the_broker_hang(open_scene: Callable[..., Scene], tally: Tally) -> None:
    watched = Watched(open_scene())
    watched.stands_at(START)
    scene = watched.scene
    scene.world.broker.faults.add(BrokerFault(Delay(60.0)))
    watched.goes_to(MEANWHILE)
    asked = len(scene.world.broker.requests)
    watched.child.until_or_not(lambda: len(scene.world.broker.requests) > asked, 1.0)
    server(scene).pause()
    began = time.monotonic()
    watched.child.tell(signal.SIGTERM)
    watched.child.exited(0, limit=20)
    took = time.monotonic() - began
    server(scene).resume()
    scene.world.broker.faults.clear()
    assert took < END_LIMIT, watched.child.said[-3000:]
    watched.child = scene.daemon()
    watched.ends(tally, "SIGTERM while Redis and the broker hang", took)

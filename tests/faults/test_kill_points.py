"""kill -9 at every place where a process touches the outside world, before and after; then it is started again.

Each test is a day in the life of a daemon or a notifier, with Redis going away in its middle. The process dies at its
point; the day goes on without it, and one that knows nothing but what it finds brings everything up to date. Then the
list is the oracle's, and everything has arrived.
"""

from __future__ import annotations

import itertools
import json
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import pytest

from ninja_daemon.adapters.stored.outcome import encode_outcome
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.simulator.faults import BrokerFault, status
from tests.end_to_end.settings import nasty, write_candles
from tests.fakes.messages import a_signal, an_outcome
from tests.fakes.receiver import OK, Answer, Post
from tests.faults.doomed import Doom, all_ports, implementations_of, methods_of, points
from tests.faults.judge import compare_list, compare_outcomes, count_deliveries, count_list, first_heard, ids_of
from tests.faults.nursery import Child
from tests.faults.scene import Scene, World, world
from tests.faults.tally import Row, Tally
from tests.oracle import read_candles
from tests.servers import RedisServer

SERIES: Final = "EUR_USD_H4"
RULES: Final = (nasty(SERIES)[0], nasty(SERIES)[2])
START, HOLE, LAST = 300, 340, 400
"""Places of candles: the first start, one that never came (the market was open), and the day's end."""

DAILY: Final = '[heartbeat]\nat = "00:00"\nto = ["b"]\n'

LATER: Final = (1, 2, 5)
"""Which call of its point a process dies at, in the long version."""

Step = tuple[Callable[[], object], Callable[[], object], str]
"""What is done, what must happen then, and what to call it."""


# --- which point belongs to which day --------------------------------------------------------------------------------

FIRST_STEPS: Final = ("OandaSource.history", "FailoverStore.lease", "RedisStateStore.load", "RedisStateStore.commit")
AWAY_STEPS: Final = ("FailoverStore.load", "KeptCommits.keep", "SqliteJournal.marks")
DAYS: Final = {
    "test_a_daemon_that_dies_anywhere_loses_and_repeats_nothing": (
        *("OandaSource.newer", "OandaSource.history", "OandaSource.had_prices", "OandaSource.changes"),
        *("FailoverStore.load", "FailoverStore.commit", "FailoverStore.lease", "FailoverStore.release"),
        *("FailoverStore.supposed", "RedisStateStore.supposed"),
        *(
            "FailoverStore.declare",
            "FailoverStore.report",
            "FailoverStore.alert",
            "RedisStateStore.load",
            "RedisStateStore.commit",
        ),
        *("KeptCommits.keep", "KeptCommits.begin", "KeptCommits.reopen", "KeptCommits.settle", "KeptCommits.lead"),
        *("SqliteJournal.marks", "SqliteJournal.remember", "SqliteJournal.open_books"),
        *("FailoverStore.unfinished", "RedisStateStore.unfinished"),
    ),
    "test_a_first_start_may_end_anywhere_too": FIRST_STEPS,
    "test_a_daemon_that_starts_while_redis_is_away_may_die_there_too": ("FailoverStore.led_here", *AWAY_STEPS),
    "test_a_daemon_without_redis_that_dies_anywhere_loses_and_repeats_nothing": (
        *("LocalStateStore.load", "LocalStateStore.commit", "LocalStateStore.lease", "LocalStateStore.release"),
        *("LocalStateStore.declare", "LocalStateStore.report", "LocalStateStore.alert"),
        *("SqliteJournal.commit", "LocalQueueStore.push_alert", "LocalStateStore.supposed"),
    ),
    "test_a_daemon_that_stands_by_may_die_there_too": ("FailoverStore.declared",),
    "test_a_notifier_that_dies_anywhere_loses_nothing_and_marks_what_it_repeats": (
        *("Doorbell.rang", "RedisInbox.peek", "RedisInbox.drain"),
        *("RedisQueueStore.look", "RedisQueueStore.write", "RedisQueueStore.silences"),
        *("RedisQueueStore.beat", "RedisQueueStore.push_alert", "RedisQueueStore.keep_figures"),
        *("LocalDoorbell.rang", "LocalInbox.peek", "LocalInbox.drain", "LocalQueueStore.look", "LocalQueueStore.write"),
        *("SqliteSentLedger.begin", "SqliteSentLedger.ended", "SqliteSentLedger.remember", "WebhookChannel.send"),
    ),
    "test_a_notifier_that_dies_anywhere_shows_each_outcome_in_the_right_message": (
        *("DiscordChannel.edit", "SqliteSentLedger.keep_posted", "SqliteSentLedger.posted"),
        "SqliteSentLedger.message_of",
        *("RedisInbox.drain", "RedisQueueStore.write"),
    ),
    "test_a_notifier_without_redis_killed_anywhere_loses_nothing_and_marks_repeats": (
        *("LocalQueueStore.silences", "LocalQueueStore.beat", "LocalInbox.drain"),
        *("LocalQueueStore.look", "LocalQueueStore.write"),
    ),
}
_A_PICTURE: Final = "called for pictures only, in a thread that may lose them: no signal waits for it"
_COUNTS_LOST: Final = "asked only when averages and counts were lost of a strategy whose signals keep a distance"
NEVER_CALLED: Final = {
    "FailoverStore.last_listed": _COUNTS_LOST,
    "LocalStateStore.last_listed": _COUNTS_LOST,
    "RedisStateStore.last_listed": _COUNTS_LOST,
    "SqliteJournal.history": _COUNTS_LOST,
    "DiscordChannel.illustrate": _A_PICTURE,
    "LocalStateStore.unfinished": "the open signals lie in the file of the signals, and are lost with them only",
    "LocalStateStore.led_here": "a store that is never away is not asked",
    "LocalStateStore.declared": "whoever holds the lock file has no name to ask for",
}


def test_every_method_of_every_port_is_a_point_and_every_point_has_its_day() -> None:
    reached = {name for names in DAYS.values() for name in names} | NEVER_CALLED.keys()
    assert sorted(reached) == list(points()), "name the new point in one of the days above, and let that day reach it"


def test_every_port_is_made_real_by_an_adapter_that_is_known_here() -> None:
    strangers = [port.__name__ for port in all_ports() if not implementations_of(port)]
    assert not strangers
    assert all(methods_of(port) for port in all_ports())


# --- the stage -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, candles_dir: Path) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("stage")
    candles = read_candles(candles_dir / f"{SERIES}.csv")[: LAST + 20]
    del candles[HOLE]
    file = write_candles(directory / "market" / f"{SERIES}.csv", candles)
    with RedisServer(directory / "redis", appendonly=True) as redis, world(directory, file.parent, redis) as made:
        yield made


@pytest.fixture
def scenes(stage: World, tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    made: list[Scene] = []

    def make(**options: object) -> Scene:
        directory = tmp_path / f"{tmp_path.name}-{len(made)}"
        directory.mkdir()
        made.append(Scene(stage, directory, RULES, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for scene in made:
        scene.end()
    stage.receiver.script = lambda _: OK
    stage.broker.faults.clear()
    if not stage.redis.running:
        stage.redis.start()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each point before and after, at the first call and at later ones; a short run dies once at each point."""
    if "doom" not in metafunc.fixturenames:
        return
    names = DAYS[metafunc.function.__name__]
    dooms = [Doom(name, moment, call) for call in LATER for name in names for moment in ("before", "after")]
    if not metafunc.config.getoption("--long", default=False):
        order, first_day = list(points()), {name: day for day, names in reversed(DAYS.items()) for name in names}
        once = [name for name in names if first_day[name] == metafunc.function.__name__] or names[:1]
        dooms = [Doom(name, "after" if order.index(name) % 2 else "before") for name in once]
    metafunc.parametrize("doom", dooms, ids=str)


def lives(steps: Iterable[Step], child: Child, doom: Doom) -> bool:
    """Let the day pass; the process has to die at its point, and the day goes on without it.

    Returns:
        Whether it died; a later call than the first may never be made.
    """
    for act, happened, what in steps:
        act()
        if child.alive:
            child.until(happened, what)
    died = child.ended() == -signal.SIGKILL
    assert died or (doom.call > 1 and child.code == 0), f"it must die {doom}, was {child.code}:\n{child.said[-3000:]}"
    return died


# --- days ------------------------------------------------------------------------------------------------------------


@dataclass
class DaemonsDay:
    """Candles, one that never comes, a Redis that goes and comes back, a token that is refused, the end."""

    scene: Scene

    def __post_init__(self) -> None:
        self.candles = read_candles(self.scene.world.folder / f"{SERIES}.csv")

    def begins(self) -> None:
        """A first start, and averages and a cursor that are lost."""
        self.scene.show(self.candles[START])
        self.scene.daemon("--once").exited(0)
        if not self.scene.without_redis:
            client = self.scene.client
            client.delete(self.scene.key("last_processed:close_itself"), self.scene.key("ma_state:close_itself"))
            for one in self.scene.rules:
                client.hdel(self.scene.key(f"signal_state:{one.name}"), "open")
        self.scene.show(self.candles[HOLE - 1])

    def steps(self, child: Child) -> Iterator[Step]:
        scene = self.scene
        yield lambda: None, self.stands_at(HOLE - 1), "the catch-up"
        yield self.shows(HOLE), self.stands_at(HOLE), "the candle behind the one that never came"
        if not scene.without_redis:
            yield from self.outage()
        yield self.refuses_the_token, scene.alerts, "the alert"
        scene.world.broker.faults.clear()
        yield self.end_of(child)

    def end_of(self, child: Child) -> Step:
        return lambda: child.tell(signal.SIGTERM), lambda: False, "the end"

    def outage(self) -> Iterator[Step]:
        scene, redis = self.scene, self.scene.world.redis
        if redis.running:
            redis.kill()
        yield self.shows(HOLE + 20), lambda: scene.waits_at(self.candles[HOLE + 20]), "the wait for Redis"
        yield redis.start, self.stands_at(HOLE + 20), "the return of Redis"

    def shows(self, place: int) -> Callable[[], None]:
        return lambda: self.scene.show(self.candles[place])

    def stands_at(self, place: int) -> Callable[[], bool]:
        return lambda: self.scene.stands_at(self.candles[place])

    def refuses_the_token(self) -> None:
        self.scene.world.broker.faults.add(BrokerFault(status(401)))
        self.scene.show(self.candles[HOLE + 21])

    def ends(self, doom: Doom, tally: Tally, *, died: bool) -> None:
        """One that was not there brings all up to date; the list and what arrives are as they must be."""
        scene = self.scene
        scene.show(self.candles[LAST])
        scene.daemon("--once").exited(0)
        listed, expected = scene.listed(), scene.expected(self.candles[START], self.candles[LAST])
        scene.notifier("--drain").exited(0)
        delivered = count_deliveries(scene.posts(), ids_of(listed))
        if died:
            figures = asdict(count_list(listed, expected)) | asdict(delivered)
            tally.record(Row(f"kill -9 at {doom.point}", 1, **figures))
        compare_list(listed, expected)
        compare_outcomes(scene.outcomes(), scene.expected_outcomes(expected, self.candles[LAST]))
        assert not delivered.delivery_repeated, "nobody was killed who delivers"


def test_a_daemon_that_dies_anywhere_loses_and_repeats_nothing(
    scenes: Callable[..., Scene], tally: Tally, doom: Doom
) -> None:
    day = DaemonsDay(scenes())
    day.begins()
    child = day.scene.daemon(doom=doom)
    day.ends(doom, tally, died=lives(day.steps(child), child, doom))


def test_a_first_start_may_end_anywhere_too(scenes: Callable[..., Scene], tally: Tally, doom: Doom) -> None:
    day = DaemonsDay(scenes())
    day.scene.show(day.candles[START])
    child = day.scene.daemon(doom=doom)
    died = lives([(lambda: None, day.stands_at(START), "the first start"), day.end_of(child)], child, doom)
    day.scene.daemon("--once").exited(0)
    day.ends(doom, tally, died=died)


def test_a_daemon_that_starts_while_redis_is_away_may_die_there_too(
    scenes: Callable[..., Scene], tally: Tally, doom: Doom
) -> None:
    day = DaemonsDay(scenes())
    day.begins()
    first = day.scene.daemon()
    assert first.until(day.stands_at(HOLE - 1), "the catch-up")
    day.scene.world.redis.kill()
    first.kill()
    child = day.scene.daemon(doom=doom)
    day.ends(doom, tally, died=lives([*day.outage(), day.end_of(child)], child, doom))


def test_a_daemon_without_redis_that_dies_anywhere_loses_and_repeats_nothing(
    scenes: Callable[..., Scene], tally: Tally, doom: Doom
) -> None:
    day = DaemonsDay(scenes(without_redis=True))
    day.begins()
    child = day.scene.daemon(doom=doom)
    day.ends(doom, tally, died=lives(day.steps(child), child, doom))


def test_a_daemon_that_stands_by_may_die_there_too(scenes: Callable[..., Scene], tally: Tally, doom: Doom) -> None:
    day = DaemonsDay(scenes())
    day.begins()
    with day.scene.another_leads():
        child = day.scene.daemon(doom=doom)
        died = lives([(lambda: None, lambda: False, "the comparison of settings")], child, doom)
    day.ends(doom, tally, died=died)


@dataclass
class NotifiersDay:
    """Signals on the list, a Redis that goes, signals in the journal, the same and more on the list, the end."""

    scene: Scene

    def __post_init__(self) -> None:
        made = {signal.id: encode_signal(signal) for signal in map(a_signal, range(14))}
        self.ids = list(made)
        self.texts = list(made.values())
        self.aside = dict(list(made.items())[8:12])

    def steps(self, child: Child) -> Iterator[Step]:
        redis = self.scene.world.redis
        yield lambda: None, self.is_through(8), "the delivery of the list"
        if not self.scene.without_redis:
            redis.kill()
        yield self.crosses_aside, self.is_through(12), "the delivery from the journal"
        if not self.scene.without_redis:
            redis.start()
        yield self.lists_the_rest, self.is_through(14), "the delivery of the rest"
        yield lambda: child.tell(signal.SIGTERM), lambda: False, "the end"

    def begins(self) -> None:
        """Eight signals are found; the service takes the first post of all only when it comes again."""
        self.scene.world.receiver.script = self.answer
        self.lists(self.texts[:8])

    def answer(self, post: Post) -> Answer:
        if self.scene.refused:
            return OK
        self.scene.refused.append(post)
        return Answer(429, headers={"Retry-After": "0.02"})

    def crosses_aside(self) -> None:
        self.scene.crosses_aside(self.aside)

    def lists_the_rest(self) -> None:
        self.lists(self.texts[12:] if self.scene.without_redis else self.texts[8:])

    def lists(self, texts: Sequence[str]) -> None:
        if self.scene.without_redis:
            self.scene.crosses_aside({json.loads(text)["id"]: text for text in texts})
        else:
            self.scene.client.rpush(self.scene.key("signals"), *texts)

    def is_through(self, count: int) -> Callable[[], bool]:
        def looks() -> bool:
            report = self.scene.posts("heartbeat")["b"] or count > 8
            return bool(report) and self.scene.heard(self.ids[:count])

        return looks

    def ends(self, doom: Doom, tally: Tally, *, died: bool) -> None:
        """Another one delivers what is left; then each destination has everything, and says what it has twice."""
        scene = self.scene
        scene.notifier("--drain").exited(0)
        figures = count_deliveries(scene.posts(), self.ids)
        if died:
            tally.record(Row(f"kill -9 at {doom.point}", 1, expected=len(self.ids), **asdict(figures)))
        for posts in scene.posts().values():
            order = first_heard(posts)
            # The journal's lane goes first: what waits there is not overtaken, nor is what waits in Redis.
            assert [one for one in order if one in self.aside] == list(self.aside)
            assert [one for one in order if one not in self.aside] == [one for one in self.ids if one not in self.aside]
        assert figures.delivery_repeated <= len(scene.destinations), "only what was in flight may come again"
        assert not scene.dead_letters()


def test_a_notifier_that_dies_anywhere_loses_nothing_and_marks_what_it_repeats(
    scenes: Callable[..., Scene], tally: Tally, doom: Doom
) -> None:
    day = NotifiersDay(scenes(destinations=("a", "b"), more_toml=DAILY))
    day.begins()
    child = day.scene.notifier(doom=doom)
    day.ends(doom, tally, died=lives(day.steps(child), child, doom))


def test_a_notifier_without_redis_killed_anywhere_loses_nothing_and_marks_repeats(
    scenes: Callable[..., Scene], tally: Tally, doom: Doom
) -> None:
    day = NotifiersDay(scenes(destinations=("a", "b"), more_toml=DAILY, without_redis=True))
    day.begins()
    child = day.scene.notifier(doom=doom)
    day.ends(doom, tally, died=lives(day.steps(child), child, doom))


@dataclass
class OutcomesDay:
    """Signals are posted at Discord, each ends, the destination shows it; a message that is gone shows nothing."""

    scene: Scene

    def __post_init__(self) -> None:
        self.path = f"/{self.scene.namespace}/api/v10/webhooks/1/club"
        self.signals = [a_signal(number) for number in range(6)]
        self.outcomes = [an_outcome(number) for number in range(6)]
        self.numbers = itertools.count(1000)
        self.gone = self.signals[2].id
        self.messages: dict[str, str] = {}
        self.shown: dict[str, str] = {}
        self.edits: Counter[str] = Counter()

    def begins(self) -> None:
        """Some signals are found; the service names each message by a number."""
        self.scene.world.receiver.script = self.answer
        self.lists(3)

    def lists(self, first: int) -> None:
        key, signals = self.scene.key("signals"), self.signals[:first] if first == 3 else self.signals[3:]
        self.scene.client.rpush(key, *map(encode_signal, signals))

    def ends_all(self) -> None:
        self.lists(6)
        self.scene.client.rpush(self.scene.key("outcomes"), *map(encode_outcome, self.outcomes))

    def answer(self, post: Post) -> Answer:
        if not post.path.startswith(self.path):
            return OK
        (identity,) = [one.id for one in self.signals if one.id[:8] in post.text]
        if post.method == "POST":
            number = str(next(self.numbers))
            self.messages[identity] = number
            return Answer.of(200, {"id": number})
        named = post.path.rpartition("/")[2]
        self.edits[identity] += 1
        if identity == self.gone:
            return Answer.of(404, {"message": "Unknown Message", "code": 10008})
        self.shown[identity] = named
        return Answer.of(200, {"id": named})

    def steps(self, child: Child) -> Iterator[Step]:
        yield lambda: None, lambda: len(self.messages) == 3, "the posts"
        yield self.ends_all, lambda: len(self.edits) == 6, "the edits"
        yield lambda: child.tell(signal.SIGTERM), lambda: False, "the end"

    def ends(self) -> None:
        """Another notifier goes on; each outcome is shown in the last message of its signal, or dropped and counted."""
        self.scene.notifier("--drain").exited(0)
        kept = {identity: number for identity, number in self.messages.items() if identity != self.gone}
        assert self.shown == kept
        assert sum(self.edits.values()) <= len(self.signals) + 1, "only what was in flight may come again"
        counters = self.scene.counters()
        assert counters["outcomes_shown:club"] + counters.get("known:club", 0) >= len(kept)
        assert counters["outcomes_dropped:club"] == 1
        assert not self.scene.dead_letters()


def test_a_notifier_that_dies_anywhere_shows_each_outcome_in_the_right_message(
    scenes: Callable[..., Scene], tally: Tally, doom: Doom
) -> None:
    del tally
    scene = scenes(destinations=())
    day = OutcomesDay(scene)
    url = f"{scene.world.receiver.url}{day.path}"
    scene.configure(
        f'[destinations.club]\nchannel = "discord"\nurl = "{url}"\ninsecure = true\noutcomes = "edit"\nrate = "none"\n'
    )
    day.begins()
    child = scene.notifier(doom=doom)
    lives(day.steps(child), child, doom)
    day.ends()

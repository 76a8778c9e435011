"""Daemon, notifier, Redis and crashes in any order that Hypothesis thinks of, held to a few sentences after each step.

The use cases, the scripts, the journal and the ledger are the real ones, on a real server; broker and channel are fakes
that do as they are told. A process is an object here: it dies by being dropped with everything that it remembers.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import redis
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ninja_daemon.adapters.host.lease_token import holder_token
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.sent_ledger import SqliteSentLedger
from ninja_daemon.adapters.redis import state_store as redis_store
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.queue.inbox import RedisInbox
from ninja_daemon.adapters.redis.queue.lanes import RedisQueueStore
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.adapters.redis.scripts import script
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.signal import decode_signal
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.market.instrument import Instrument, Series
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.messages.destination import Delivery, Destination, Failure, Fault, PostResult, Sent
from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.core.messages.retry import RetryPolicy
from ninja_daemon.core.messages.routing import MATCH_ALL, Route
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import signal_id
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.delivery.delivery_ports import Begun
from ninja_daemon.usecases.delivery.drain import drain
from ninja_daemon.usecases.delivery.lane_worker import LaneWorker
from ninja_daemon.usecases.delivery.lanes import StoredLanes
from ninja_daemon.usecases.delivery.stored_queue import StoredQueue
from tests.fakes.broker import FakeBroker
from tests.fakes.clock import FakeClock
from tests.faults.tally import Row, Tally
from tests.servers import RedisServer

STEP: Final = 900
START: Final = 1_600_000_200
FIRST: Final = 30
"""The newest candle at the first start."""
MOST: Final = 400
STRATEGIES: Final = tuple(
    Strategy(name, name, Granularity.M15, 1, slow, atr_period=2, market_hours=MarketHours.ALWAYS)
    for name, slow in (("EUR_USD", 2), ("GBP_USD", 3))
)
LANE: Final = "desk"
DESK: Final = Destination(LANE, "fake", policy=SendPolicy(retry=RetryPolicy(base=0.0), max_age=1e9))
DELIVERY: Final = Delivery((DESK,), (Route(MATCH_ALL, (LANE,)),), (LANE,))
A_MOMENT: Final = 0.001
NOBODY: Final = 2**22 + 1
"""A process number that no process can have."""

_namespaces = itertools.count()


# --- what is certain -------------------------------------------------------------------------------------------------


def closes_of(strategy: Strategy) -> list[int]:
    """A walk that turns often, ties included."""
    draw = random.Random(strategy.name)
    return list(itertools.accumulate((draw.choice((-30, -10, 0, 10, 30)) for _ in range(MOST)), initial=110_000))


def candles_of(strategy: Strategy) -> list[Candle]:
    return [
        Candle(START + STEP * place, close, close + 7, close - 7, close)
        for place, close in enumerate(closes_of(strategy))
    ]


def crosses_of(strategy: Strategy) -> list[tuple[int, str]]:
    """The oracle: place and id of every signal, from the closes alone (contract 4.3)."""
    closes, side, found = closes_of(strategy), 0, []
    slow = strategy.slow_ma
    for place in range(slow - 1, len(closes)):
        d = closes[place] * slow - sum(closes[place - slow + 1 : place + 1])
        turned = (d > 0) - (d < 0)
        if turned and side and turned != side and place >= 2:
            found.append((place, signal_id(strategy, START + STEP * place, Side(turned))))
        side = turned or side
    return found


CANDLES: Final[Mapping[Series, Sequence[Candle]]] = {strategy.series: candles_of(strategy) for strategy in STRATEGIES}
CROSSES: Final = {strategy.name: crosses_of(strategy) for strategy in STRATEGIES}


# --- what may go wrong -----------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is no more."""


class Wire:
    """A client that loses what it is told to lose: the next request, the reply to it, or the process around it."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self.fate: Mapping[int, str] = {}
        self._round = 0
        self._meanwhile: Callable[[], None] = _nothing

    def plan(self, fate: Mapping[int, str], meanwhile: Callable[[], None] | None = None) -> None:
        """Say what becomes of the coming round trips, by number, and what happens while the process is paused."""
        self.fate, self._round, self._meanwhile = fate, 0, meanwhile or _nothing

    def pipeline(self, **options: Any) -> Any:
        inner = self._client.pipeline(**options)
        execute = inner.execute

        def lossy(*arguments: Any, **named: Any) -> Any:
            fate = self.fate.get(self._round, "")
            self._round += 1
            if fate == "paused":
                meanwhile, self._meanwhile = self._meanwhile, _nothing
                meanwhile()
                return execute(*arguments, **named)
            if fate in {"request", "killed before"}:
                raise Killed if fate == "killed before" else redis.exceptions.ConnectionError("lost on the way there")
            replies = execute(*arguments, **named)
            if fate:
                raise Killed if fate == "killed after" else redis.exceptions.ConnectionError("lost on the way back")
            return replies

        inner.execute = lossy  # type: ignore[method-assign]  # the one door to the server
        return inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def _nothing() -> None:
    """What happens meanwhile, as a rule."""


FATES: Final = st.dictionaries(
    st.integers(0, 3), st.sampled_from(["request", "reply", "killed before", "killed after", "paused"]), max_size=2
)


class Channel:
    """A destination: it remembers what arrived, whatever it says about it."""

    provider = "fake"

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.unmarked: list[str] = []
        self.answer = "ok"

    def send(self, bundle: Bundle) -> PostResult:
        answer, self.answer = self.answer, "ok"
        if answer == "killed before":
            raise Killed
        if answer == "429":
            return Failure(Fault.THROTTLED, "slow down", 429, wait=A_MOMENT)
        if answer == "unreached":
            return Failure(Fault.UNREACHED, "nobody there")
        if answer != "timeout, lost":
            for entry in bundle.entries:
                if entry.id in self.arrived and not bundle.repeat:
                    self.unmarked.append(entry.id)
                self.arrived.append(entry.id)
        if answer == "killed after":
            raise Killed
        return Sent() if answer == "ok" else Failure(Fault.AMBIGUOUS, "no answer")

    def close(self) -> None:
        """Nothing to let go."""


ANSWERS: Final = st.sampled_from(
    ["ok", "ok", "429", "unreached", "timeout, lost", "timeout, arrived", "killed before", "killed after"]
)


class ADaemon:
    """What one process of ``run`` holds."""

    def __init__(self, client: redis.Redis, keys: Keys, journal: Path) -> None:
        self.wire = Wire(client)
        self.store = RedisStateStore(self.wire, keys)  # type: ignore[arg-type]  # as far as it is used
        self.journal = SqliteJournal(journal)
        self.token = holder_token("run")

    def close(self) -> None:
        self.journal.close()


class ANotifier:
    """What one process of ``notify`` holds."""

    def __init__(self, client: redis.Redis, keys: QueueKeys, channel: Channel, ledger: Path) -> None:
        self.wire = Wire(client)
        self.inbox = RedisInbox(self.wire, keys)  # type: ignore[arg-type]  # as above
        self.ledger = SqliteSentLedger(ledger)
        # All processes of the model are this one; a killed one must not pass for one that is still sending.
        role, *parts = self.ledger._holder.split("|")
        self.ledger._holder = "|".join([role, parts[0], parts[1], str(NOBODY), parts[3]])
        lanes = StoredLanes(RedisQueueStore(self.wire, keys))  # type: ignore[arg-type]  # as above
        self.worker = LaneWorker(
            DESK, channel=channel, lanes=lanes, ledger=self.ledger, clock=FakeClock(), draw=lambda: 0.0, lease=A_MOMENT
        )

    def close(self) -> None:
        self.ledger.close()


@dataclass
class Place:
    """Where the examples run, and what they add up to."""

    server: RedisServer
    directory: Path
    faults: Counter[str] = field(default_factory=Counter)
    expected: int = 0
    listed: int = 0
    delivered: int = 0
    repeated: int = 0


@dataclass(frozen=True)
class Snapshot:
    """What Redis held at some time."""

    values: Mapping[bytes, tuple[int, bytes]]
    high: Mapping[str, int]


# --- the machine -----------------------------------------------------------------------------------------------------


class Model(RuleBasedStateMachine):
    """Each rule is something that happens; each invariant a sentence of the contract."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place
        self.name = f"model{next(_namespaces)}"
        self.client = connect(place.server.url, name="test")
        self.raw = place.server.client(decode_responses=False)
        self.keys, self.queue_keys = Keys(self.name), QueueKeys(self.name)
        self.clock = FakeClock()
        self.broker = FakeBroker(
            {one.instrument: Instrument(one.instrument, 5, -4) for one in STRATEGIES}, dict(CANDLES)
        )
        self.channel = Channel()
        self.ambiguous: set[str] = set()
        self.high = {strategy.name: FIRST for strategy in STRATEGIES}
        self.newest = FIRST
        self.reached = dict(self.high)
        self.daemons: list[ADaemon] = []
        self.notifiers: list[ANotifier] = []

    @initialize()
    def begin(self) -> None:
        self.daemons = [self._a_daemon() for _ in range(2)]
        self.notifiers = [self._a_notifier() for _ in range(2)]
        self._show(FIRST)
        self._tick(0)
        self.snapshot = self._snapshot()

    # --- candles and daemons

    @rule(which=st.integers(0, 1), candles=st.integers(1, 9), fate=FATES)
    def candles_close_and_a_daemon_wakes(self, which: int, candles: int, fate: Mapping[int, str]) -> None:
        self._show(min(self.newest + candles, MOST - 1))
        self._tick(which, fate)

    @rule(which=st.integers(0, 1), fate=FATES)
    def a_daemon_wakes(self, which: int, fate: Mapping[int, str]) -> None:
        self._tick(which, fate)

    @rule(which=st.integers(0, 1))
    def a_daemon_that_was_paused_goes_on_under_its_old_lease(self, which: int) -> None:
        self.place.faults["paused"] += 1
        self._wake(self.daemons[which])

    @rule(which=st.integers(0, 1), candles=st.integers(1, 9))
    def a_single_pass_is_overtaken_before_it_writes(self, which: int, candles: int) -> None:
        """Without a lease, so that nothing but the compare-and-set of the script stands in its way."""
        self.place.faults["overtaken"] += 1
        daemon, other = self.daemons[which], self.daemons[1 - which]
        daemon.store.fence = 0
        daemon.wire.plan({1: "paused"}, lambda: self._more_and_a_wake(other, candles))
        self._wake(daemon)
        daemon.wire.plan({})

    @rule(which=st.integers(0, 1))
    def a_daemon_is_killed(self, which: int) -> None:
        self._kill_daemon(which)

    @rule()
    def the_lease_runs_out(self) -> None:
        self.client.delete(self.keys.leader)

    # --- Redis

    @rule(strategy=st.sampled_from(STRATEGIES))
    def averages_are_evicted(self, strategy: Strategy) -> None:
        self.place.faults["evicted"] += 1
        self.client.delete(self.keys.ma_state(strategy.name))

    @rule(strategy=st.sampled_from(STRATEGIES), text=st.sampled_from(["", "junk", "2099-01-01T00:00:00Z"]))
    def averages_and_side_are_damaged(self, strategy: Strategy, text: str) -> None:
        self.place.faults["damaged"] += 1
        self.client.hset(self.keys.ma_state(strategy.name), "time", text)
        self.client.hset(self.keys.signal_state(strategy.name), "side", text)

    @rule(strategy=st.sampled_from(STRATEGIES), back=st.integers(1, 40))
    def the_cursor_is_set_back(self, strategy: Strategy, back: int) -> None:
        place = max(FIRST, self._cursor(strategy) - back)
        self.place.faults["cursor set back"] += 1
        self.client.set(self.keys.last_processed(strategy.name), format_instant(START + STEP * place))
        self.reached[strategy.name] = place

    @rule()
    def redis_writes_a_snapshot(self) -> None:
        self.snapshot = self._snapshot()

    @rule()
    def redis_is_rolled_back(self) -> None:
        self.place.faults["rolled back"] += 1
        if keys := list(self.raw.scan_iter(match=f"{{{self.name}}}:*", count=1_000)):
            self.raw.delete(*keys)
        for key, (life, value) in self.snapshot.values.items():
            self.raw.restore(key, max(0, life), value)
        self.high = dict(self.snapshot.high)
        self.reached = {strategy.name: self._cursor(strategy) for strategy in STRATEGIES}

    @rule()
    def redis_forgets_its_scripts(self) -> None:
        self.client.script_flush()

    # --- notifiers

    @rule(which=st.integers(0, 1), answers=st.lists(ANSWERS, min_size=1, max_size=4), fate=FATES)
    def a_notifier_works(self, which: int, answers: list[str], fate: Mapping[int, str]) -> None:
        self._deliver(which, answers, fate)

    @rule(which=st.integers(0, 1))
    def a_notifier_delivers_undisturbed(self, which: int) -> None:
        self._deliver(which, ["ok"] * 20, {})

    @rule(which=st.integers(0, 1))
    def a_notifier_is_killed(self, which: int) -> None:
        self._kill_notifier(which)

    # --- what always holds

    @invariant()
    def the_list_is_what_the_oracle_says(self) -> None:
        if not self.daemons:
            return
        listed = self._listed()
        for strategy in STRATEGIES:
            high = self.high[strategy.name] = max(self.high[strategy.name], self._cursor(strategy))
            expected = [one for place, one in CROSSES[strategy.name] if FIRST <= place <= high]
            assert listed[strategy.name] == expected, strategy.name

    @invariant()
    def no_cursor_goes_back_by_itself(self) -> None:
        for strategy in STRATEGIES if self.daemons else ():
            cursor = self._cursor(strategy)
            assert cursor >= self.reached[strategy.name], strategy.name
            self.reached[strategy.name] = cursor

    @invariant()
    def nothing_arrives_twice_unless_it_is_not_known_whether_it_did(self) -> None:
        counts = Counter(self.channel.arrived)
        assert {one for one, times in counts.items() if times > 1} <= self.ambiguous
        assert not self.channel.unmarked

    # --- the end

    def teardown(self) -> None:
        try:
            if self.daemons:
                self._all_is_well_in_the_end()
        finally:
            self.end()

    def end(self) -> None:
        """Let everything go."""
        for daemon in self.daemons:
            daemon.close()
        for notifier in self.notifiers:
            notifier.close()
        if keys := list(self.raw.scan_iter(match=f"{{{self.name}}}:*", count=1_000)):
            self.raw.delete(*keys)
        self.client.close()
        self.raw.close()

    def _all_is_well_in_the_end(self) -> None:
        for _ in range(3):
            self.client.delete(self.keys.leader)
            self._tick(0)
        assert {self._cursor(strategy) for strategy in STRATEGIES} == {self.newest}
        self.the_list_is_what_the_oracle_says()
        for _ in range(100):
            self._deliver(0, ["ok"] * 50, {})
            if not self.client.llen(self.queue_keys.signals) and not self.client.llen(self.queue_keys.lane(LANE)):
                break
        self.nothing_arrives_twice_unless_it_is_not_known_whether_it_did()
        expected = {
            strategy.name: [one for place, one in CROSSES[strategy.name] if FIRST <= place <= self.newest]
            for strategy in STRATEGIES
        }
        firsts = list(dict.fromkeys(self.channel.arrived))
        for ids in expected.values():
            assert [one for one in firsts if one in set(ids)] == ids, "all of them, in order"
        everything = sum(map(len, expected.values()))
        assert len(firsts) == everything, "and nothing else"
        self.place.expected += everything
        self.place.listed += everything
        self.place.delivered += len(firsts)
        self.place.repeated += len(self.channel.arrived) - len(firsts)

    # --- how it is done

    def _show(self, newest: int) -> None:
        self.newest = newest
        for strategy in STRATEGIES:
            self.broker.newest[strategy.series] = START + STEP * newest
        self.clock.time = START + STEP * (newest + 1) + 2.0

    def _tick(self, which: int, fate: Mapping[int, str] | None = None) -> None:
        daemon = self.daemons[which]
        daemon.wire.plan(fate or {}, lambda: self._wake(self.daemons[1 - which]))
        self.place.faults.update((fate or {}).values())
        try:
            if daemon.store.lease(daemon.token, 15.0).held:
                self._wake(daemon)
        except StoreUnavailable:
            pass  # said, and tried again
        except Killed:
            self._kill_daemon(which)
        finally:
            daemon.wire.plan({})

    def _more_and_a_wake(self, daemon: ADaemon, candles: int) -> None:
        self._show(min(self.newest + candles, MOST - 1))
        daemon.store.fence = 0
        self._wake(daemon)

    def _wake(self, daemon: ADaemon) -> None:
        try:
            catch_up(STRATEGIES, source=self.broker, store=daemon.store, journal=daemon.journal, clock=self.clock)
        except StoreUnavailable:
            return

    def _deliver(self, which: int, answers: Iterable[str], fate: Mapping[int, str]) -> None:
        notifier = self.notifiers[which]
        self.client.hdel(self.queue_keys.lane_state(LANE), "lease")
        StoredQueue(RedisQueueStore(self.client, self.queue_keys)).hurry(LANE)
        notifier.wire.plan(fate)
        self.place.faults.update(fate.values())
        try:
            self._tried(lambda: drain(notifier.inbox, DELIVERY, (), 0.0))
            for answer in answers:
                self.channel.answer = answer
                head = self.client.lindex(self.queue_keys.lane(LANE), 0)
                self._tried(notifier.worker.step)
                if answer != "ok" or fate:
                    self.place.faults[answer] += 1
                    self.ambiguous.add(str(head).split(" ", 2)[1] if head else "")
        except Killed:
            head = self.client.lindex(self.queue_keys.lane(LANE), 0)
            self.ambiguous.add(str(head).split(" ", 2)[1] if head else "")
            self._kill_notifier(which)
        finally:
            notifier.wire.plan({})
            self.channel.answer = "ok"

    @staticmethod
    def _tried(work: Callable[[], object]) -> None:
        try:
            work()
        except StoreUnavailable:
            return

    def _kill_daemon(self, which: int) -> None:
        self.place.faults["daemon killed"] += 1
        self.daemons[which].close()
        self.daemons[which] = self._a_daemon()

    def _kill_notifier(self, which: int) -> None:
        self.place.faults["notifier killed"] += 1
        self.notifiers[which].close()
        self.notifiers[which] = self._a_notifier()

    def _a_daemon(self) -> ADaemon:
        return ADaemon(self.client, self.keys, self.place.directory / f"{self.name}.journal")

    def _a_notifier(self) -> ANotifier:
        return ANotifier(self.client, self.queue_keys, self.channel, self.place.directory / f"{self.name}.sent")

    def _cursor(self, strategy: Strategy) -> int:
        cursor = RedisStateStore(self.client, self.keys).load([strategy])[strategy.name].cursor
        assert cursor is not None
        return _place(cursor)

    def _listed(self) -> Mapping[str, list[str]]:
        """All that was ever listed, as the daemon keeps it, by strategy."""
        texts: Any = self.client.lrange(self.keys.history, 0, -1)
        signals = [decode_signal(text) for text in texts]
        return {one.name: [each.id for each in signals if each.strategy == one.name] for one in STRATEGIES}

    def _snapshot(self) -> Snapshot:
        values: dict[bytes, tuple[int, bytes]] = {}
        for key in self.raw.scan_iter(match=f"{{{self.name}}}:*", count=1_000):
            values[key] = (int(self.raw.pttl(key)), bytes(self.raw.dump(key) or b""))
        return Snapshot(values, dict(self.high))


def _place(time: Instant) -> int:
    return (time - START) // STEP


@pytest.mark.timeout(900)
def test_nothing_is_lost_or_repeated_in_whatever_order_things_go_wrong(
    redis_server: RedisServer, tmp_path: Path, tally: Tally, *, long: bool
) -> None:
    place = Place(redis_server, tmp_path)
    run_state_machine_as_test(
        lambda: Model(place),  # type: ignore[arg-type]  # whatever makes one
        settings=settings(
            max_examples=300 if long else 30,
            stateful_step_count=60 if long else 30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    tally.record(
        Row(
            "whatever Hypothesis thinks of",
            injected=sum(place.faults.values()),
            expected=place.expected,
            listed=place.listed,
            list_missing=0,
            list_repeated=0,
            delivered=place.delivered,
            delivery_missing=0,
            delivery_repeated=place.repeated,
            marked=place.repeated,
        )
    )


def test_the_model_notices_a_ledger_that_forgets(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that cannot fail proves nothing."""
    monkeypatch.setattr(SqliteSentLedger, "begin", lambda *_, **__: Begun())
    model = Model(Place(redis_server, tmp_path))
    model.begin()
    model.candles_close_and_a_daemon_wakes(0, 9, {})
    model.a_notifier_delivers_undisturbed(0)
    model.redis_is_rolled_back()
    model.a_daemon_wakes(0, {})
    with pytest.raises(AssertionError):
        model.teardown()


def test_the_model_notices_a_commit_that_compares_nothing(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = script("commit")
    careless = commit.text
    for guard in ("if held ~= expected then", "if since ~= '' and named ~= since then"):
        assert guard in careless
        careless = careless.replace(guard, "if false then")
    digest = hashlib.sha1(careless.encode(), usedforsecurity=False).hexdigest()
    changed = commit._replace(text=careless, digest=digest)
    monkeypatch.setattr(
        redis_store, "script", lambda name, **options: changed if name == "commit" else script(name, **options)
    )
    model = Model(Place(redis_server, tmp_path))
    model.begin()
    model._show(FIRST + 1)
    model.a_single_pass_is_overtaken_before_it_writes(0, 9)
    model.reached = dict.fromkeys(model.reached, FIRST + 10)
    with pytest.raises(AssertionError):
        model.no_cursor_goes_back_by_itself()
    model.end()

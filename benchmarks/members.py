"""(i) Thousands of strategies that are due at once, taken in by one member and by several. As a child: one member."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from benchmarks.canned import ACCOUNT, BEGIN, CANDLES, HOUR, WALKS, instrument_names
from benchmarks.children import Child, redis_server
from benchmarks.contenders import TOKEN, SetClock
from benchmarks.results import Chapter, Figure, Table, at_least, short
from ninja_daemon.adapters.journal.failover_store import FailoverStore
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.kept_commits import JournalPart
from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.sharing.sharding import owner_of, shares_of

SERIES: Final = 340
A_SERIES: Final = 56
SHARDS: Final = 32
SEVERAL: Final = 4
_WARM: Final = 4
"""Wakes until each has all its connections to the broker, of which there are two a second for all."""
_ROUNDS: Final = 7
_LATER: Final = 100
_TEXT: Final = """\
{strategies:,} strategies over {series} series have one new candle each: 56 pairs of averages a series, H1, one broker
and one Redis for all. One daemon as it is by default, and four members of 32 shards, which fall to them as they do
outside, each with its part of the broker's limits; woken in turn on the same machine. Wall is the time until the last
commit of the last of them. What else the machine does strikes four processes less than one; the processors' time says
what the work is.
"""


class Spent(NamedTuple):
    """Seconds of one wake: of the clock, of the processors, of the processors of the busiest member."""

    wall: float
    cpu: float
    busiest: float


class Group:
    """Members that share one namespace."""

    def __init__(self, stack: ExitStack, name: str, members: int, shards: int, given: Sequence[str]) -> None:
        """Start them."""
        places = [(str(place), str(members), str(shards)) for place in range(members)]
        self.children = [stack.enter_context(Child("members", name, *place, *given)) for place in places]
        self._threads = stack.enter_context(ThreadPoolExecutor(members))

    def wake(self, now: int) -> Spent:
        """Wake them all, and wait for all."""
        began = time.perf_counter()
        told = list(self._threads.map(lambda child: child.ask(now=now), self.children))
        costs = [float(one["cpu"]) for one in told]
        return Spent(time.perf_counter() - began, sum(costs), max(costs))


def measure(*, quick: bool) -> Chapter:
    """Wake one and several in turn."""
    series, rounds, members = (6, 2, 2) if quick else (SERIES, _ROUNDS, SEVERAL)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = stack.enter_context(redis_server(directory))
        broker = stack.enter_context(Child("canned", str(min(WALKS, series)), str(CANDLES)))
        given = (f"http://127.0.0.1:{broker.ready['port']}", redis.url, str(directory), str(series))
        one, several = Group(stack, "one", 1, 1, given), Group(stack, "several", members, SHARDS, given)
        spent: dict[Group, list[Spent]] = {one: [], several: []}
        for hour in range(CANDLES - _LATER, CANDLES - _LATER + (1 if quick else _WARM) + rounds):
            for group, costs in spent.items():
                now = BEGIN + HOUR * hour + 2
                broker.ask(now=now)
                costs.append(group.wake(now))
    return _chapter(series, spent[one][-rounds:], spent[several][-rounds:])


def _chapter(series: int, one: Sequence[Spent], several: Sequence[Spent]) -> Chapter:
    strategies = series * A_SERIES
    rows = [
        [name, *(f"{median(values):.2f} s" for values in zip(*costs, strict=True)), f"{strategies / _wall(costs):,.0f}"]
        for name, costs in (("1 member", one), (f"{SEVERAL} members", several))
    ]
    head = ["", "wall", "CPU of all", "CPU of the busiest", "strategies a second"]
    claim = f"times the strategies a second by {SEVERAL} members, over those by 1, {strategies:,} due at once"
    cores = median(each.busiest for each in several) / median(each.cpu for each in one)
    return Chapter(
        "Members",
        _TEXT.format(strategies=strategies, series=series),
        [Table(head, rows)],
        [
            at_least("members", claim, _wall(one) / _wall(several), 1.8),
            Figure("members-busiest", "CPU of the busiest of them, over that of one alone", cores, f"{short(cores)}×"),
        ],
    )


def _wall(costs: Sequence[Spent]) -> float:
    return median(each.wall for each in costs)


class Member:
    """A daemon's wakes: all strategies, or those of the shards that are its own."""

    def __init__(self, name: str, place: int, members: int, shards: int, given: Sequence[str]) -> None:
        """Put the parts together as ``app/fleet`` does."""
        broker, redis, directory, series = given
        self._clock = SetClock()
        self._journal = SqliteJournal(Path(directory) / f"{name}.sqlite3")
        client = connect(redis, name="bench")
        self._source = OandaSource(Secret(TOKEN), broker, account_id=ACCOUNT, clock=self._clock)
        self._source.divide(members, place)
        strategies = _strategies(int(series))
        tokens = [f"member {number}" for number in range(members)]
        self._parts = [
            (share, self._store(client, name, shard, share))
            for shard, share in enumerate(shares_of(strategies, shards))
            if share and owner_of(shard, tokens) == tokens[place]
        ]
        self._threads = ThreadPoolExecutor(max(1, len(self._parts)))

    def _store(self, client: object, name: str, shard: int, share: Sequence[Strategy]) -> FailoverStore:
        return FailoverStore(
            RedisStateStore(client, Keys(name, shard)),  # type: ignore[arg-type]
            self._journal,
            clock=self._clock,
            is_shared=False,
            push_alert=lambda *_: None,
            part=JournalPart(shard, {one.name for one in share}.__contains__),
        )

    def wake(self, now: int) -> None:
        """Make one wake of each shard, all at the same time."""
        self._clock.time = now
        list(self._threads.map(self._wake, self._parts))

    def _wake(self, part: tuple[Sequence[Strategy], FailoverStore]) -> None:
        share, store = part
        wake = catch_up(share, source=self._source, store=store, journal=self._journal, clock=self._clock)
        troubles = [str(outcome.error) for outcome in wake.results if outcome.error is not None]
        if troubles or wake.journal_error is not None:
            raise RuntimeError(troubles[:1] or [wake.journal_error])


def _strategies(series: int) -> list[Strategy]:
    return [
        Strategy(
            f"{name}_{number}",
            name,
            Granularity.H1,
            fast_ma=12 + number % 8,
            slow_ma=60 + 10 * (number // 8),
            market_hours=MarketHours.ALWAYS,
        )
        for name in instrument_names(series)
        for number in range(A_SERIES)
    ]


def main(name: str, place: str, members: str, shards: str, *given: str) -> None:
    """Make wakes as told, and say what each cost."""
    member = Member(name, int(place), int(members), int(shards), given)
    print(json.dumps({"ready": name}), flush=True)
    for line in sys.stdin:
        cpu = time.process_time()
        member.wake(int(json.loads(line)["now"]))
        print(json.dumps({"cpu": time.process_time() - cpu}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A year of real candles, close by close: what became of each is known, and equals what the test did to the system.

The daemon works in this process, on the test's clock; broker and Redis are real servers. A kill ends it between the
commit and everything after it. What is listed is the oracle's, and every listed signal is derived again.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from ninja_daemon.adapters.journal.failover_store import FailoverStore
from ninja_daemon.adapters.journal.history.audits import SqliteAudits
from ninja_daemon.adapters.journal.history.evaluation_rows import Batch
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.signal import decode_signal
from ninja_daemon.app.daemon.notes.evaluation_notes import EvaluationNotes
from ninja_daemon.app.daemon.process import Daemon
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.simulator.faults import BrokerFault, Revised, status
from ninja_daemon.usecases.proof.derivation import derive
from ninja_daemon.usecases.proof.evaluations import (
    NO_DAEMON,
    NO_PRICES,
    NOT_ENABLED,
    NOT_NOTED,
    Became,
    CloseJudge,
    CloseVerdict,
)
from ninja_daemon.usecases.proof.judgement import verified
from ninja_daemon.usecases.proof.record import Record
from ninja_daemon.usecases.replay import Span
from tests.end_to_end.settings import rules_for
from tests.end_to_end.stage import ACCOUNT, TOKEN, epoch, market_server, strategies_of
from tests.fakes.clock import FakeClock
from tests.faults.tally import Row, Tally
from tests.oracle import assert_same_signals, close_time, expectation, read_candles, signals_after, signals_until
from tests.servers import RedisServer

RULES: Final = (
    rules_for("EUR_USD_H4", "EUR_USD_H4", 5, 20, min_atr_value="0.0001"),
    rules_for("GBP_JPY_H4", "GBP_JPY_H4", 8, 21, min_atr_value="0.01"),
)
H4: Final = Granularity.H4
FIRST: Final = 400
"""Number of the candle at which the first start is."""
A_YEAR: Final = 1_560
A_WHILE: Final = 45
SOON: Final = 2.0


class Killed(BaseException):
    """The end of the process, behind a commit."""


class Doomed(FailoverStore):
    """The daemon's store; the process may end right behind a commit."""

    is_doomed = False

    def commit(self, *arguments: Any) -> Any:
        done = super().commit(*arguments)
        if self.is_doomed:
            raise Killed
        return done


@dataclass
class Year:
    """A system and what is done to it."""

    server: RedisServer
    folder: Path
    candles_dir: Path
    counts: dict[str, int] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = FakeClock(0.0)
        self.broker = market_server(self.candles_dir, self.clock)
        self.broker.start()
        self.strategies: Sequence[Strategy] = strategies_of(RULES, self.folder)
        self.keys = Keys("t")
        self.client = connect(self.server.url, name="test")
        self.daemon: Daemon | None = None

    # --- the process -------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start it."""
        self.journal = SqliteJournal(self.folder / "journal.sqlite3")
        redis_store = RedisStateStore(connect(self.server.url, name="daemon"), self.keys)
        made = partial(Doomed, redis_store, self.journal, clock=self.clock, is_shared=False)
        self.store = made(push_alert=lambda *_: None)
        self.notes = EvaluationNotes(SqliteAudits(self.folder / "evaluations.sqlite3"), self.clock)
        self.source = OandaSource(Secret(TOKEN), self.broker.url, account_id=ACCOUNT, clock=self.clock)
        self.daemon = Daemon(
            self.strategies,
            source=self.source,
            store=self.store,
            journal=self.journal,
            clock=self.clock,
            on_crash=lambda error: pytest.fail(str(error)),
        )
        self.daemon.record_by(self.notes.after)
        self.daemon.note_by(self.notes)
        self.work()

    def work(self) -> None:
        """Do what is due now."""
        if self.daemon is not None:
            self.daemon.renew_lease()
            self.daemon.retry()
            self.daemon.on_close(H4, MarketHours.FX)

    def end(self) -> None:
        """End it, however it stands; its lease runs out at once."""
        self.daemon = None
        self.notes.close()
        self.source.close()
        self.journal.close()
        self.store.close()
        self.client.delete(self.keys.leader)

    def take_over(self, strategies: Sequence[Strategy]) -> None:
        """Change the configuration, whether a process is there or not."""
        self.strategies = strategies
        if self.daemon is not None:
            self.daemon.take_over(strategies)

    # --- what is known -----------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Take the signals from the list, as a notifier does."""
        while (text := self.client.lpop(self.keys.signals)) is not None:
            self.taken.append(str(text))

    def verdicts(self, strategy: Strategy, since: Instant, until: Instant, known: set[Instant]) -> list[CloseVerdict]:
        """What is said of the closes of a span."""
        self.settle_notes()
        file = SqliteAudits(self.folder / "evaluations.sqlite3")
        notes = file.notes(strategy.name, since - 86_400, until)
        file.close()
        cursor = RedisStateStore(self.client, self.keys).load([strategy])[strategy.name].cursor
        return list(CloseJudge(strategy, notes, cursor, known).each(since, until))

    def settle_notes(self) -> None:
        """Wait until what was to be noted is written."""
        if self.daemon is not None:
            done = threading.Event()
            self.notes._put(partial(self._nothing, done))
            assert done.wait(10)

    def _nothing(self, done: threading.Event) -> Batch:
        done.set()
        return Batch(self.clock.now(), "the test")

    def listed(self, name: str) -> list[str]:
        """All that was ever listed of a strategy."""
        self.drain()
        return [text for text in self.taken if json.loads(text)["strategy"] == name]

    def close(self) -> None:
        """Let everything go."""
        if self.daemon is not None:
            self.end()
        self.client.close()
        self.broker.stop()


@pytest.fixture
def year(tmp_path: Path, candles_dir: Path, fresh_redis: RedisServer) -> Iterator[Year]:
    made = Year(fresh_redis, tmp_path, candles_dir)
    yield made
    made.close()


class Troubles:
    """What is done to the system at each close, and what must be said of the close while it lasts."""

    def __init__(self, year: Year, chance: random.Random) -> None:
        self.year = year
        self.chance = chance
        self.left = 0
        self.over: Callable[[], None] = lambda: None
        self.expected: dict[str, str] = {}
        self.unnoted = False

    def before(self) -> None:
        """Go on with a trouble, end it, or begin another."""
        self.unnoted = False
        if self.left:
            self.left -= 1
            if not self.left:
                self.over()
                self.expected = {}
            return
        kind = self.chance.choices(("none", "outage", "stopped", "killed", "lost", "paused"), (82, 5, 4, 3, 2, 4))[0]
        getattr(self, f"_{kind}")()
        if kind != "none":
            self.year.counts[kind] = self.year.counts.get(kind, 0) + 1

    def _none(self) -> None:
        """Nothing happens."""

    def _lasts(self, why: str, over: Callable[[], None], names: Sequence[str] = ()) -> None:
        self.left, self.over = self.chance.randint(1, 12), over
        self.expected = dict.fromkeys(names or [one.name for one in self.year.strategies], why)

    def _outage(self) -> None:
        self.year.broker.faults.add(BrokerFault(status(503)))
        self._lasts("503", self.year.broker.faults.clear)

    def _stopped(self) -> None:
        self.year.end()
        self._lasts(NO_DAEMON, self.year.begin)

    def _killed(self) -> None:
        """The process ends behind the commit of this close; nobody starts it for a while."""
        self.year.store.is_doomed = True
        self.unnoted = True
        self._lasts(NO_DAEMON, self.year.begin)

    def _lost(self) -> None:
        self.year.drain()
        self.year.client.flushall()

    def _paused(self) -> None:
        names = [self.chance.choice([one.name for one in self.year.strategies])]
        whole = self.year.strategies
        self.year.take_over([replace(one, enabled=one.name not in names) for one in whole])
        self._lasts(NOT_ENABLED, lambda: self.year.take_over(whole), names)


@pytest.mark.timeout(1_200)
def test_each_close_has_the_one_verdict_of_what_was_done_to_it(
    year: Year, chance: random.Random, long: bool, tally: Tally
) -> None:
    files = {one.name: read_candles(year.candles_dir / f"{one.name}.csv") for one in RULES}
    opens = {name: {int(epoch(one["time"])) for one in rows} for name, rows in files.items()}
    last = FIRST + (A_YEAR if long else A_WHILE)
    grid = [one["time"] for one in files["EUR_USD_H4"][FIRST : last + 1]]
    start = int(epoch(close_time(grid[0], "H4")))
    year.clock.time = start + SOON
    year.begin()
    troubles, judged = Troubles(year, chance), 0
    since, checked = start, start
    while since < int(epoch(close_time(grid[-1], "H4"))):
        close = MarketHours.FX.next_close(H4, since)
        troubles.before()
        year.clock.time = max(year.clock.time, close + SOON)
        with suppress(Killed):
            year.work()
        if troubles.unnoted:
            year.end()
        for one in year.strategies:
            (verdict,) = year.verdicts(one, since, close, opens[one.name])
            assert_told(verdict, troubles, one.name, opens[one.name])
            judged += 1
        since = close
        if since - checked > 40 * 86_400 and not troubles.left:
            judged_well(year, checked, since, opens)
            checked = since
    while troubles.left:
        troubles.before()
    year.work()
    judged_well(year, checked, since, opens)

    for rules in RULES:
        rows = files[rules.name]
        until = [one for one in rows if int(epoch(one["time"])) < since]
        expected = signals_after(signals_until(expectation(until, rules).signals, until[-1]["time"]), grid[0])
        assert_same_signals(year.listed(rules.name), expected)
    tally.record(Row("a year of closes", sum(year.counts.values()), len(year.taken), len(year.taken)))
    print(f"{judged} closes judged, {len(year.taken)} signals, {year.counts}")  # noqa: T201 - shown by -s
    every_digit(year, files)


def assert_told(verdict: CloseVerdict, troubles: Troubles, name: str, opens: set[Instant]) -> None:
    """A close is told as what was done to the system at it says."""
    why = troubles.expected.get(name)
    if why is not None and not troubles.unnoted:
        assert verdict.became is Became.NOT_EVALUATED, (verdict, troubles.expected)
        assert why in verdict.why, verdict
    elif verdict.time not in opens:
        assert verdict.became is not Became.EVALUATED, verdict
    else:
        assert verdict.became is Became.EVALUATED, (verdict, troubles.expected)
        assert verdict.why == (NOT_NOTED if troubles.unnoted else ""), verdict


def judged_well(year: Year, since: Instant, until: Instant, opens: dict[str, set[Instant]]) -> None:
    """When all troubles are over, each close was evaluated or had no candle, and its note is what is listed."""
    for one in year.strategies:
        verdicts = year.verdicts(one, since, until, opens[one.name])
        closes = [verdict.close for verdict in verdicts]
        assert len(closes) == len(set(closes))
        listed = {decode_signal(text).time: decode_signal(text).id for text in year.listed(one.name)}
        for verdict in verdicts:
            expected = (Became.EVALUATED, verdict.why) if verdict.time in opens[one.name] else (
                Became.NO_CANDLE, NO_PRICES
            )  # fmt: skip
            assert (verdict.became, verdict.why) == expected, verdict
            if verdict.evaluation is not None:
                assert verdict.evaluation.signal_id == listed.get(verdict.time), verdict
            else:
                assert verdict.why in {NOT_NOTED, NO_PRICES}, verdict


def every_digit(year: Year, files: dict[str, Any]) -> None:
    """Each listed signal is derived again; with one candle changed, those that it enters say so and name it."""
    for one in year.strategies:
        signals = [decode_signal(text) for text in year.listed(one.name)]
        assert [said(year, one, signal) for signal in signals] == [None] * len(signals)
        changed = signals[-1].time - 4 * 3_600
        while changed not in {int(epoch(row["time"])) for row in files[one.name]}:
            changed -= 4 * 3_600
        fault = BrokerFault(Revised(changed, by=30), instrument=one.instrument)
        year.broker.faults.add(fault)
        told = said(year, one, signals[-1])
        assert told is not None
        assert f"the candle of {format_instant(changed)} was revised" in told
        assert "would" in told
        assert [said(year, one, signal) for signal in signals[:-1][:1]] == [None] * len(signals[:-1][:1])
        year.broker.faults.clear()


def said(year: Year, strategy: Strategy, signal: Signal) -> str | None:
    """What ``why ID --verify`` says of a signal; None for every digit again."""
    loaded = RedisStateStore(year.client, year.keys).load([strategy])[strategy.name]
    file = SqliteAudits(year.folder / "evaluations.sqlite3")
    record = Record(loaded, None, [signal], is_cut=False, is_counted=True, seen=file.seen(strategy.name))
    file.close()
    found = verified(derive(year.source, strategy, Span(signal.time, signal.time)), record, signal)
    return None if found is None else found.meaning

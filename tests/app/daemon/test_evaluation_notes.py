"""A daemon's notes: one verdict for each scheduled close, whatever happened to the daemon meanwhile."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import redis
from structlog.testing import capture_logs

from ninja_daemon.adapters.journal.history.evaluations import SqliteEvaluations
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.app.daemon.notes.evaluation_notes import EvaluationNotes, evaluations_of
from ninja_daemon.app.daemon.process import Daemon
from ninja_daemon.core.errors import BrokerUnavailable
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.proof.evaluations import NO_DAEMON, NO_PRICES, NOT_ENABLED, Became, CloseJudge
from ninja_daemon.usecases.proof.noted import Apart
from ninja_daemon.usecases.wake_result import Start, WakeResult
from tests.app.daemon.test_process import spooling
from tests.app.stored import EUR_USD, M15, START, candles, closes_with_crosses, work
from tests.fakes.broker import FakeBroker
from tests.fakes.clock import FakeClock

COUNT = 260
QUIET = frozenset({77, 141, 142})
"""Numbers of candles that the broker never has."""


@dataclass
class History:
    """A daemon's life, close by close."""

    client: redis.Redis
    folder: Path
    clock: FakeClock = field(default_factory=lambda: FakeClock(START + 900.0 * 40 + 1))
    broker: FakeBroker = field(init=False)
    daemon: Daemon | None = None

    def __post_init__(self) -> None:
        made = candles(closes_with_crosses(COUNT))
        shown = [candle for number, candle in enumerate(made) if number not in QUIET]
        self.broker = FakeBroker({"EUR_USD": EUR_USD}, {M15.series: shown})
        self.broker.newest[M15.series] = START + 900 * 39
        self.journal = SqliteJournal(self.folder / "journal.sqlite3")

    def begin(self, strategy: Strategy = M15) -> None:
        """Start a process."""
        store = spooling(RedisStateStore(self.client, Keys("t")), self.journal, self.clock)
        self.notes = EvaluationNotes(SqliteEvaluations(self.folder / "evaluations.sqlite3"), self.clock)
        self.daemon = Daemon(
            [strategy],
            source=self.broker,
            store=store,
            journal=self.journal,
            clock=self.clock,
            on_crash=lambda error: pytest.fail(str(error)),
        )
        self.daemon.record_by(self.notes.after)
        self.daemon.note_by(self.notes)
        self.daemon.renew_lease()
        self.daemon.retry()

    def end(self) -> None:
        """End it."""
        assert self.daemon is not None
        self.daemon._leadership.release()
        self.notes.close()
        self.daemon = None

    def take_over(self, strategy: Strategy) -> None:
        """Let the process take changed settings over."""
        assert self.daemon is not None
        self.daemon.take_over([strategy])

    def fail(self) -> None:
        """Let the broker fail from now on."""
        self.broker.failing[M15.series] = BrokerUnavailable("it answers 503")

    def answer(self) -> None:
        """Let the broker answer again."""
        del self.broker.failing[M15.series]

    def close_of(self, number: int) -> None:
        """Let the clock come to a close, and whoever works do its work."""
        self.broker.newest[M15.series] = START + 900 * number
        self.broker.forming[M15.series] = START + 900 * (number + 1)
        self.clock.time = max(self.clock.time, START + 900.0 * (number + 1) + 1)
        if self.daemon is not None:
            self.daemon.renew_lease()
            self.daemon.retry()
            self.daemon.on_close(M15.granularity, M15.market_hours)


@pytest.fixture
def history(redis_url: str, tmp_path: Path) -> Iterator[History]:
    client = connect(redis_url, name="test")
    made = History(client, tmp_path)
    yield made
    if made.daemon is not None:
        made.end()
    made.journal.close()
    client.close()


def test_each_close_has_the_one_verdict_of_what_was_done(history: History) -> None:
    expected: dict[int, tuple[Became, str]] = {}
    off = replace(M15, enabled=False)
    changes: dict[int, list[Callable[[], None]]] = {
        60: [history.fail],
        70: [history.answer],
        100: [history.end],
        120: [history.begin],
        160: [lambda: history.take_over(off)],
        180: [lambda: history.take_over(M15)],
        205: [history.end],
        230: [lambda: history.begin(off)],
        235: [history.end, history.begin],
        250: [history.fail],
    }
    history.begin()
    for number in range(40, COUNT):
        for change in changes.get(number, ()):
            change()
        history.close_of(number)
        expected[number] = (Became.NO_CANDLE, NO_PRICES) if number in QUIET else (Became.EVALUATED, "")
        if number >= 250:
            expected[number] = (Became.NOT_EVALUATED, "it answers 503")
    history.end()

    cursor = START + 900 * 249
    file = SqliteEvaluations(history.folder / "evaluations.sqlite3")
    notes = file.notes(M15.name, START, START + 900 * COUNT)
    made = CloseJudge(M15, notes, cursor).each(START + 900 * 40, START + 900 * COUNT)
    assert {(each.time - START) // 900: (each.became, each.why) for each in made} == expected

    # A candle of an outage was taken in when that was over, not at its close.
    late = {(time - START) // 900: note.at - time - 900 for time, note in notes.evaluations.items()}
    on_time = {number for number, seconds in late.items() if seconds < 60}
    assert set(range(41, COUNT)) - on_time - QUIET == {
        *range(60, 70), *range(100, 119), *range(160, 180), *range(205, 234), *range(250, COUNT),
    }  # fmt: skip
    # While they last, these are the reasons.
    whole = file.notes(M15.name, START, START)
    for number, why in (
        (65, "it answers 503"),
        (170, NOT_ENABLED),
        (232, NOT_ENABLED),
        (110, NO_DAEMON),
        (220, NO_DAEMON),
    ):
        close = START + 900 * (number + 1)
        (then,) = CloseJudge(M15, whole, START + 900 * 59).each(close - 900, close)
        assert (number, then.why) == (number, why)
    file.close()

    listed = Counter(note.signal_id for note in notes.evaluations.values() if note.signal_id is not None)
    crosses = [note for note in notes.evaluations.values() if note.cross is not None]
    assert len(listed) == history.client.llen("{t}:history") == len(crosses) > 20
    assert set(listed.values()) == {1}


def test_the_side_is_followed_from_cross_to_cross(redis_url: str, tmp_path: Path) -> None:
    (result,) = work(redis_url, tmp_path, closes_with_crosses(60)).results
    found = evaluations_of(result, 1.0, "one:1")
    assert [note.time for note in found] == [START + 900 * number for number in range(20, 60)]
    side = result.sides[0]
    for note in found:
        side = note.cross or side
        assert note.side == side
    assert {note.side for note in found} == {Side.BUY, Side.SELL}


def test_a_usual_look_is_noted_when_its_call_returns(redis_url: str, tmp_path: Path) -> None:
    closes = closes_with_crosses(60)
    (result,) = work(redis_url, tmp_path, closes).results
    assert result.judged is not None
    last = result.judged._replace(candles=result.judged.candles[-1:])
    quiet = result._replace(start=Start.STORED, judged=last, crosses=(), signals=())
    clock, path = FakeClock(START + 60_000.0), tmp_path / "evaluations.sqlite3"
    notes = EvaluationNotes(SqliteEvaluations(path), clock)
    notes.present(is_idle=True)
    while notes.waiting:
        time.sleep(0.001)  # the file is opened by the thread, and only then written at once
    notes.after(WakeResult([quiet]))
    with closing(SqliteEvaluations(path)) as other:
        (found,) = other.notes(M15.name, START, START + 60_000).evaluations.values()
        (expected,) = evaluations_of(quiet, clock.now(), found.by)
        assert isinstance(expected.gap, Apart)
        assert found == expected._replace(gap=expected.gap.gap)
        # History, and what turned the side, is told in full.
        notes.after(WakeResult([result]))
        notes.close()
        assert len(other.notes(M15.name, START, START + 60_000).evaluations) == 40


def test_notes_are_put_in_order_once_a_day_and_never_near_a_close(history: History) -> None:
    def waiting() -> int:
        while history.notes.waiting:
            time.sleep(0.001)
        with closing(sqlite3.connect(history.folder / "evaluations.sqlite3")) as file:
            return int(file.execute("SELECT count(*) FROM look").fetchone()[0])

    history.begin()
    for number in range(40, 60):
        history.close_of(number)
    assert waiting() == 21  # the first start, and each close
    history.clock.time += 60
    assert history.daemon is not None
    history.daemon.renew_lease()
    assert waiting() == 0
    history.close_of(60)
    history.clock.time += 60
    history.daemon.renew_lease()
    assert waiting() == 1
    history.end()  # of a process that has done it today


def test_a_single_pass_puts_older_notes_in_order_at_its_end(redis_url: str, tmp_path: Path) -> None:
    path = tmp_path / "evaluations.sqlite3"
    for _ in range(2):
        notes = EvaluationNotes(SqliteEvaluations(path), FakeClock(START + 60_000.0))
        notes.after(work(redis_url, tmp_path, closes_with_crosses(60)))
        notes.close()
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT count(*), (SELECT count(*) FROM look) FROM evaluation").fetchone() == (40, 0)


def test_notes_that_nobody_can_write_down_stop_no_wake(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OverflowError

    with capture_logs() as logs:
        history.begin()
        history.close_of(40)
        while history.notes.waiting:
            time.sleep(0.001)
        monkeypatch.setattr(SqliteEvaluations, "_evaluated", fail)
        for number in range(41, 45):
            history.close_of(number)
        monkeypatch.undo()
        history.end()
    said = [entry for entry in logs if "not noted: an error that nobody expected" in entry["event"]]
    assert len(said) == 1
    assert isinstance(said[0]["exc_info"], OverflowError)
    assert RedisStateStore(history.client, Keys("t")).load([M15])[M15.name].cursor == START + 900 * 44


def test_a_file_that_cannot_be_written_is_said_once_and_holds_nothing_up(history: History) -> None:
    (history.folder / "evaluations.sqlite3").mkdir()
    with capture_logs() as logs:
        history.begin()
        for number in range(40, 50):
            history.close_of(number)
        history.end()
    said = [entry for entry in logs if "not noted" in entry["event"]]
    assert len(said) == 1
    assert RedisStateStore(history.client, Keys("t")).load([M15])[M15.name].cursor == START + 900 * 49

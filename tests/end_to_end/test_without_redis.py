"""``CACHE_ENABLED=false``: daemon, notifier and every reading command, on a machine where there is no Redis at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.stored.open_signals import is_outcome
from ninja_daemon.simulator.clock import SimulatedClock
from ninja_daemon.simulator.server import SimulatorServer
from tests.end_to_end.settings import nasty, oracle, toml
from tests.end_to_end.stage import ACCOUNT, SOON_AFTER_CLOSE, TOKEN, epoch, market_of
from tests.fakes.receiver import OK, Answer, Receiver, receiver
from tests.oracle import (
    Signal,
    assert_same_signals,
    close_time,
    parsed_signal,
    read_candles,
    signals_after,
    signals_until,
)
from tests.outcome_oracle import assert_same_outcomes, expected_outcomes
from tests.processes import Finished, Workplace

SERIES = "EUR_USD_D"
RULES = nasty(SERIES)[:2]


class Alone:
    """A workplace without Redis, a broker whose time a test sets, and somebody who receives."""

    def __init__(self, place: Workplace, clock: SimulatedClock, desk: Receiver, candles_dir: Path) -> None:
        self.place, self.clock, self.desk = place, clock, desk
        self.file = candles_dir / f"{SERIES}.csv"
        self.candles = read_candles(self.file)

    def finds(self, newest: int) -> None:
        """``run --once`` with that many candles there."""
        self.clock.set(epoch(close_time(self.candles[newest]["time"], "D")) + SOON_AFTER_CLOSE)
        self.place.run("run", "--once").exited(0)

    def drains(self, code: int = 0) -> Finished:
        return self.place.run("notify", "--drain").exited(code)

    def shows(self, *command: str) -> Any:
        return json.loads(self.place.run(*command, "--json").exited(0).out)

    def due(self, first: int, last: int) -> dict[str, list[Signal]]:
        """What each strategy must have said between two candles."""
        after, until = self.candles[first]["time"], self.candles[last]["time"]
        return {
            rules.name: signals_until(signals_after(oracle(self.file, rules).signals, after), until) for rules in RULES
        }

    def waiting(self) -> int:
        """Messages that are not noted as delivered yet."""
        return sum(lane["waiting"] for lane in self.shows("queue")["destinations"])

    def got(self) -> list[str]:
        return [post.body.decode() for post in self.desk.posts]

    def assert_delivered(self, first: int, last: int) -> None:
        """Each signal once, in order."""
        due = self.due(first, last)
        for name, signals in due.items():
            assert_same_signals([text for text in self.got() if f'"strategy":"{name}"' in text], signals)
        assert len(self.got()) == sum(map(len, due.values()))


@pytest.fixture
def alone(workplace: Workplace, candles_dir: Path) -> Iterator[Alone]:
    clock = SimulatedClock.fixed(0.0)
    market = market_of(candles_dir)
    with SimulatorServer(market, clock=clock, token=TOKEN, account=ACCOUNT) as server, receiver() as desk:
        workplace.uses(broker=server.url, redis="unix:///nowhere/at-all.sock", token=TOKEN)
        workplace.environment["CACHE_ENABLED"] = "false"
        table = f'[destinations.desk]\nchannel = "webhook"\nurl = "{desk.url}"\ninsecure = true\n'
        workplace.configure(toml(RULES) + "\n" + table)
        yield Alone(workplace, clock, desk, candles_dir)
        workplace.end_all()


def test_every_signal_arrives_once_and_in_order_and_a_second_drain_sends_nothing(alone: Alone) -> None:
    alone.finds(300)
    alone.drains()
    assert not alone.got()
    alone.finds(330)
    alone.finds(360)
    alone.drains()
    alone.assert_delivered(300, 360)
    before = len(alone.got())
    assert before > 20
    alone.drains()
    assert len(alone.got()) == before
    alone.finds(370)
    alone.drains()
    alone.assert_delivered(300, 370)
    listed = alone.shows("signals", "--limit", "0")
    assert sorted(signal["id"] for signal in listed) == sorted(json.loads(text)["id"] for text in alone.got())


def test_what_became_of_every_signal_is_in_the_journal_once_and_in_order(alone: Alone) -> None:
    for newest in (300, 330, 420, 421):
        alone.finds(newest)
    (file,) = Path(alone.place.environment["NINJA_STATE_DIR"]).glob("journal*.sqlite3")
    journal = SqliteJournal(file)
    found = [text for text in journal.outcomes(10_000) if is_outcome(text)]
    signals = [parsed_signal(text) for text in journal.history(10_000)]
    journal.close()
    assert len(found) > 20
    for rules in RULES:
        mine = [text for text in found if f'"strategy":"{rules.name}"' in text]
        ours = [signal for signal in signals if signal["strategy"] == rules.name]
        assert_same_outcomes(mine, expected_outcomes(alone.candles[:422], ours))


def test_two_notifiers_deliver_what_comes_and_end_within_their_time(alone: Alone) -> None:
    alone.finds(300)
    notifiers = [alone.place.start("notify") for _ in range(2)]
    for running in notifiers:
        running.says("serves desk")
    alone.finds(320)
    count = sum(map(len, alone.due(300, 320).values()))
    alone.desk.wait_for_posts(count)
    # Killed between a post and its note it would leave a repeat, rightly; that window has tests of its own.
    notifiers[0].until(lambda: not alone.waiting(), "every delivery is noted")
    notifiers[0].kill()
    alone.finds(340)
    alone.desk.wait_for_posts(sum(map(len, alone.due(300, 340).values())), limit=40)
    done = notifiers[1].terminate(limit=6).exited(0)
    assert "Traceback" not in done.err
    assert "Redis" not in done.err.replace("no Redis", "")
    alone.drains()
    alone.assert_delivered(300, 340)


def test_what_fails_is_kept_shown_and_sent_again(alone: Alone) -> None:
    alone.finds(300)
    alone.finds(310)
    count = sum(map(len, alone.due(300, 310).values()))
    assert count > 3
    # Accepted before and after the one that it refuses: the fault is the message's.
    alone.desk.answers(OK, Answer(400), OK, Answer(500))
    alone.drains(code=1)
    shown = alone.shows("queue")
    desk = next(lane for lane in shown["destinations"] if lane["destination"] == "desk")
    assert (desk["waiting"], desk["dead"], desk["attempts"]) == (count - 3, 1, 1)
    assert "HTTP 500" in alone.place.run("queue").exited(0).out
    assert [letter["cause"] for letter in alone.shows("queue", "dead")] == ["refused"]
    alone.place.run("queue", "pause", "desk").exited(0)
    alone.drains(code=1)
    alone.place.run("queue", "resume", "desk").exited(0)
    alone.place.run("queue", "retry").exited(0)
    alone.desk.posts.clear()
    alone.desk.answers(OK)
    alone.drains()
    assert len({post.headers["webhook-id"] for post in alone.desk.posts}) == len(alone.desk.posts) == count - 2
    alone.place.run("queue", "purge", "--yes").exited(1)


def test_status_shows_cursors_queue_and_processes_and_says_what_it_cannot_know(alone: Alone) -> None:
    alone.finds(300)
    alone.finds(310)
    status = alone.shows("status")
    first = status["strategies"][0]
    assert status["redis"] is None
    assert (status["daemon"], status["notifier"]) == (None, None)
    assert status["queued"] == sum(map(len, alone.due(300, 310).values()))
    assert first["last_candle"] == alone.candles[310]["time"]
    assert first["last_signal_time"] == alone.due(300, 310)[first["strategy"]][-1]["time"]
    assert [first[name] for name in ("side", "close", "fast_ma", "evaluated", "crosses", "rejected")] == [None] * 6
    assert "CACHE_ENABLED=false" in " ".join(status["notes"])
    running = [alone.place.start("run"), alone.place.start("notify")]
    running[1].says("serves desk")

    def both_are_at_work() -> bool:
        look = alone.shows("status")
        return bool(look["notifier"] and look["daemon"] and look["daemon"]["state"] == "active")

    running[0].until(both_are_at_work, "both heartbeats")
    status = alone.shows("status")
    assert status["daemon"]["pid"] == running[0].process.pid
    assert status["notifier"]["pid"] == running[1].process.pid
    picture = alone.place.run("status", environment={"COLUMNS": "160"}).exited(0).out
    assert "without Redis" in picture
    assert "active" in picture
    for process in running:
        process.terminate().exited(0)


def test_a_state_directory_that_cannot_be_used_is_one_sentence(alone: Alone) -> None:
    alone.place.environment["NINJA_STATE_DIR"] = str(alone.file / "state")
    for command in (["status"], ["signals"], ["queue"], ["notify", "--drain"]):
        done = alone.place.run(*command).exited(1)
        assert "NINJA_STATE_DIR" in done.err
        assert "Traceback" not in done.err

"""News keep signals back by what the calendar said at the close, also after a rebuild; an old calendar marks them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.state_store import LocalStateStore
from ninja_daemon.adapters.stored.signal import decode_signal, encode_signal
from ninja_daemon.core.filters.quiet_around import Quiet
from ninja_daemon.core.market.news import NO_CALENDAR, Calendar, Known, NewsEvent, Reading
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.proof.derivation import derive
from ninja_daemon.usecases.replay import Span
from tests.fakes.broker import FakeBroker
from tests.fakes.clock import FakeClock
from tests.usecases.test_spread import EUR_USD, PLAIN, START, candles, crosses_after

QUIET = replace(PLAIN, name="QUIET", filters=(("min_candles_between", 3), ("quiet_around", Quiet(("high",), 0, 900))))


class World:
    def __init__(self, directory: Path) -> None:
        self.journal = SqliteJournal(directory / "journal.sqlite3")
        self.store = LocalStateStore(self.journal)
        self.broker = FakeBroker({"EUR_USD": EUR_USD}, {PLAIN.series: candles(300)})
        self.clock = FakeClock()

    def wake(self, newest: int, calendar: Calendar = NO_CALENDAR) -> None:
        self.broker.newest[PLAIN.series] = START + 900 * newest
        self.clock.time = START + 900 * (newest + 1) + 1.0
        store, journal, clock = self.store, self.journal, self.clock
        done = catch_up([QUIET], source=self.broker, store=store, journal=journal, clock=clock, calendar=calendar)
        assert [one.error for one in done.results] == [None]

    def forget(self) -> None:
        """Lose the averages, not the cursor: they are in memory only."""
        self.store = LocalStateStore(self.journal)

    def listed(self) -> list[Signal]:
        return [decode_signal(text) for _, text in self.journal.waiting(10_000)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()
    made.journal.close()


def crossing(count: int) -> list[int]:
    """Closes of the crosses after the twentieth candle that keep their distance."""
    found: list[int] = []
    for opened, _ in crosses_after(PLAIN, 21):
        if not found or opened + 900 - found[-1] >= 3 * 900:
            found.append(opened + 900)
    return found[:count]


def around(*times: int, begun: int = START) -> Calendar:
    events = [Known(NewsEvent(time, "USD", "high", "Rate"), START) for time in times]
    return Calendar(begun, events, [Reading(START, START)], max_age=900 * 60)


def test_a_cross_near_news_is_no_signal_and_keeps_no_distance(world: World) -> None:
    first, *_ = crossing(1)
    world.wake(20)
    world.wake(299, around(first))
    held = [one.close_time for one in world.listed()]
    assert first not in held
    world.journal.close()
    derived = derive(world.broker, QUIET, Span(START + 900 * 21), calendar=around(first))
    assert [one.close_time for one in derived.signals().values()] == held
    assert derived.rules.judges[-1][0].name == "quiet_around"


def test_cuts_and_rebuilds_list_the_same_whatever_is_read_later(world: World, tmp_path: Path) -> None:
    times = crossing(9)
    calendar, other = around(*times[::3]), World(tmp_path / "other")
    other.wake(20)
    other.wake(299, calendar)
    later = replace(
        calendar, events=[*calendar.events, Known(NewsEvent(START + 900 * 290, "USD", "high", "x"), START + 10**6)]
    )
    world.wake(20)
    for newest in range(24, 300, 25):
        world.wake(newest, calendar if newest < 150 else later)
        world.forget()
    world.wake(299, later)
    assert [one.id for one in world.listed()] == [one.id for one in other.listed()]
    assert not {one.close_time for one in world.listed()} & set(times[::3])
    other.store.close()
    other.journal.close()


def test_signals_of_an_old_calendar_go_out_with_a_mark(world: World) -> None:
    world.wake(20)
    world.wake(299, around())
    marked = {one.calendar_old for one in world.listed() if one.close_time > START + 900 * 60}
    fresh = {one.calendar_old for one in world.listed() if one.close_time <= START + 900 * 60}
    assert (marked, fresh) == ({True}, {False})
    text = encode_signal(world.listed()[-1])
    assert text.endswith(',"calendar_old":true}')
    assert decode_signal(text) == world.listed()[-1]

"""When pictures may be drawn: their lane rests, and no signal is on its way to any other."""

from __future__ import annotations

import pytest

from ninja_daemon.app.notifier.lane_rests import REST, LaneRests
from tests.fakes.clock import FakeClock

A_WHILE = 1.1 * REST


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def rests(clock: FakeClock) -> LaneRests:
    """Of a notifier whose lane ``club`` has rested long enough."""
    made = LaneRests(clock)
    made.has_looked("club", "empty", made.looks("club"), worked=False)
    clock.time += A_WHILE
    assert not made.is_busy("club")
    return made


def test_a_lane_is_busy_until_it_has_rested_a_while(rests: LaneRests, clock: FakeClock) -> None:
    rests.has_looked("club", "", rests.looks("club"), worked=True)
    clock.time += 10 * A_WHILE
    assert rests.is_busy("club")
    rests.has_looked("club", "empty", rests.looks("club"), worked=False)
    assert rests.is_busy("club")
    clock.time += A_WHILE
    assert not rests.is_busy("club")


@pytest.mark.parametrize(
    ("why", "is_busy"), [("empty", False), ("paused", False), ("delay", False), ("quiet", False), ("retry", True)]
)
def test_a_look_that_finds_nothing_to_do_does_not_end_a_rest(rests: LaneRests, why: str, is_busy: bool) -> None:
    since = rests.looks("club")
    assert rests.is_busy("club")
    rests.has_looked("club", why, since, worked=False)
    assert rests.is_busy("club") is is_busy


def test_signals_on_their_way_to_any_lane_keep_all_busy_for_a_while(rests: LaneRests, clock: FakeClock) -> None:
    rests.messages_came()
    assert rests.is_busy("club")
    clock.time += A_WHILE
    assert not rests.is_busy("club")

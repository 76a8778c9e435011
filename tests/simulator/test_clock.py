from __future__ import annotations

import time

import pytest

from ninja_daemon.simulator.clock import SimulatedClock


@pytest.fixture
def monotonic(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock of the machine that a test moves: the first element."""
    reading = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: reading[0])
    return reading


def test_the_real_clock_is_the_machines() -> None:
    before = time.time()
    shown = SimulatedClock.real().now()
    assert before <= shown <= time.time()


def test_a_fixed_clock_moves_only_when_it_is_told(monotonic: list[float]) -> None:
    clock = SimulatedClock.fixed(50.0)
    monotonic[0] += 3_600
    assert clock.now() == 50.0
    clock.advance(2.5)
    assert clock.now() == 52.5
    clock.set(10.0)
    assert clock.now() == 10.0


def test_a_fast_clock_runs_so_many_times_as_fast_also_after_it_was_set(monotonic: list[float]) -> None:
    clock = SimulatedClock.accelerated(100.0, 60.0)
    assert clock.now() == 100.0
    monotonic[0] += 2
    assert clock.now() == 220.0
    clock.set(5.0)
    monotonic[0] += 1
    assert clock.now() == 65.0

"""When to try again."""

from __future__ import annotations

from hypothesis import given, strategies as st

from ninja_daemon.core.messages.retry import RetryPolicy


def test_the_bound_doubles_from_one_second_to_five_minutes() -> None:
    bounds = [RetryPolicy().bound_after(attempt) for attempt in range(1, 12)]
    assert bounds == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


@given(st.integers(1, 10**6), st.floats(0, 1, exclude_max=True))
def test_a_delay_lies_anywhere_below_the_bound(attempt: int, draw: float) -> None:
    policy = RetryPolicy()
    assert 0 <= policy.delay_after(attempt, draw) <= policy.bound_after(attempt) <= policy.cap

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.core.averages.window import Window

values = st.lists(st.integers(), max_size=300)


@given(st.integers(1, 20), values, values)
def test_a_window_holds_what_the_end_of_a_list_holds(size: int, begun_with: list[int], pushed: list[int]) -> None:
    window, plain = Window(size, begun_with), begun_with[-size:]
    for value in pushed:
        window, plain = window.pushed(value), [*plain, value][-size:]
        assert list(window) == plain
        assert len(window) == len(plain)
        assert [window.back(steps) for steps in range(len(plain))] == plain[::-1]
    assert window == Window(size, plain)


@given(st.integers(1, 6), st.lists(st.tuples(st.integers(0, 1_000), st.integers()), max_size=200))
def test_pushing_onto_any_older_window_leaves_every_other_one_as_it_was(
    size: int, pushes: list[tuple[int, int]]
) -> None:
    windows, plains = [Window(size)], [list[int]()]
    for onto, value in pushes:
        index = onto % len(windows)
        windows.append(windows[index].pushed(value))
        plains.append([*plains[index], value][-size:])
    assert [list(window) for window in windows] == plains


def test_windows_differ_by_size_and_by_entries() -> None:
    assert Window(3, [1, 2]) == Window(3, [1, 2])
    assert Window(3, [1, 2]) != Window(4, [1, 2])
    assert Window(3, [1, 2]) != Window(3, [2, 1])
    assert Window(3, [1, 2]) != [1, 2]


def test_a_window_shows_its_size_its_fill_and_its_newest_entry() -> None:
    assert repr(Window(3)) == "Window(size=3, 0 held)"
    assert repr(Window(3, [1, 2])) == "Window(size=3, 2 held, newest 2)"


def test_a_window_is_no_key() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Window(3))


def test_a_long_series_does_not_pile_up_behind_a_window() -> None:
    window = Window(5)
    for value in range(10_000):
        window = window.pushed(value)
    assert len(window.buffer) < 100

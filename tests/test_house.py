from __future__ import annotations

from pathlib import Path

import pytest

from tests import house

LONG = "def long():\n" + "    x = 1\n" * 30
SHORT = "def short():\n" + "    x = 1\n" * 29


def built(root: Path, **modules: str) -> Path:
    (root / "tests").mkdir()
    (root / "tests" / "test_one.py").write_text("def test_a_short_name():\n    pass\n", encoding="ascii")
    (root / "ninja_daemon" / "core").mkdir(parents=True)
    for name, text in {"plain": SHORT, **modules}.items():
        (root / "ninja_daemon" / "core" / f"{name}.py").write_text(text, encoding="ascii")
    return root


def test_a_small_house_is_within_all_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert house.main(built(tmp_path)) == 0
    assert "too many" not in capsys.readouterr().out


def test_a_function_is_long_from_its_31st_line_on(tmp_path: Path) -> None:
    figure = house.measured(built(tmp_path, long=f'"""A module."""\n\n{LONG}'))[
        f"functions over {house.LONG_FUNCTION} lines"
    ]
    assert figure == (1, ["31 ninja_daemon/core/long.py:3 long"])


def test_every_limit_that_is_broken_is_said_with_its_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = built(tmp_path, **{f"part_{number}": LONG * 13 for number in range(67)})
    (root / "tests" / "test_two.py").write_text(f"def test_{'n' * 74}(): ...\n", encoding="ascii")
    assert house.main(root) == 1
    printed = capsys.readouterr().out
    assert printed.count("too many") == len([limit for limit in house.LIMITS.values() if limit is not None])
    for place in ("68 ninja_daemon/core", "403 ninja_daemon/core/part_0.py", "79 tests/test_two.py:1"):
        assert f"\n  {place}\n" in printed


def test_the_house_is_measured_as_it_stands() -> None:
    figures = house.measured(house.ROOT)
    assert list(figures) == list(house.LIMITS)
    assert figures["lines of the package"].value > 10_000

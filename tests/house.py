"""How the house stands: sizes of folders, modules and functions, held to limits (`make house`).

A function is counted from its ``def`` to its last line, docstring included; a module with every line.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LONG_FUNCTION = 30
LONG_MODULE = 200

LIMITS: dict[str, int | None] = {
    "files in the fullest folder": 14,
    "lines of the median module": 100,
    "lines of the longest module": 400,
    f"modules over {LONG_MODULE} lines": 35,
    f"functions over {LONG_FUNCTION} lines": 15,
    "characters of the longest test name": 78,
    "lines of the package": None,  # shown only: features may come
}
"""The most that each figure may be; None for no limit. Lower a limit with each cut, and never raise it."""


class Figure(NamedTuple):
    """A figure and where it comes from: the largest ones first."""

    value: float
    where: list[str]


def measured(root: Path) -> dict[str, Figure]:
    """Measure the package and the tests below a folder; the keys are those of ``LIMITS``."""
    package = root / "ninja_daemon"
    modules = {path: path.read_text(encoding="utf-8") for path in sorted(package.rglob("*.py"))}
    lengths = {path.relative_to(root).as_posix(): len(text.splitlines()) for path, text in modules.items()}
    folders = Counter(path.parent.relative_to(root).as_posix() for path in modules)
    functions = {
        f"{path.relative_to(root).as_posix()}:{one.lineno} {one.name}": (one.end_lineno or 0) - one.lineno + 1
        for path, text in modules.items()
        for one in functions_of(text)
    }
    names = {
        f"{path.relative_to(root).as_posix()}:{one.lineno}": len(one.name)
        for path in sorted((root / "tests").rglob("test_*.py"))
        for one in functions_of(path.read_text(encoding="utf-8"))
        if one.name.startswith("test_")
    }
    figures = (
        largest(folders, LIMITS["files in the fullest folder"]),
        Figure(median(lengths.values()), []),
        largest(lengths, LIMITS["lines of the longest module"]),
        over(lengths, LONG_MODULE),
        over(functions, LONG_FUNCTION),
        largest(names, LIMITS["characters of the longest test name"]),
        Figure(sum(lengths.values()), []),
    )
    return dict(zip(LIMITS, figures, strict=True))


def functions_of(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Go through all functions of a module, nested ones and methods included."""
    return (one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


def largest(sizes: dict[str, int], limit: int | None) -> Figure:
    """Return the largest size, and everything over the limit."""
    return Figure(max(sizes.values()), over(sizes, limit or 0).where)


def over(sizes: dict[str, int], limit: int) -> Figure:
    """Return how many are over the limit, and which."""
    found = sorted(((size, name) for name, size in sizes.items() if size > limit), reverse=True)
    return Figure(len(found), [f"{size} {name}" for size, name in found])


def main(root: Path = ROOT) -> int:
    """Print the table, and below it what is to be cut; return 1 when a figure is over its limit."""
    figures = measured(root)
    broken = [name for name, limit in LIMITS.items() if limit is not None and figures[name].value > limit]
    for name, limit in LIMITS.items():
        most = "" if limit is None else f"at most {limit}"
        print(f"{name:36} {figures[name].value:>9,g}  {most:12}{'  too many' if name in broken else ''}".rstrip())
    for name in broken:
        print(f"\n{name}:", *figures[name].where, sep="\n  ")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

"""BENCHMARKS.md and what README quotes of it, both written by the run that measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.children import ROOT
from benchmarks.results import Chapter, Figure, Table

REPORT: Final = ROOT / "BENCHMARKS.md"
README: Final = ROOT / "README.md"
BEGIN: Final = "<!-- figures: written by `make bench`, each is a line of BENCHMARKS.md -->"
END: Final = "<!-- end of figures -->"
QUOTED: Final = (
    "wake-cpu",
    "wake-wall",
    "day-bytes",
    "latency-listed",
    "delivery",
    "replay",
    "start",
    "memory",
    "redis-memory",
)
"""Names of the figures that README shows."""
_HEAD: Final = """\
# Benchmarks

Written by `make bench`, which anybody can run: it installs the peers into an environment of their own, measures for
about ten minutes and writes this page, its pictures and the figures in README. What counts is how two figures of one
run compare; seconds are those of the machine below. `make bench ARGS="--only wake"` prints one chapter and writes
nothing.
"""
_COUNTED: Final = """\
## Counted, not timed

Requests, round trips, bytes and candles of a wake are also counted by tests, which fail when they grow:
`tests/end_to_end/test_counted.py` and `tests/adapters/redis/test_state_store.py`.
"""
_MISSED: Final = "**missed**"


def figure_row(figure: Figure) -> list[str]:
    """Return a figure's line, the same wherever it is shown."""
    verdict = {None: "–", True: "reached", False: _MISSED}[figure.met]
    return [f"`{figure.name}`", figure.claim, figure.shown, figure.aim or "–", verdict]


def summary(figures: Sequence[Figure]) -> Table:
    """Return the lines of some figures."""
    return Table(["name", "what", "measured", "asked for", ""], [figure_row(figure) for figure in figures], words=2)


def markdown(chapters: Sequence[Chapter], machine: Table, minutes: float) -> str:
    """Write the whole page."""
    figures = [figure for chapter in chapters for figure in chapter.figures]
    parts = [
        _HEAD,
        "## Figures with a name\n",
        summary(figures).markdown() + "\n",
        "## The machine\n",
        machine.markdown() + "\n",
        f"The run took {minutes:.0f} minutes.\n",
        *(_chapter(chapter) for chapter in chapters),
        _COUNTED,
    ]
    return "\n".join(parts)


def _chapter(chapter: Chapter) -> str:
    pictures = [f"![{picture.title}](docs/pictures/{picture.name}.svg)\n" for picture in chapter.pictures]
    tables = [table.markdown() + "\n" for table in chapter.tables]
    return "\n".join([f"## {chapter.title}\n", chapter.text, *tables, *pictures])


def quoted(figures: Sequence[Figure]) -> str:
    """Return README's part, marks included."""
    by_name = {figure.name: figure for figure in figures}
    chosen = [by_name[name] for name in QUOTED if name in by_name]
    return f"{BEGIN}\n\n{summary(chosen).markdown()}\n\n{END}"


def write(chapters: Sequence[Chapter], machine: Table, minutes: float) -> list[Path]:
    """Write both files; README only where it has the marks."""
    REPORT.write_text(markdown(chapters, machine, minutes), encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        return [REPORT]
    figures = [figure for chapter in chapters for figure in chapter.figures]
    README.write_text(before + quoted(figures) + after, encoding="utf-8")
    return [REPORT, README]

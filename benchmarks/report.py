"""BENCHMARKS.md and what README quotes of it, both written by the run that measured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import fill
from typing import Final

from benchmarks.against import TITLE as AGAINST
from benchmarks.children import ROOT
from benchmarks.results import MISSED, Chapter, Figure, Table

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
nothing; with `--write` it takes the old one's place here, with a line that says when it was measured.
"""
_WHY: Final = {
    "wake-floor-wall": "it stores, checks and answers for more than kept bytes: read the next row",
    "wake-fields-wall": "1.69 to 1.87: each strategy has proof, fence, history and answer (decision 56)",
    "redis-memory": "half of it is signals and outcomes that nobody takes away here, and their histories",
    "redis-growth": "open signals stand in the state until they end, and at the start none is open (decision 65)",
    "members": "four and their Redis fill two cores; one alone and its Redis already use one and a half",
    "wake-notes-wall": "it scatters around 1.05 from run to run",
    "wake-notes-cpu": "it scatters around 1.05 from run to run",
    "replay-ahead": "three quarters of it make 13,936 exact records with their ids, one by one (decision 55)",
}
"""Why a figure is missed, for those that may be."""
_COUNTED: Final = """\
## Counted, not timed

Requests, round trips, bytes and candles of a wake are also counted by tests, which fail when they grow:
`tests/end_to_end/test_counted.py` and `tests/adapters/redis/test_state_store.py`.
"""
_WIDTH: Final = 120
_NO_ANCHOR: Final = re.compile(r"[^\w -]")


def figure_row(figure: Figure) -> list[str]:
    """Return a figure's line, the same wherever it is shown."""
    verdict = {None: "–", True: "reached", False: MISSED}[figure.met]
    return [f"`{figure.name}`", figure.claim, figure.shown, figure.aim or "–", verdict]


def summary(figures: Sequence[Figure]) -> Table:
    """Return the lines of some figures."""
    return Table(["name", "what", "measured", "asked for", ""], [figure_row(figure) for figure in figures], words=2)


def reasons(figures: Sequence[Figure]) -> str:
    """Return why what was missed was missed, a line each."""
    missed = [figure.name for figure in figures if figure.met is False]
    return "".join(f"* `{name}` is missed: {_WHY.get(name, 'the reason is not known')}.\n" for name in missed)


def markdown(chapters: Sequence[Chapter], machine: Table, minutes: float, against: str = "") -> str:
    """Write the whole page.

    Args:
        chapters: in order.
        machine: what it ran on.
        minutes: how long it took.
        against: the section of a run of two trees, which is kept.
    """
    figures = [figure for chapter in chapters for figure in chapter.figures]
    parts = [
        _HEAD,
        "## Figures with a name\n",
        summary(figures).markdown() + "\n",
        *filter(None, [reasons(figures)]),
        "## The machine\n",
        machine.markdown() + "\n",
        f"The run took {minutes:.0f} minutes.\n",
        *(_chapter(chapter) for chapter in chapters),
        *filter(None, [against]),
        _COUNTED,
    ]
    return _with_contents("\n".join(parts))


def _with_contents(page: str) -> str:
    """Return the page with a list of its sections before the first one, in the place of an older list."""
    head, mark, rest = page.partition("\n## ")
    titles = re.findall(r"^## (.+)$", page, re.MULTILINE)
    links = [f"[{title}](#{_NO_ANCHOR.sub('', title.lower()).replace(' ', '-')})" for title in titles]
    before, _, _ = head.partition("\nContents: ")
    return f"{before}\nContents: {' · '.join(links)}\n{mark}{rest}"


def _chapter(chapter: Chapter) -> str:
    pictures = [f"![{picture.title}](docs/pictures/{picture.name}.svg)\n" for picture in chapter.pictures]
    tables = [table.markdown() + "\n" for table in chapter.tables]
    return "\n".join([f"## {chapter.title}\n", chapter.text, *tables, *pictures])


def quoted(figures: Sequence[Figure]) -> str:
    """Return README's part, marks included."""
    by_name = {figure.name: figure for figure in figures}
    chosen = [by_name[name] for name in QUOTED if name in by_name]
    return f"{BEGIN}\n\n{summary(chosen).markdown()}\n\n{END}"


def put(chapters: Sequence[Chapter], machine: Table) -> list[Path]:
    """Put single chapters into the page in the place of the old ones, each with what was true of its own run."""
    known = {row[0]: row[1] for row in machine.rows}
    said = f"Measured by itself on {known['date']}, on {known['processor']}, load before the start "
    said += f"{known['load before the start']}; versions: {known['its libraries']}, {known['peers']}."
    page, figures = REPORT.read_text(encoding="utf-8"), [each for chapter in chapters for each in chapter.figures]
    for chapter in chapters:
        made = _chapter(replace(chapter, text=f"{chapter.text}\n{fill(said, _WIDTH)}\n"))
        before, found, rest = page.partition(f"## {chapter.title}\n")
        following = rest[rest.find("\n## ") + 1 :] if found else _COUNTED
        page = f"{before if found else page.removesuffix(_COUNTED)}{made}\n{following}"
    REPORT.write_text(_with_contents(_with_rows(page, figures, adds=True)), encoding="utf-8")
    before, begin, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    inside, end, after = rest.partition(END)
    README.write_text(before + begin + _with_rows(inside, figures, adds=False) + end + after, encoding="utf-8")
    return [REPORT, README]


def _section(page: str, title: str) -> str:
    """Return a section of the page with its heading; empty when there is none."""
    _, found, rest = page.partition(f"## {title}\n")
    return f"{found}{rest.partition(chr(10) + '## ')[0]}"


def _with_rows(text: str, figures: Sequence[Figure], *, adds: bool) -> str:
    """Return a text with the lines of figures in the place of the old ones; new ones follow the first table."""
    for figure in figures:
        lines = text.split("\n")
        row = f"| {' | '.join(figure_row(figure))} |"
        places = [at for at, line in enumerate(lines) if line.startswith(f"| `{figure.name}` |")]
        if places:
            lines[places[0]] = row
        elif adds:
            last = next(at for at, line in enumerate(lines) if line.startswith("| `") and not lines[at + 1])
            lines.insert(last + 1, row)
        text = "\n".join(lines)
    return text


def write(chapters: Sequence[Chapter], machine: Table, minutes: float) -> list[Path]:
    """Write both files; README only where it has the marks."""
    kept = _section(REPORT.read_text(encoding="utf-8"), AGAINST) if REPORT.exists() else ""
    REPORT.write_text(markdown(chapters, machine, minutes, kept), encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        return [REPORT]
    figures = [figure for chapter in chapters for figure in chapter.figures]
    README.write_text(before + quoted(figures) + after, encoding="utf-8")
    return [REPORT, README]

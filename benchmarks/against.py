"""Two trees measured in turn on one machine: ``make bench ARGS="--against REV --only delivery"``.

Each round runs the chapters once in the other tree and once in this one, so that what slows the machine slows both.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import crowds, first_starts
from benchmarks.results import Chapter, Table, short, verdict

ROOT: Final = Path(__file__).resolve().parent.parent
ROUNDS: Final = 3
AIMS: Final = {"start": 0.7, "memory": 0.7}
"""What is asked of this tree's figure over another's, by the figure's name; the crowds have their own."""
TITLE: Final = "Against an earlier tree"
_TEXT: Final = """\
`make bench ARGS="--against {revision} --only {chapters} --write"`: both trees in turn on one
machine, {rounds} rounds, medians; the crowds wake in turn within each round, and their best rounds count. A figure that
means something else in the other tree is left out.
`before-the-house` is the tree of 2026-11-28, before outcomes, filters, notes of evaluations, the record, shards and
pictures came in: this tree does all of these besides. Decisions 56 to 59, 72 and 96 tell what is missed, and why.
"""
_ROW: Final = re.compile(r"^\| `(?P<name>[a-z-]+)` \| (?P<claim>[^|]*) \| (?P<value>[\d.,]+)[^|]*\|", re.MULTILINE)


def chapter(revision: str, chapters: Sequence[str], *, quick: bool) -> Chapter:
    """Measure both trees; return the chapter of it."""
    text = _TEXT.format(revision=revision, chapters=" ".join(chapters), rounds=ROUNDS)
    return Chapter(TITLE, text, against(revision, chapters, quick=quick))


def against(revision: str, chapters: Sequence[str], *, quick: bool) -> Sequence[Table]:
    """Return each figure that both trees have, the median of the rounds, new over old; crowds are woken in turn."""
    tables = []
    found: Mapping[tuple[str, str], tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    with tempfile.TemporaryDirectory(prefix="ninja-against-") as folder:
        other = Path(folder) / "tree"
        _git("worktree", "add", "--detach", "--quiet", str(other), revision)
        try:
            if "crowd" in chapters:
                tables.append(crowds.against(revision, other, quick=quick))
            if "many" in chapters:
                tables.append(first_starts.against(revision, other, quick=quick))
            shared = [name for name in chapters if name not in {"crowd", "many"}]
            for _ in range(ROUNDS if shared else 0):
                for place, tree in enumerate((other, ROOT)):
                    for name, (claim, value) in figures_in(_run(tree, shared, quick=quick)).items():
                        found[name, claim][place].append(value)
        finally:
            _git("worktree", "remove", "--force", str(other))
    rows = [
        [
            f"`{name}`",
            claim,
            short(median(old)),
            short(median(new)),
            short(median(new) / median(old)),
            verdict(median(new) / median(old), AIMS.get(name)),
        ]
        for (name, claim), (old, new) in found.items()
        if old and new
    ]
    if rows:
        tables.append(Table(["name", "what", revision, "this tree", "this over that", "asked for"], rows, words=2))
    return tables


def figures_in(printed: str) -> dict[str, tuple[str, float]]:
    """Return claim and value of each figure, as ``report.summary`` printed them."""
    return {row["name"]: (row["claim"], float(row["value"].replace(",", ""))) for row in _ROW.finditer(printed)}


def _run(tree: Path, chapters: Sequence[str], *, quick: bool) -> str:
    command = [sys.executable, "-m", "benchmarks", *(["--quick"] if quick else []), "--only", *chapters]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run(command, cwd=tree, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True)  # noqa: S607 - whichever git the developer has

"""What a benchmark found, in the form in which BENCHMARKS.md shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

MISSED: Final = "**missed**"


@dataclass(frozen=True, slots=True)
class Figure:
    """One result with a name, which README may quote.

    Attributes:
        name: unique.
        claim: what is said of it, in words that stay true whatever the value.
        value: the number.
        shown: the number as it is printed, with its unit.
        aim: what was asked for; empty where nothing was.
        met: whether it was reached; None where nothing was asked for.
    """

    name: str
    claim: str
    value: float
    shown: str
    aim: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head.

    Attributes:
        head: names of the columns.
        rows: their cells.
        words: how many columns from the left hold words; the others are figures.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1

    def markdown(self) -> str:
        """Write it."""
        marks = ["---" if place < self.words else "--:" for place in range(len(self.head))]
        return "\n".join(f"| {' | '.join(row)} |" for row in (self.head, marks, *self.rows))


@dataclass(frozen=True, slots=True)
class Picture:
    """Curves over one axis.

    Attributes:
        name: of its file.
        title: above it.
        x: what the horizontal axis shows.
        y: what the vertical one shows.
        curves: points by label.
        logarithmic: both axes.
    """

    name: str
    title: str
    x: str
    y: str
    curves: Mapping[str, Sequence[tuple[float, float]]]
    logarithmic: bool = True


@dataclass(frozen=True, slots=True)
class Chapter:
    """One benchmark's part of BENCHMARKS.md.

    Attributes:
        title: its heading.
        text: what was done, in Markdown.
        tables: what came out.
        figures: results with a name.
        pictures: curves.
    """

    title: str
    text: str
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    pictures: Sequence[Picture] = field(default_factory=tuple)


def at_least(name: str, claim: str, value: float, aim: float, unit: str = "×") -> Figure:
    """A figure that is good when it is large; a factor unless it has a unit."""
    return Figure(name, claim, value, f"{short(value)}{unit}", f"at least {short(aim)}{unit}", value >= aim)


def at_most(name: str, claim: str, value: float, aim: float, unit: str) -> Figure:
    """A figure that is good when it is small."""
    return Figure(name, claim, value, f"{short(value)}{unit}", f"at most {short(aim)}{unit}", value <= aim)


def verdict(ratio: float, aim: float | None) -> str:
    """Say what was asked of a ratio, and whether it was reached."""
    return "–" if aim is None else f"at most {aim}: {'reached' if ratio <= aim else MISSED}"


def short(value: float) -> str:
    """Write a number with three digits that count, large ones with separators."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

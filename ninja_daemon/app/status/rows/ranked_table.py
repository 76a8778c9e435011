"""Tables that keep every row on one line at any width: whole columns go, the least important first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich.table import Table
from rich.text import Text

_GAP: Final = 2
_LEAST_ELASTIC: Final = 14
"""Columns of the terminal that an elastic column keeps before another column is dropped for it."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column with its cells.

    Attributes:
        title: its heading.
        rank: 0 stays always; of the others the highest goes first.
        cells: one a row.
        justify: where short cells stand.
        is_elastic: whether its cells may be cut instead.
    """

    title: str
    rank: int
    cells: Sequence[Text]
    justify: Literal["left", "right"] = "left"
    is_elastic: bool = False

    def least(self, width: int) -> int:
        """Return the columns that it needs of a terminal so wide; one that always stays keeps three tenths of them."""
        if not self.is_elastic:
            return self.widest
        kept = max(_LEAST_ELASTIC, len(self.title), 0 if self.rank else width * 3 // 10)
        return min(self.widest, kept)

    @property
    def widest(self) -> int:
        """Columns of the terminal that it fills."""
        return max([len(self.title), *(cell.cell_len for cell in self.cells)])


def fitting(columns: Sequence[Column], width: int) -> Sequence[Column]:
    """Return the columns that fit side by side into that many columns of a terminal."""
    kept = [column for column in columns if any(cell.plain for cell in column.cells) or column.rank == 0]
    while sum(column.least(width) + _GAP for column in kept) - _GAP > width:
        worst = max(kept, key=lambda column: column.rank)
        if worst.rank == 0:
            break
        kept.remove(worst)
    return kept


def ranked_table(columns: Sequence[Column], width: int, first: int = 0, rows: int | None = None) -> Table:
    """Return the table, one line a row.

    Args:
        columns: in their order on the screen.
        width: of the terminal.
        first: the first row that is shown.
        rows: how many are shown; None for all.
    """
    kept = fitting(columns, width)
    table = Table(box=None, header_style="bold dim", pad_edge=False, padding=(0, _GAP, 0, 0))
    spare = width - sum(column.least(width) + _GAP for column in kept) + _GAP
    for column in kept:
        limit = column.least(width) + max(0, spare) if column.is_elastic else column.widest
        table.add_column(
            column.title, no_wrap=True, overflow="ellipsis", justify=column.justify, width=min(column.widest, limit)
        )
    last = None if rows is None else first + rows
    for cells in list(zip(*(column.cells for column in kept), strict=True))[first:last]:
        table.add_row(*cells)
    return table

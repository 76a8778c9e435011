"""What a fault run prints at its end: fault, how often, and what became of the signals.

A test records a row with the fixture ``tally`` and need not add up anything: rows of the same fault are added.
``record`` holds every row to the promise, so a test that has recorded its figures has asserted them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from operator import add
from typing import Any, Final

NOTHING: Final = "–"
PROPERTY: Final = "fault"

_HEADINGS: Final = (
    *("fault", "times", "expected", "in the list", "missing", "repeated"),
    *("delivered", "missing", "repeated", "marked", "recovery"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; what a test does not look at is None.

    Attributes:
        fault: what was done to whom, in a few words.
        injected: how often it struck.
        expected: signals that the oracle demands.
        listed: signals that were on the list, each counted once. Likewise ``list_missing`` and ``list_repeated``.
        delivered: messages that arrived, each counted once a destination. Likewise ``delivery_missing``.
        delivery_repeated: messages that arrived once more, and ``marked``: those of them that said so.
        recovery: seconds from the end of the fault until everything was as it should be.
    """

    fault: str
    injected: int
    expected: int | None = None
    listed: int | None = None
    list_missing: int | None = None
    list_repeated: int | None = None
    delivered: int | None = None
    delivery_missing: int | None = None
    delivery_repeated: int | None = None
    marked: int | None = None
    recovery: float | None = None

    @property
    def keeps_the_promise(self) -> bool:
        """Nothing missing, nothing twice on the list, and nothing twice at a destination without saying so."""
        lost = (self.list_missing, self.list_repeated, self.delivery_missing)
        return not any(lost) and (self.delivery_repeated or 0) == (self.marked or 0)

    def plus(self, other: Row) -> Row:
        """Add another row of the same fault; the recovery is the longer one."""
        mine, others = asdict(self), asdict(other)
        return Row(
            fault=self.fault,
            recovery=_joined(max, self.recovery, other.recovery),
            **{name: _joined(add, mine[name], others[name]) for name in mine if name not in {"fault", "recovery"}},
        )

    @property
    def cells(self) -> list[str]:
        """What is printed."""
        numbers = list(asdict(self).values())[1:-1]
        seconds = NOTHING if self.recovery is None else f"{self.recovery:.1f} s"
        return [self.fault, *(NOTHING if number is None else str(number) for number in numbers), seconds]


class Tally:
    """Takes the rows of one test."""

    def __init__(self, keep: Callable[[Row], object]) -> None:
        self._keep = keep

    def record(self, row: Row) -> None:
        """Put a row into the table, and fail when it breaks the promise."""
        self._keep(row)
        assert row.injected > 0, f"{row.fault}: a fault that never struck proves nothing"
        assert row.keeps_the_promise, f"the promise is broken: {row}"


def added_up(rows: Iterable[Row]) -> list[Row]:
    """One row a fault, in the alphabet's order: tests run in any."""
    by_fault: dict[str, Row] = {}
    for row in rows:
        by_fault[row.fault] = by_fault[row.fault].plus(row) if row.fault in by_fault else row
    return [by_fault[fault] for fault in sorted(by_fault)]


def table(rows: Iterable[Row]) -> list[str]:
    """The lines of the table, aligned."""
    those = added_up(rows)
    lines = [list(_HEADINGS), *(row.cells for row in those)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [*(_aligned(line, widths) for line in lines), _verdict(those)]


def to_property(row: Row) -> tuple[str, dict[str, Any]]:
    """What a test's report carries: it crosses from a worker of xdist to the process that prints."""
    return PROPERTY, asdict(row)


def from_properties(properties: Iterable[tuple[str, Any]]) -> list[Row]:
    """The rows that a test's report carries."""
    return [Row(**value) for name, value in properties if name == PROPERTY]


def _joined(how: Callable[[Any, Any], Any], one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return how(one, other)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    numbers = (cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))
    return "  ".join([cells[0].ljust(widths[0]), *numbers])


def _verdict(rows: Sequence[Row]) -> str:
    missing = sum((row.list_missing or 0) + (row.delivery_missing or 0) for row in rows)
    twice = sum(row.list_repeated or 0 for row in rows)
    repeats, marked = (sum(getattr(row, name) or 0 for row in rows) for name in ("delivery_repeated", "marked"))
    return (
        f"{sum(row.injected for row in rows)} faults: {missing} missing, {twice} repeated in the list; "
        f"{repeats} repeated at a destination, {marked} of them marked"
    )

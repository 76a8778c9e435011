"""Problems of files: all kinds in one error, each with the line as it stands and a cure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ninja_daemon.core.errors import CandleFileRejected

_LONGEST: Final = 160


@dataclass(slots=True)
class _Found:
    where: str
    number: int | None
    message: str
    cure: str
    count: int


@dataclass(slots=True)
class Faults:
    """The faults found so far, the first of each kind in full and the others by count.

    Attributes:
        quote: returns a line of a file as it stands there, None when it cannot be read.
    """

    quote: Callable[[str, int], str | None] = lambda _where, _number: None
    _found: dict[str, _Found] = field(default_factory=dict)

    def add(self, kind: str, where: str, number: int | None, message: str, cure: str = "", count: int = 1) -> None:
        """Take a fault down.

        Args:
            kind: faults of one kind are told once.
            where: the file.
            number: the line, None for the file as a whole.
            message: what must be and what was.
            cure: what would help.
            count: how many lines have it.
        """
        found = self._found.get(kind)
        if found is None:
            self._found[kind] = _Found(where, number, message, cure, count)
        else:
            found.count += count

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self._found)

    def has(self, kind: str) -> bool:
        """Tell whether there is one of a kind."""
        return kind in self._found

    def raise_all(self) -> None:
        """Raise what was found.

        Raises:
            CandleFileRejected: there is something.
        """
        if self._found:
            raise CandleFileRejected(*map(self._sentence, self._found.values()))

    def _sentence(self, found: _Found) -> str:
        if found.number is None:
            parts = [f"{found.where}: {found.message}"]
        else:
            line = self.quote(found.where, found.number)
            quoted = "" if line is None else f"; the line is {line[:_LONGEST]!r}"
            parts = [f"{found.where}, line {found.number}: {found.message}{quoted}"]
        if found.count > 1:
            parts.append(f"({found.count - 1:,} more like it)")
        if found.cure:
            parts.append(f"- {found.cure}")
        return " ".join(parts)

"""A window over the newest values of a series that is cheap to extend and never changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

_SLACK: Final = 64


class Window:
    """The newest ``size`` integers of a series; an immutable value whose ``pushed`` costs O(1).

    Windows that grew out of one another share one list and differ in where they end: entries before a window's end
    never change, so an older window stays what it was. Pushing onto a window that is not the newest copies it.

    Attributes:
        size: entries that it holds at most.
        buffer: the shared list, for those in the core who read many entries; never to be changed.
        newest: index of the newest entry in it; -1 while there is none.
    """

    __slots__ = ("buffer", "newest", "size")

    def __init__(self, size: int, values: Iterable[int] = ()) -> None:
        """Hold the last ``size`` of ``values``, oldest first."""
        self.size = size
        self.buffer = list(values)[-size:]
        self.newest = len(self.buffer) - 1

    def pushed(self, value: int) -> Window:
        """Return the window with ``value`` as its newest entry, and the oldest one gone when it was full."""
        buffer, end, size = self.buffer, self.newest + 1, self.size
        if end != len(buffer) or end > 2 * size + _SLACK:
            buffer = buffer[max(0, end - size) : end]
            end = len(buffer)
        buffer.append(value)
        window = _made(Window)
        window.size = size
        window.buffer = buffer
        window.newest = end
        return window

    def back(self, steps: int) -> int:
        """Return the entry ``steps`` before the newest; 0 is the newest itself. The caller knows that it exists."""
        return self.buffer[self.newest - steps]

    def __len__(self) -> int:
        """Return how many entries the window holds, at most ``size``."""
        return min(self.newest + 1, self.size)

    def __iter__(self) -> Iterator[int]:
        """Go through the entries, oldest first."""
        end = self.newest + 1
        return iter(self.buffer[max(0, end - self.size) : end])

    def __eq__(self, other: object) -> bool:
        """Compare by size and entries."""
        return isinstance(other, Window) and self.size == other.size and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # a window is compared, never used as a key

    def __repr__(self) -> str:
        """Show size and fill, and the newest entry."""
        newest = f", newest {self.back(0)}" if self.newest >= 0 else ""
        return f"Window(size={self.size}, {len(self)} held{newest})"


_made: Final = Window.__new__

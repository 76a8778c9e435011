"""Server-sent events: every new signal to every reader, in the order in which they became visible."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.signals.signal import Signal

READERS: Final = 64
"""Readers at once; each has a thread of its own."""
_LOOK: Final = 1.0
_TICK: Final = 15
"""Looks between two signs of life to a reader."""
_KEPT: Final = 2_000
Entries = Sequence[tuple[Signal, str]]


class EventStream:
    """Looks for new signals once a second while anybody reads."""

    def __init__(self, entries: Callable[[], Entries]) -> None:
        """Know nothing yet.

        Args:
            entries: the signals that readers may see with their JSON, oldest first; may raise StoreUnavailable.
        """
        self._entries = entries
        self._order: list[tuple[str, str]] = []
        self._known: set[str] = set()
        self._dropped = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._places = threading.BoundedSemaphore(READERS)

    def stop(self) -> None:
        """End every reader's stream within a second."""
        self._stop.set()

    def take_place(self) -> bool:
        """Take one of the places; False when all are taken."""
        return self._places.acquire(blocking=False)

    def leave(self) -> None:
        """Give the place back."""
        self._places.release()

    def read(self, last_id: str) -> Iterator[bytes]:
        """Yield what a reader is sent, until ``stop``.

        Args:
            last_id: the signal that it has seen last: what came after it is sent at once. Without one only what comes
                from now on; with one that is no longer known, everything that is.
        """
        place = self._place_after(last_id)
        yield b"retry: 3000\n\n"
        quiet = 0
        while not self._stop.is_set():
            self._look()
            place, fresh = self._after(place)
            for identity, text in fresh:
                yield f"event: signal\nid: {identity}\ndata: {text}\n\n".encode()
            quiet = 0 if fresh else quiet + 1
            if quiet >= _TICK:
                quiet = 0
                yield b"event: tick\ndata: alive\n\n"
            self._stop.wait(_LOOK)

    def _place_after(self, last_id: str) -> int:
        self._look()
        with self._lock:
            end = self._dropped + len(self._order)
            if not last_id:
                return end
            places = [index for index, (identity, _) in enumerate(self._order) if identity == last_id]
            return self._dropped + (places[-1] + 1 if places else 0)

    def _after(self, place: int) -> tuple[int, list[tuple[str, str]]]:
        with self._lock:
            return self._dropped + len(self._order), self._order[max(0, place - self._dropped) :]

    def _look(self) -> None:
        """Append the signals that were not there before; while Redis is away there are none."""
        try:
            entries = self._entries()
        except StoreUnavailable:
            return
        with self._lock:
            fresh = [(signal.id, text) for signal, text in entries if signal.id not in self._known]
            self._order += fresh
            self._known.update(identity for identity, _ in fresh)
            surplus = len(self._order) - _KEPT
            if surplus > 0:
                self._dropped += surplus
                del self._order[:surplus]
                # Only what is no longer shown either may be forgotten, or it would seem new again.
                self._known = {signal.id for signal, _ in entries} | {identity for identity, _ in self._order}

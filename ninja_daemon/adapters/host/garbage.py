"""When Python looks for garbage: between two wakes, never during one.

What a wake makes is freed as soon as nobody refers to it; only cycles wait for the collector. Its runs go through all
that the process holds, again and again while thousands of new states are made.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_pauses = 0


def freeze_garbage() -> None:
    """Leave out of all later looks what the start of the process has made: nearly all of it stays to its end."""
    gc.collect()
    gc.freeze()


@contextmanager
def no_collection() -> Iterator[None]:
    """Look for no garbage within a block, whichever threads are in one."""
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(change: int) -> None:
    global _pauses  # noqa: PLW0603 - the collector is one a process, too
    with _lock:
        _pauses += change
        if _pauses:
            gc.disable()
        else:
            gc.enable()

"""A clock that a test sets and every process of the test reads: it stands still, or runs as fast as is wanted.

It lies in a file of three numbers: the machine's monotonic time at which it was set, what it showed then, its speed.
"""

from __future__ import annotations

import struct
import time
from pathlib import Path
from typing import Final

_FORM: Final = struct.Struct("ddd")


class SharedClock:
    """Simulated time; fits wherever a simulator or a daemon wants to know it."""

    def __init__(self, path: Path) -> None:
        """Name the file; ``set`` makes it."""
        self.path = path

    def set(self, at: float, speed: float = 0.0) -> None:
        """Show this time now, and run that many times as fast as the machine's clock from here on."""
        fresh = self.path.with_suffix(".fresh")
        fresh.write_bytes(_FORM.pack(time.monotonic(), at, speed))
        fresh.replace(self.path)

    def now(self) -> float:
        """Return epoch seconds, UTC."""
        read, shown, speed = _FORM.unpack(self.path.read_bytes())
        return float(shown + (time.monotonic() - read) * speed)

"""How a process is told to stop: SIGTERM from a service manager, Ctrl-C from a person."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Final

STOPPING: Final = (signal.SIGTERM, signal.SIGINT)


def stop_on_signals(stop: threading.Event, numbers: Sequence[signal.Signals] = STOPPING) -> None:
    """Make each of the signals set the event ``stop``."""

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        # Not here: the handler runs in the main thread, which may hold the event's own lock at this very moment.
        threading.Thread(target=stop.set, name="stop", daemon=True).start()

    for number in numbers:
        signal.signal(number, handle)


def end_at_once_on_sigterm() -> None:
    """Make SIGTERM end the process with 0 and ignore SIGHUP, while nothing has begun yet."""

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        sys.exit(0)

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

"""``status --watch``: the picture in place, with keys to move through the strategies where not all fit."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.live import Live

from ninja_daemon.app.status.picture import Status
from ninja_daemon.app.status.terminal import status_view

_CURE: Final = "arrow keys, page up and down, q to end"
_PAGE: Final = 10
_MOVES: Final[Mapping[bytes, int]] = {
    b"\x1b[A": -1,
    b"k": -1,
    b"\x1b[B": 1,
    b"j": 1,
    b"\x1b[5~": -_PAGE,
    b"\x1b[6~": _PAGE,
    b" ": _PAGE,
    b"\x1b[H": -1_000_000,
    b"\x1b[F": 1_000_000,
}
_END: Final = frozenset({b"q", b"\x04"})


def watch_status(look: Callable[[], Status], console: Console, every: float) -> None:
    """Show the picture again and again until Ctrl-C, or ``q`` where keys can be read.

    Args:
        look: gathers the figures.
        console: a terminal.
        every: seconds between two pictures.
    """
    first, status = 0, look()
    with Live(console=console, auto_refresh=False, screen=console.is_interactive) as live, _keys() as pressed:
        while True:
            picture = status_view(status, console.width, console.height - 1, first=first, cure=_CURE)
            live.update(picture, refresh=True)
            key = pressed(every)
            if key in _END:
                return
            if key in _MOVES:
                first = min(max(0, first + _MOVES[key]), max(0, len(status.strategies) - 1))
            else:
                status = look()


@contextmanager
def _keys() -> Iterator[Callable[[float], bytes]]:
    """Give a function that waits that many seconds for a key and returns it, or nothing."""
    if not sys.stdin.isatty():
        yield _no_keys
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield lambda seconds: _pressed(descriptor, seconds)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _no_keys(seconds: float) -> bytes:
    select.select([], [], [], seconds)
    return b""


def _pressed(descriptor: int, seconds: float) -> bytes:
    readable, _, _ = select.select([descriptor], [], [], seconds)
    return os.read(descriptor, 8) if readable else b""

"""The commands that last, and where their work is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

BODIES: Final[Mapping[str, str]] = {
    "run": "ninja_daemon.app.serving.daemon",
    "notify": "ninja_daemon.app.serving.notifier",
    "web": "ninja_daemon.app.serving.page",
}
"""By command the module whose ``serve`` does it."""


def body_of(command: str) -> Callable[[Any], int]:
    """Load what a command works with; return the function that takes its settings and returns the exit code."""
    serve: Callable[[Any], int] = import_module(BODIES[command]).serve
    return serve

"""The commands that last, and where their work is."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

BODIES: Final[Mapping[str, str]] = {
    "run": "ninja_daemon.app.serving.daemon",
    "notify": "ninja_daemon.app.serving.notifier",
    "web": "ninja_daemon.app.serving.page",
}
"""By command the module whose ``serve`` does it."""
_WITH_REDIS: Final[Mapping[str, Sequence[str]]] = {
    "run": ("ninja_daemon.adapters.journal.failover_store", "ninja_daemon.adapters.redis.state_store"),
    "notify": ("ninja_daemon.app.notifier.redis_place",),
}
"""By command the modules that it works with where there is Redis, and loads when its settings say so."""


def body_of(command: str) -> Callable[[Any], int]:
    """Load what a command works with; return the function that takes its settings and returns the exit code."""
    serve: Callable[[Any], int] = import_module(BODIES[command]).serve
    return serve


def load_for_redis(command: str) -> None:
    """Load what nearly every installation needs, unless the process's environment has something to say of it.

    Where a file of settings does without Redis, this was for nothing.
    """
    if os.environ.get("CACHE_ENABLED", "true").lower() == "true":
        for module in _WITH_REDIS.get(command, ()):
            import_module(module)

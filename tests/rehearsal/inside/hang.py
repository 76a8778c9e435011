"""Starts the program with a reader of states that never comes back after its first few calls: a thread that hangs."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Mapping, Sequence

from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.app.cli import main
from ninja_daemon.core.signals.strategy import Strategy

CALLS = itertools.count()
GOOD_CALLS = 4
load = RedisStateStore.load


def hang_here(self: RedisStateStore, strategies: Sequence[Strategy]) -> Mapping[str, object]:
    if next(CALLS) >= GOOD_CALLS:
        threading.Event().wait()
    return load(self, strategies)


RedisStateStore.load = hang_here  # type: ignore[method-assign,assignment]
sys.exit(main())

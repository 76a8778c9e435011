"""The main thread's part while others work: systemd hears that we are ready, how we are, and that work goes on."""

from __future__ import annotations

import faulthandler
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from structlog.typing import FilteringBoundLogger

from ninja_daemon.adapters.host.systemd import ServiceManager
from ninja_daemon.adapters.telemetry.recurring import Recurring
from ninja_daemon.app.process.liveness import Liveness
from ninja_daemon.usecases.ports import Clock

_LOOK: Final = 5.0
_LOOKS: Final = 3
"""Looks at the workers, at least, within the time that systemd gives us."""


@dataclass(frozen=True, slots=True)
class Workers:
    """The threads that work, as they are seen from outside.

    Attributes:
        liveness: their marks.
        sentence: how the process is, for ``systemctl status``.
        progress: changes when their requests make progress, such as a count of answers.
    """

    liveness: Liveness
    sentence: Callable[[], str]
    progress: Callable[[], object] = lambda: None


def supervise(
    stop: threading.Event, workers: Workers, *, clock: Clock, manager: ServiceManager, log: FilteringBoundLogger
) -> None:
    """Look after the workers until ``stop`` is set.

    The watchdog is fed only while every worker makes progress. systemd kills a service that hangs with SIGABRT, and the
    service leaves the stacks of all its threads in the log.

    Args:
        stop: ends it.
        workers: whom to look after.
        clock: time.
        manager: systemd.
        log: where a hanging worker is named.
    """
    faulthandler.enable(sys.stderr)
    troubles = Recurring(clock, log)
    before = workers.progress()
    step = _LOOK if manager.watchdog is None else min(_LOOK, manager.watchdog / _LOOKS)
    manager.ready()
    while True:
        if (now := workers.progress()) != before:
            before = now
            workers.liveness.answered()
        _look(workers, manager, troubles)
        if clock.wait(stop, step):
            break
    manager.stopping()


def _look(workers: Workers, manager: ServiceManager, troubles: Recurring) -> None:
    """Feed the watchdog, or name the workers for whose sake it is not fed."""
    if hanging := workers.liveness.hanging():
        names = ", ".join(hanging)
        troubles.failed("hanging", f"no progress of: {names}", level="critical", event_id="worker.hanging")
    else:
        troubles.recovered("hanging", "every worker makes progress again", event_id="worker.recovered")
        manager.works()
    manager.status(workers.sentence())

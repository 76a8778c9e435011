"""A process that gives birth to notifier workers in a few milliseconds: everything is loaded before the fork.

Started by tests/faults/test_delivery.py as ``python -m tests.faults.worker_nursery``. Each line on standard input
starts a worker; its process number is printed. At the end of the input all of them are killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from dataclasses import replace
from typing import Final

from ninja_daemon.adapters.telemetry.logs import configure_logs
from ninja_daemon.app.notifier.parts import notifier_parts
from ninja_daemon.app.notifier.process import Notifier
from ninja_daemon.app.settings.environment import read_environment
from ninja_daemon.app.settings.strategies import load_configuration
from ninja_daemon.core.messages.destination import Delivery
from ninja_daemon.core.messages.retry import RetryPolicy

LEASE: Final = 0.25
"""Seconds; short, since a killed worker's lanes rest for so long."""
_RETRY: Final = RetryPolicy(base=0.02, cap=0.1)


def hurried(delivery: Delivery) -> Delivery:
    """Return the same delivery with retries in a hurry: the test has seconds, not hours."""
    return replace(
        delivery,
        destinations=tuple(replace(one, policy=replace(one.policy, retry=_RETRY)) for one in delivery.destinations),
    )


def work() -> None:
    """Be a worker until killed."""
    environment = read_environment()
    delivery = hurried(load_configuration(environment).delivery)
    configure_logs(level="error", secrets=environment.secrets)
    ended = threading.Event()
    Notifier(notifier_parts(environment, delivery, lease=LEASE), lambda _: ended.set()).start()
    ended.wait()
    os._exit(1)


def main() -> None:
    """Start a worker for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    children: list[int] = []
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            work()
        children.append(child)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()

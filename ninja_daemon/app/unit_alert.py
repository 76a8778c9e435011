"""What systemd runs when a unit of ours has failed: ``python -m ninja_daemon.app.unit_alert UNIT``.

One entry in the journal, and an alert for the notifier: in Redis or, while that is away, in the local journal. A
notifier that is down itself delivers it when it is up again.
"""

from __future__ import annotations

import os
import sys

import structlog

from ninja_daemon.adapters.clock import SystemClock
from ninja_daemon.adapters.local_queue import LocalQueue
from ninja_daemon.adapters.logs import configure_logs
from ninja_daemon.adapters.redis_store import encode_alert
from ninja_daemon.app.environment import read_environment
from ninja_daemon.app.queues import local_queue_file
from ninja_daemon.app.wiring import state_store
from ninja_daemon.core.errors import NinjaError, StoreUnavailable


def main(unit: str) -> int:
    """Say that ``unit`` has failed; 0 when somebody will hear it, 1 when only the journal has it."""
    configure_logs(stream=sys.stderr, identifier="ninja-alert")
    log = structlog.get_logger("ninja.alert")
    result = os.environ.get("MONITOR_SERVICE_RESULT", "") or "failure"
    text = f"{unit} has failed ({result}). What it said: journalctl -u {unit} -n 50"
    log.error(text, event_id="unit.failed", unit=unit)
    now = SystemClock().now()
    try:
        environment = read_environment()
        try:
            if environment.cache_enabled:
                store = state_store(environment, name="alert")
                store.alert("unit_failed", "critical", text, now)
                return 0
        except StoreUnavailable as error:
            log.warning("the alert goes by the local journal", reason=str(error))
        file = local_queue_file(environment)
        LocalQueue(file).push_alert(encode_alert("unit_failed", "critical", text, now))
    except NinjaError as error:
        log.warning("nobody but this journal hears of it", reason=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "a unit"))

"""What systemd runs when a unit of ours has failed or crashed: ``python -m ninja_daemon.app.process.unit_alert UNIT``.

One entry in the journal, and an alert for the notifier: in Redis or, while that is away, in the local journal. A
notifier that is down itself delivers it when it is up again. Who crashes at every start is told of once an hour.
"""

from __future__ import annotations

import os
import sys

import structlog
from structlog.typing import FilteringBoundLogger as BoundLogger

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.queue.lanes import RedisQueueStore
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.adapters.stored.alert import encode_alert
from ninja_daemon.adapters.telemetry.logs import configure_logs
from ninja_daemon.app.queues.opening import local_queue_file
from ninja_daemon.app.settings.environment import Environment, read_environment
from ninja_daemon.core.errors import NinjaError, StoreUnavailable


def main(unit: str) -> int:
    """Say what became of ``unit``; 0 when somebody will hear it, 1 when only the journal has it."""
    configure_logs(stream=sys.stderr, identifier="ninja-alert")
    log = structlog.get_logger("ninja.alert")
    # Only set when systemd starts us through OnFailure= (the unit stays down); empty for ExecStopPost= after a crash.
    result = os.environ.get("MONITOR_SERVICE_RESULT", "")
    fate = f"has failed ({result})" if result else "ended unexpectedly; unless it was stopped systemd starts it again"
    text = f"{unit} {fate}. What it said: journalctl -u {unit} -n 50"
    log.error(text, event_id="unit.failed", unit=unit)
    try:
        environment = read_environment()
        configure_logs(stream=sys.stderr, identifier="ninja-alert", secrets=environment.secrets)
        _hand_over(environment, encode_alert("unit_failed", "critical", text, SystemClock().now()), log)
    except NinjaError as error:
        log.warning("the alert could not be handed to the notifier", reason=str(error))
        return 1
    return 0


def _hand_over(environment: Environment, alert: str, log: BoundLogger) -> None:
    """Put the alert where the notifier looks, with no right in Redis that the notifier has not."""
    try:
        if environment.cache_enabled:
            with connect(environment.redis_url.reveal(), name="alert") as client:
                RedisQueueStore(client, QueueKeys(environment.namespace)).push_alert(alert)
            return
    except StoreUnavailable as error:
        log.warning("the alert is in the local journal", reason=str(error))
    LocalQueueStore(local_queue_file(environment)).push_alert(alert)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "a unit"))

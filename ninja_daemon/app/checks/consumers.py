"""Looks for programs that share the list with the notifier, and at the mirror made for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.reports import Consumers, read_consumers
from ninja_daemon.adapters.redis.state_store import QUEUE_CAP
from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.checks.store import MOST_SHOWN
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import StoreUnavailable


def check_consumers(environment: Environment, mirror: str) -> Iterator[Finding]:
    """Find programs that share the list with the notifier, and say how the mirror stands.

    Args:
        environment: where Redis is.
        mirror: name of the mirror; empty for none.
    """
    if not environment.cache_enabled:
        if mirror:
            cause = f"CACHE_ENABLED is false, so nothing is copied to [mirror] list = {mirror}"
            yield Finding(
                Level.WARNING, "mirror.unused", "mirror", cause, "set CACHE_ENABLED=true, or leave [mirror] out"
            )
        return
    client, keys = connect(environment.redis_url.reveal(), name="check"), Keys(environment.namespace)
    try:
        consumers = read_consumers(client, keys, mirror)
    except StoreUnavailable:
        return  # The check of the server says so.
    finally:
        client.close()
    if mirror:
        yield from _mirror(consumers, keys.mirror(mirror))
    elif consumers.takers:
        yield _shared(consumers.takers, keys)


def _shared(takers: Sequence[str], keys: Keys) -> Finding:
    cause = (
        f"{', '.join(takers[:MOST_SHOWN])} takes from lists of this database; if it takes from {keys.signals}, "
        "it and the notifier each get a part of the signals"
    )
    cure = f'give it a copy: [mirror] list = "mine", and let it take from {keys.mirror("mine")} (docs/own-consumer.md)'
    return Finding(Level.WARNING, "redis.consumer", "signals list", cause, cure)


def _mirror(consumers: Consumers, key: str) -> Iterator[Finding]:
    if consumers.kind not in {"none", "list"}:
        cause = f"the key {key} must be a list, was a {consumers.kind}; no commit is made before it is moved away"
        yield Finding(Level.ERROR, "redis.type", "mirror", cause, f"redis-cli RENAME '{key}' '{key}.aside'")
    elif consumers.denied:
        cause = f"the user may not run {', '.join(consumers.denied)} on {key}"
        yield Finding(Level.ERROR, "redis.rights", "mirror", cause, "see config/redis/users.acl.example")
    elif consumers.copied >= QUEUE_CAP:
        cause = f"{key} is full ({QUEUE_CAP}): each new signal pushes the oldest out"
        yield Finding(
            Level.WARNING, "mirror.full", "mirror", cause, "let a program take from it, or leave [mirror] out"
        )
    else:
        yield Finding(Level.OK, "mirror", "mirror", f"every signal is copied to {key}; {consumers.copied} wait there")

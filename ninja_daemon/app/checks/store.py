"""The Redis that the environment names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ninja_daemon.adapters.redis.client import connect, translated_errors
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.server.inspection import inspect_server
from ninja_daemon.adapters.redis.server.server_facts import ServerFacts
from ninja_daemon.adapters.redis.sharing.shard_reports import read_shards
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.redis.topology.servers import servers
from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.checks.shared.servers import check_servers
from ninja_daemon.app.checks.shared.shards import check_shards
from ninja_daemon.app.checks.strategies import check_thresholds
from ninja_daemon.app.daemon.same_settings import difference
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.status.strategy_figures import strategy_figures
from ninja_daemon.core.errors import StoreDenied, StoreUnavailable
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import Loaded

OLDEST = (7, 0)
_NEARLY_FULL = 0.9
_CLOCK_TOLERANCE = 2.0
MOST_SHOWN = 6


def check_store(
    environment: Environment, strategies: Sequence[Strategy], now: float, shards: int = 1
) -> Iterator[Finding]:
    """Check the server and the stored state of our strategies."""
    subject = f"Redis {environment.redis_label}"
    if not environment.cache_enabled:
        yield _unused(subject)
        return
    client = connect(environment.redis_url.reveal(), name="check")
    try:
        keys = Keys(environment.namespace)
        facts = inspect_server(client, keys, [strategy.name for strategy in strategies], now)
        store = RedisStateStore(client, keys)
        loaded, differs = store.load(strategies), difference(store, store.holder(), strategies)
        with translated_errors():
            together = servers(client, now)
        divided = read_shards(client, keys)
    except StoreUnavailable as error:
        yield _unavailable(environment, error, subject)
        return
    finally:
        client.close()
    findings = [*check_server(facts, subject), *(() if together is None else check_servers(together, subject))]
    findings += [*check_shards(divided, shards, subject), *_same_settings(differs, subject)]
    yield from findings
    if all(finding.level < Level.WARNING for finding in findings):
        cause = f"{facts.product} {facts.version} answers, keeps what it is given and lets us do our work"
        yield Finding(Level.OK, "redis", subject, cause)
    yield from _stored(strategies, loaded, now)


def _unused(subject: str) -> Finding:
    cause = "CACHE_ENABLED is false: it is not used; cursors, signals and queue are in the journal on this machine"
    cure = "set CACHE_ENABLED=true to keep averages over a restart and to let other programs read the signals"
    return Finding(Level.INFO, "redis.unused", subject, cause, cure)


def _same_settings(differs: str | None, subject: str) -> Iterator[Finding]:
    if differs:
        cure = "one configuration for all daemons of a namespace, or a NINJA_NAMESPACE for each"
        yield Finding(Level.ERROR, "redis.settings", subject, differs, cure)


def _unavailable(environment: Environment, error: StoreUnavailable, subject: str) -> Finding:
    if not environment.redis_configured and not isinstance(error, StoreDenied):
        cause = "no Redis is configured, and none runs here: `ninja-daemon up` (make run) brings one along"
        cure = "nothing for `up`; set REDIS_URL for `run` and `notify` on their own"
        return Finding(Level.INFO, "redis.none", "Redis", cause, cure)
    return Finding(Level.ERROR, "redis.unavailable", subject, str(error), _cure(error))


def _stored(strategies: Sequence[Strategy], loaded: Mapping[str, Loaded], now: float) -> Iterator[Finding]:
    figures = {strategy: strategy_figures(strategy, loaded[strategy.name], now) for strategy in strategies}
    yield from check_thresholds({strategy: each.averages for strategy, each in figures.items()})
    for strategy, each in figures.items():
        for note in each.notes:
            yield Finding(Level.INFO, "redis.state", f"strategy {strategy.name}", note)


def _cure(error: StoreUnavailable) -> str:
    if isinstance(error, StoreDenied):
        return "which user is for what: config/redis/users.acl.example"
    return "is the server running, and is REDIS_URL (or REDIS_HOST and REDIS_PORT) right?"


def check_server(facts: ServerFacts, subject: str) -> Iterator[Finding]:
    """Judge what a server says of itself."""
    if (0, 0) < facts.numbers < OLDEST:
        cause = f"it is {facts.product} {facts.version}; the scripts need Redis 7.0 or Valkey"
        yield Finding(Level.ERROR, "redis.version", subject, cause, "upgrade the server")
    if facts.role == "slave":
        cause = "it is a replica: it takes no writes"
        yield Finding(Level.ERROR, "redis.replica", subject, cause, "point REDIS_URL at the primary")
    yield from _memory(facts, subject)
    yield from _disk(facts, subject)
    if facts.clock_ahead is not None and abs(facts.clock_ahead) > _CLOCK_TOLERANCE:
        side = "ahead of" if facts.clock_ahead > 0 else "behind"
        cause = f"its clock is {abs(facts.clock_ahead):.1f} s {side} this machine's"
        cure = "let both follow network time (timedatectl set-ntp true)"
        yield Finding(Level.WARNING, "redis.clock", subject, cause, cure)
    yield from _keys(facts, subject)


def _memory(facts: ServerFacts, subject: str) -> Iterator[Finding]:
    policy = facts.eviction or ""
    if policy.startswith("allkeys-"):
        when = "when memory is full" if facts.max_memory else "once a maxmemory is set"
        cause = f"maxmemory-policy is {policy}: {when} it throws away waiting signals and cursors"
        cure = "redis-cli CONFIG SET maxmemory-policy volatile-lru, and the same in its configuration file"
        yield Finding(Level.ERROR, "redis.eviction", subject, cause, cure)
    if facts.max_memory and facts.used_memory and facts.used_memory > facts.max_memory * _NEARLY_FULL:
        cause = f"{facts.used_memory / facts.max_memory:.0%} of maxmemory is used; beyond it, commits are refused"
        yield Finding(Level.WARNING, "redis.memory", subject, cause, "raise maxmemory, or find out who fills it")


def _disk(facts: ServerFacts, subject: str) -> Iterator[Finding]:
    if facts.append_only is False:
        cause = (
            "appendonly is off: a crash sets everything back to the last snapshot; averages are derived again, but "
            "signals that waited for delivery may be lost or come twice"
        )
        cure = "redis-cli CONFIG SET appendonly yes, and the same in its configuration file"
        yield Finding(Level.WARNING, "redis.appendonly", subject, cause, cure)
    if facts.snapshots_fail or facts.append_only_fails:
        cause = "its last write to disk failed; it may refuse all writes"
        yield Finding(Level.ERROR, "redis.disk", subject, cause, "look at its log and at the free space")
    # A server without that file reads no commands at a start; one that does not tell may have it.
    if facts.default_user_lacks and facts.append_only is not False:
        cause = (
            f"its user default has not {' '.join(facts.default_user_lacks)}: Redis reads its append-only file in that "
            "user's name, and leaves out what this user may not do: the next restart loses data"
        )
        cure = "redis-cli ACL SETUSER default off resetpass '~*' '&*' +@all, and the same where the users are kept"
        yield Finding(Level.ERROR, "redis.default_user", subject, cause, cure)


def _keys(facts: ServerFacts, subject: str) -> Iterator[Finding]:
    for wrong in facts.wrong_types:
        cause = f"the key {wrong.key} must be a {wrong.expected}, was a {wrong.found}"
        cure = f"look at what it is, then: redis-cli RENAME '{wrong.key}' '{wrong.key}.aside'"
        yield Finding(Level.ERROR, "redis.type", subject, cause, cure)
    if facts.denied:
        shown = ", ".join(facts.denied[:MOST_SHOWN])
        more = "" if len(facts.denied) <= MOST_SHOWN else f" and {len(facts.denied) - MOST_SHOWN} more"
        cause = f"the user may not run {shown}{more}"
        yield Finding(Level.ERROR, "redis.rights", subject, cause, "see config/redis/users.acl.example")
    if facts.rights_unknown is not None:
        cause = f"whether the user has all rights is not known: {facts.rights_unknown}"
        yield Finding(Level.INFO, "redis.rights", subject, cause)

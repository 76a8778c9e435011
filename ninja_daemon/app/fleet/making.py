"""The daemon of this process, whole or in shards: where ports meet adapters, as in ``app.wiring``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, TypeAlias

from ninja_daemon.adapters.host.lease_token import holder_token
from ninja_daemon.adapters.journal.failover_store import FailoverStore
from ninja_daemon.adapters.journal.kept_commits import JournalPart
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.sharing.members import RedisMembers, agreed_count
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.daemon.figures import WakeFigures
from ninja_daemon.app.daemon.part import Part
from ninja_daemon.app.daemon.process import Daemon
from ninja_daemon.app.fleet.fleet import Fleet
from ninja_daemon.app.fleet.membership import Agreed, Identity, Membership, ShardSeat
from ninja_daemon.app.process.service import Service
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.wiring import Parts, make_daemon
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.ports import DaemonPorts
from ninja_daemon.usecases.sharing.sharding import shard_of, shares_of

_NEEDS_REDIS: Final = "[shards] count must be 1 with CACHE_ENABLED=false, was {}: shards are shared through Redis"
Body: TypeAlias = Daemon | Fleet


def make_body(environment: Environment, configuration: Configuration, parts: Parts, service: Service) -> Body:
    """Return what runs in this process, ready to start.

    Raises:
        ConfigError: shards are wanted without Redis.
    """
    count = configuration.servers.shards
    if not parts.stores:
        raise ConfigError(_NEEDS_REDIS.format(count))
    keys = Keys(environment.namespace)
    agree = partial(agreed_count, parts.stores[0].client, keys, count)
    if count == 1:
        return make_daemon(parts, configuration.strategies, service, Part(seat=Agreed(agree)))
    identity = Identity(holder_token("run"), configuration.servers.egress or os.uname().nodename, count)
    members = RedisMembers(parts.stores[0].client, keys)
    membership = Membership(members, identity, parts.clock, agree=agree, divide=parts.divide)
    shards = Shards(environment, parts, count, configuration.strategies)

    def make(shard: int, share: Sequence[Strategy], figures: WakeFigures) -> Daemon:
        part = Part(shard, ShardSeat(membership, shard), identity.token, figures)
        return make_daemon(replace(parts, store=shards.store(shard)), share, service, part)

    return Fleet(configuration.strategies, count, make, membership.leave)


class Shards:
    """The stores of the shards: one connection pool, one journal."""

    def __init__(self, environment: Environment, parts: Parts, count: int, strategies: Sequence[Strategy]) -> None:
        """Make none yet."""
        self._environment = environment
        self._parts = parts
        self._count = count
        self._shard_by_name = {strategy.name: shard_of(strategy, count) for strategy in strategies}

    def store(self, shard: int) -> FailoverStore:
        """Return the store of a shard."""
        whole = self._parts.stores[0]
        inner = RedisStateStore(
            whole.client,
            Keys(self._environment.namespace, shard),
            whole.ma_state_floor,
            needs_replicas=whole.needs_replicas,
            mirror=whole.mirror,
        )
        self._parts.stores.append(inner)
        assert self._parts.failover is not None  # noqa: S101 - there are no shards without Redis
        return self._parts.failover(inner, JournalPart(shard, partial(self._is_of, shard)))

    def _is_of(self, shard: int, name: str) -> bool:
        # What waits of a strategy that is not watched any more is made by the first shard.
        return self._shard_by_name.get(name, 0) == shard


def pass_over_shards(
    environment: Environment,
    configuration: Configuration,
    parts: Parts,
    one_pass: Callable[[Sequence[Strategy], DaemonPorts], bool],
) -> bool:
    """Make one pass over each shard; tell whether all are up to date."""
    count = configuration.servers.shards
    enabled = [strategy for strategy in configuration.strategies if strategy.enabled]
    if not parts.stores:
        raise ConfigError(_NEEDS_REDIS.format(count))
    agreed_count(parts.stores[0].client, Keys(environment.namespace), count)
    shards = Shards(environment, parts, count, enabled)
    shares = [(shard, share) for shard, share in enumerate(shares_of(enabled, count)) if share]
    results = [one_pass(share, replace(parts, store=shards.store(shard))) for shard, share in shares]
    return all(results)

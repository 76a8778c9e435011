"""Which shard a series is of, and which of several daemons a shard belongs to. No daemon asks another one.

Every member works the answer out of the same list of members, by highest random weight: when one comes or goes, only
the shards that it gains or leaves move. The lease of a shard decides who works; this only says who asks for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, NamedTuple

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.signals.strategy import Strategy

_SETTLED_AFTER: Final = 6.0
"""Seconds after its first sign of life; the others look every five."""
_CALM: Final = 10
"""Seconds around a close within which a shard with due work changes no hands."""
_SHORTEST_CALM: Final = 60
"""Seconds of a candle from which on that holds: shorter ones leave no time in between."""


class Member(NamedTuple):
    """A daemon that shares the work.

    Attributes:
        token: names its process.
        egress: name of the address by which it reaches the broker.
        age: seconds since its last sign of life.
        since: seconds since its first.
    """

    token: str
    egress: str
    age: float
    since: float = 0.0


def shard_of(strategy: Strategy, count: int) -> int:
    """Return the shard of a strategy's series: a series is fetched once."""
    return _weight(str(strategy.series)) % count


def shares_of(strategies: Iterable[Strategy], count: int) -> list[list[Strategy]]:
    """Return the strategies of each shard, in their order."""
    shares: list[list[Strategy]] = [[] for _ in range(count)]
    for strategy in strategies:
        shares[shard_of(strategy, count)].append(strategy)
    return shares


def owner_of(shard: int, members: Iterable[str]) -> str | None:
    """Return the token of the member that a shard belongs to; None without members."""
    return max(members, key=lambda token: (_weight(f"{shard}|{token}"), token), default=None)


def entitled(live: Iterable[Member]) -> list[str]:
    """Return the tokens of those among whom the shards are divided.

    A newcomer waits until the others have seen it, and have made room within the broker's limits; so does everybody but
    the first where all are new.
    """
    those = list(live)
    settled = [one.token for one in those if one.since >= _SETTLED_AFTER]
    return settled or [one.token for one in sorted(those, key=lambda one: (-one.since, one.token))[:1]]


def is_calm(timeframes: Iterable[tuple[Granularity, MarketHours]], now: float) -> bool:
    """Tell whether no close of these timeframes is near, so that a shard may change hands."""
    return not any(
        now - hours.last_close(granularity, int(now)) < _CALM or hours.next_close(granularity, int(now)) - now < _CALM
        for granularity, hours in timeframes
        if granularity.seconds >= _SHORTEST_CALM
    )


def _weight(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

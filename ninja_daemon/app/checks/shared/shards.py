"""Daemons that share the work: whether every shard is led, and the configuration divides as Redis says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ninja_daemon.adapters.redis.sharing.shard_reports import ShardReports
from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.core.words import counted


def check_shards(found: ShardReports | None, count: int, subject: str) -> Iterator[Finding]:
    """Judge who leads what."""
    if found is None:
        return
    if len(found.shards) != count:
        cause = f"[shards] count is {count}, but this namespace was begun with {len(found.shards)}"
        cure = "set it to that, or change it as docs/beyond-one-machine.md says"
        yield Finding(Level.ERROR, "shards.count", subject, cause, cure)
    if found.uncovered and found.members:
        named = ", ".join(map(str, found.uncovered[:8]))
        cause = f"{counted(len(found.uncovered), 'shard')} of {len(found.shards)} nobody leads at the moment: {named}"
        cure = "they are taken within half a minute; if not, look at the daemons' logs"
        yield Finding(Level.WARNING, "shards.uncovered", subject, cause, cure)
    for egress, members in Counter(one.egress for one in found.members).items():
        share = f"{100 // members} requests and {2 / members:.2g} connections a second"
        cause = f"{counted(members, 'member')} by the address {egress}: {share} for each"
        yield Finding(Level.INFO, "shards.egress", subject, cause)

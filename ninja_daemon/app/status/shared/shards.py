"""The shards of a namespace, for people and as fields of ``--json``."""

from __future__ import annotations

from ninja_daemon.adapters.redis.sharing.shard_reports import ShardReports
from ninja_daemon.core.words import counted


def shards_fields(found: ShardReports) -> dict[str, object]:
    """Return the fields."""
    return {
        "count": len(found.shards),
        "uncovered": found.uncovered,
        "leases": [
            {
                "shard": one.shard,
                "host": one.process and one.process[0],
                "pid": one.process and one.process[1],
                "fence": one.fence,
            }
            for one in found.shards
        ],
        "members": [
            {"host": _part(one.token, 1), "pid": _part(one.token, 3), "egress": one.egress, "age": round(one.age, 1)}
            for one in found.members
        ],
    }


def shards_sentence(found: ShardReports) -> list[tuple[str, str]]:
    """Return the parts of a line with the colour of each, the most important first."""
    led = len(found.shards) - len(found.uncovered)
    parts = [
        (f"{led} of {counted(len(found.shards), 'shard')} led", "yellow" if found.uncovered else ""),
        (f"by {counted(len(found.members), 'member')}", ""),
    ]
    for one in found.members:
        mine = sum(shard.holder == one.token for shard in found.shards)
        parts.append((f"{_part(one.token, 1)} {_part(one.token, 3)}: {mine}", "dim"))
    return parts


def _part(token: str, place: int) -> str:
    """Return one part of a process's token: 1 the host, 3 the number."""
    parts = token.split("|")
    return parts[place] if len(parts) > place else token[:40]

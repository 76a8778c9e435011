"""``[redis]`` and ``[shards]`` as tables of the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar

from ninja_daemon.app.configuration import ServerSettings
from ninja_daemon.app.settings.tables import Table, read_table
from ninja_daemon.app.settings.values import NAME, Refused, one_of, whole

TABLES: Final = ("redis", "shards")
MOST_SHARDS: Final = 256
T = TypeVar("T", bound=Table)


class RedisTable(Table):
    """``[redis]``."""

    durability: Annotated[bool, one_of({"master": False, "replicas": True}, " or ")] = False
    """When a commit counts: as soon as the master has it (``master``), or only when all working replicas have it."""


class ShardsTable(Table):
    """``[shards]``."""

    count: Annotated[int, whole(1, MOST_SHARDS, " of shards")] = 1
    """Parts that the series are divided into, each led by one daemon; fixed at the first start of a namespace."""
    egress: Annotated[str, NAME] = ""
    """Daemons of the same name reach the broker by the same address and divide its limits."""


def read_servers(tables: Mapping[str, Any]) -> tuple[ServerSettings, list[str]]:
    """Return what the tables say, and their problems as ``table.key must be …``."""
    problems: list[str] = []
    redis = _table(RedisTable, "redis", tables, problems)
    shards = _table(ShardsTable, "shards", tables, problems)
    return ServerSettings(redis.durability, shards.count, shards.egress), problems


def _table(model: type[T], name: str, tables: Mapping[str, Any], problems: list[str]) -> T:
    try:
        return read_table(model, tables.get(name, {}))
    except Refused as refused:
        problems.extend(refused.at(name))
        return model()

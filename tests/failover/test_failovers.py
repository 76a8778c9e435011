"""A daemon and a notifier behind Sentinel, and in a cluster, while masters are killed, paused, cut off and replaced.

The list is the oracle's in the end and every message has come once, although each failover may take back what was
acknowledged before it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

from tests.failover.failing import Failing
from tests.failover.groups import ClusterGroup, SentinelGroup
from tests.failover.lab import lab
from tests.faults.tally import Row, Tally
from tests.servers import server_programs

PROGRAMS = server_programs()
EACH = 25
"""Failovers of each kind in the long version."""
DOWN_AFTER = 2_000
"""Milliseconds in the long version: a server that is down is not found out sooner than a command times out."""
MOST_BEHIND = 1.5
"""Seconds that the daemon may be without Redis longer than the servers' own switch takes."""


def the_programs(*, long: bool) -> list[str]:
    """All kinds of servers in the long version, the first one else."""
    return list(PROGRAMS)[: None if long else 1]


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("program", PROGRAMS)
def test_no_failover_by_sentinel_loses_or_repeats_a_signal(
    start_failing: Callable[..., Failing], tmp_path: Path, tally: Tally, chance: random.Random, long: bool, program: str
) -> None:
    if program not in the_programs(long=long):
        pytest.skip("one kind of server is enough for the short version")
    kinds = ["kill", "pause", "cut", "planned"] * EACH if long else ["cut"]
    chance.shuffle(kinds)
    down_after = DOWN_AFTER if long else 500
    with lab(3) as machines:
        group = SentinelGroup(
            tmp_path / "group",
            places=machines.places,
            down_after=down_after,
            program=PROGRAMS[program],
            appendonly=True,
        )
        failing = start_failing(group, machines)
        failing.survives(kinds, chance, f"failover by Sentinel, {program}", tally)
    if long:
        assert max(map(median, failing.behind.values())) <= MOST_BEHIND
        if failing.load <= (
            os.cpu_count() or 1
        ):  # A machine that is late with everything shows nothing of the longest.
            assert max(map(max, failing.behind.values())) <= MOST_BEHIND


@pytest.mark.timeout(1_200)
def test_lost_packets_lose_no_signal(
    start_failing: Callable[..., Failing], tmp_path: Path, tally: Tally, long: bool
) -> None:
    if not long:
        pytest.skip("packets that are sent again take their time; make faults waits for them")
    with lab(3) as machines:
        group = SentinelGroup(tmp_path / "group", places=machines.places, down_after=DOWN_AFTER, appendonly=True)
        failing = start_failing(group, machines)
        for server in group.servers:
            with machines.loses(server.place, 0.3):
                failing.moves_on(10)
            failing.follows()
        tally.record(Row("a third of the packets lost, one machine after the other", 3, **failing.assert_exact()))


@pytest.mark.timeout(1_200)
def test_commits_that_wait_for_replicas_come_through_failovers(
    start_failing: Callable[..., Failing], tmp_path: Path, tally: Tally, chance: random.Random, long: bool
) -> None:
    if not long:
        pytest.skip("each failover takes ten seconds until the old master follows; make faults waits for them")
    failing = start_failing(SentinelGroup(tmp_path / "group"), more_toml='[redis]\ndurability = "replicas"\n')
    failing.survives(["planned", "kill", "pause"] * 2, chance, "failover with durable commits", tally)


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("program", PROGRAMS)
def test_no_failover_of_a_cluster_loses_or_repeats_a_signal(
    start_failing: Callable[..., Failing], tmp_path: Path, tally: Tally, chance: random.Random, long: bool, program: str
) -> None:
    if program not in the_programs(long=long):
        pytest.skip("one kind of server is enough for the short version")
    moves = ["moved"] if program == "redis" else ["moved", "migrated"]
    kinds = ["planned", "kill", *moves] * EACH if long else moves[-1:]
    chance.shuffle(kinds)
    group = ClusterGroup(
        tmp_path / "group", replicas=1 if long else 0, namespace="scene", program=PROGRAMS[program], appendonly=True
    )
    start_failing(group).survives(kinds, chance, f"failover or moved slot in a cluster, {program}", tally)

"""What is left of destinations that were taken out of the configuration (contract 7)."""

from __future__ import annotations

from collections.abc import Collection

from ninja_daemon.core.lanes.depths import QueueDepths
from ninja_daemon.core.words import counted


def leftovers(depths: QueueDepths, configured: Collection[str]) -> list[str]:
    """Return a sentence for each lane that nobody serves and that is not empty, with the command that empties it."""
    found = []
    for lane in depths.lanes:
        if lane.destination in configured:
            continue
        purge = f"ninja-daemon queue purge {lane.destination}"
        if lane.waiting:
            wait = counted(lane.waiting, "message")
            found.append(f"{wait} for {lane.destination} left, which is not configured any more: {purge} --waiting")
        if lane.dead:
            letters = counted(lane.dead, "dead letter")
            found.append(f"{letters} for {lane.destination} left, which is not configured any more: {purge}")
    return found

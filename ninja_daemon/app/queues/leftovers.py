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
            found.append(_sentence(wait, lane.destination, f"{purge} --waiting"))
        if lane.dead:
            letters = counted(lane.dead, "dead letter")
            found.append(_sentence(letters, lane.destination, purge))
    return found


def _sentence(what: str, destination: str, purge: str) -> str:
    move = f"ninja-daemon queue move {destination} NEW"
    return f"{what} for {destination} left, which is not configured any more: {move}, or {purge}"

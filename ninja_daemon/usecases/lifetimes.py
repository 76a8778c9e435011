"""How long signs of life count, in seconds; written by both processes and read by ``status`` and the backup."""

from __future__ import annotations

from typing import Final

LEASE: Final = 15.0
"""A daemon that has not renewed its lease for this long is taken over, a silent member counts no more; three renewals
may fail."""
LANE_LEASE: Final = 20.0
"""A destination's lane is kept for so long; a post ends within ``DEADLINE``, less than half of it."""
HEARTBEAT: Final = 60
"""Life of the daemon's heartbeat."""
NOTIFIER_HEARTBEAT: Final = 30
"""Life of the notifier's heartbeat."""

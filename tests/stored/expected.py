"""What becomes of the stored data by the rules of delivery, each destination named by the state of its lane.

It follows from how the data was made, and from the rules; only instants and their distances are read off the data.
A message is written ``desk 1``, or ``sma +20`` when it is the daemon's; with ``?`` where it says that it may repeat;
with ``&`` where several came as one.
"""

from __future__ import annotations

from collections.abc import Mapping

WAITING = 60.0
"""Seconds after the making at which every wait still lasts that was asked for, and the lease of the dead is over."""
OVER = 700.0
"""Seconds after the making at which waits are over, but quiet hours, delay and pause; nothing is too old."""
REFUSED, NO_HOOK = "HTTP 400: no such field", "HTTP 404: no such hook"
NOBODY = "127.0.0.1 does not accept connections (Connection refused)"
TOO_OLD = "older than max_age after 1 attempts; the last said: HTTP 500: out of order"

Columns = tuple[str, int, int, int, int, int, int, str]
# state, waiting, dead, attempts, delivered, repeats, failures, error
LEFT: Mapping[str, Columns] = {
    "away_paused": ("idle", 0, 0, 0, 1, 0, 0, ""),
    "away_refused": ("idle", 0, 0, 0, 1, 0, 0, ""),
    "away_suspended": ("idle", 0, 0, 0, 1, 0, 0, ""),
    "away_unsure": ("idle", 0, 0, 0, 1, 0, 0, ""),
    "console": ("idle", 0, 0, 0, 0, 0, 0, ""),
    "delayed": ("delay", 1, 0, 0, 0, 0, 0, ""),
    # Three signals of the daemon's, and two by hand; the third by hand was known to the ledger.
    "desk": ("idle", 0, 0, 0, 5, 0, 0, ""),
    "digest": ("throttled", 3, 0, 0, 0, 0, 0, ""),
    "discord_a": ("throttled", 1, 0, 0, 0, 0, 0, ""),
    # What holds its provider is not a wait of its own.
    "discord_b": ("ready", 1, 0, 0, 0, 0, 0, ""),
    "dropper": ("idle", 0, 0, 0, 0, 0, 0, ""),
    "expired": ("idle", 0, 1, 0, 0, 0, 2, TOO_OLD),
    "follower": ("ready", 2, 0, 0, 0, 0, 0, ""),
    "grouped": ("retry", 2, 0, 1, 0, 0, 1, "HTTP 500"),
    "leased": ("ready", 2, 0, 0, 0, 0, 0, ""),
    "ops": ("idle", 0, 0, 0, 2, 0, 0, ""),
    "paused": ("paused", 2, 0, 0, 0, 0, 0, ""),
    "paused_a_while": ("paused", 1, 0, 0, 0, 0, 0, ""),
    "quiet": ("quiet", 1, 0, 0, 0, 0, 0, ""),
    "rated": ("rate", 2, 0, 0, 1, 1, 1, ""),
    "refused": ("idle", 0, 1, 0, 1, 0, 1, ""),
    "suspended": ("suspended", 3, 0, 0, 0, 0, 1, NO_HOOK),
    "unreached": ("retry", 2, 0, 9, 0, 0, 9, NOBODY),
    "unsure": ("retry", 2, 0, 1, 0, 0, 1, "HTTP 500"),
}
# The journal adds what crossed while Redis was away, and its lane says how a destination stands.
LEFT_WITH_JOURNAL: Mapping[str, Columns] = {
    **LEFT,
    "away_paused": ("paused", 1, 0, 0, 1, 0, 0, ""),
    "away_refused": ("idle", 0, 1, 0, 1, 0, 1, ""),
    "away_suspended": ("suspended", 1, 0, 0, 1, 0, 1, NO_HOOK),
    "away_unsure": ("retry", 1, 0, 1, 1, 0, 1, "HTTP 500"),
    "desk": ("idle", 0, 0, 0, 8, 0, 0, ""),
    "ops": ("idle", 0, 0, 0, 3, 0, 0, ""),
}
COUNTERS = {
    "drained": 40,  # 7 of the daemon's, 31 by hand, an alert and the daily report; 8 more in the journal
    "repeated": 1,
    "unrouted": 1,
    "silenced": 1,
    "unwanted": 1,
    "known:desk": 1,
    "late:dropper": 1,
    "dead:expired": 1,
    "dead:refused": 1,
    "repeats:rated": 1,
}
# Seconds from the making to the end of the wait, in Redis and in the journal.
DUE: Mapping[str, tuple[float, float]] = {
    "delayed": (3582.100, 3581.550),
    "digest": (587.093, 586.545),
    "discord_a": (597.769, 597.446),
    "grouped": (583.097, 582.543),
    "paused_a_while": (280.740, 280.582),
    "quiet": (7148.756, 7124.990),
    "rated": (598.775, 598.449),
    "unreached": (252.398, 252.075),
    "unsure": (582.109, 581.557),
}
LEASE_ENDS = (19.011, 18.947)
FIRST_ATTEMPT = (-17.930, -18.455)
"""Of ``unreached``, seconds from the making."""

# What lay on the lists and goes out whatever waits elsewhere. A suspended lane is tried again at once: an older version
# left no time at which that should be.
HEALED = {"suspended": ["suspended 1", "suspended 2", "suspended 3"]}
HEALED_IN_JOURNAL = {"away_suspended": ["tema +30", "tema +40", "tema +20"]}
UNDRAINED = {
    **HEALED,
    "away_paused": ["hma +20"],
    "away_refused": ["dema +20"],
    "away_suspended": ["tema +20"],
    "away_unsure": ["smma +20"],
    "desk": ["sma +20", "ema +20", "wma +20", "desk 3"],
    "ops": ["by-hand"],
    "leased": ["leased 1 ?", "leased 2"],
}
# The journal's lanes go first; those that wait or are paused keep what Redis has for them waiting.
UNDRAINED_WITH_JOURNAL = {
    **HEALED,
    **HEALED_IN_JOURNAL,
    "away_refused": ["dema +40", "dema +20"],
    "desk": ["sma +40", "ema +40", "wma +40", "sma +20", "ema +20", "wma +20", "desk 3"],
    "ops": ["by-hand"],
    "leased": ["leased 1 ?", "leased 2"],
}
WAS_DUE = {
    "digest": ["digest 1 & digest 2 & digest 3"],
    "discord_a": ["discord_a 1"],
    "discord_b": ["discord_b 1"],
    "follower": ["unsure 1", "unsure 2"],
    "grouped": ["grouped 1 & grouped 2 ?"],
    "paused_a_while": ["paused_a_while 1"],
    "unreached": ["unreached 1", "unreached 2"],
    "unsure": ["unsure 1 ?", "unsure 2"],
}
WAS_DUE_IN_JOURNAL = {"away_unsure": ["smma +30 ?", "smma +40", "smma +20"]}
STAYS = {"delayed": 1, "paused": 2, "quiet": 1, "rated": 2}
STAYS_IN_JOURNAL = {"away_paused": 3}

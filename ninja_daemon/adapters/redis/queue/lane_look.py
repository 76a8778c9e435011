"""A look at a lane in Redis: one call of lua/look.lua, and what its reply says."""

from __future__ import annotations

from typing import Any

from ninja_daemon.adapters.redis.queue.guarded_write import checked
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.adapters.redis.scripts import Call, script
from ninja_daemon.adapters.stored.queue import decode_entry, decode_lane, entry_number
from ninja_daemon.core.lanes.record import LaneQuery, LaneView


def look_call(keys: QueueKeys, query: LaneQuery) -> Call:
    """Return the call of the script."""
    lane = query.lane
    touched = (keys.lane(lane), keys.lane_state(lane), keys.hold(query.provider), keys.lane(query.after or lane))
    return Call(script("look"), touched, (query.most,))


def view_of(reply: Any) -> LaneView:  # noqa: ANN401 - what a script returns
    """Read the script's reply.

    Raises:
        StoreUnavailable: it is an error, or says that a key is of the wrong type.
    """
    now, held, ahead, fields, messages = checked(reply)
    return LaneView(
        now=int(now),
        record=decode_lane(dict(zip(fields[::2], fields[1::2], strict=True))),
        entries=tuple(decode_entry(str(stored)) for stored in messages),
        held_until=int(now) + int(held) if int(held) > 0 else 0,
        ahead=entry_number(str(ahead)),
    )

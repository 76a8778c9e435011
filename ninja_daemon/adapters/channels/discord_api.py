"""Discord's side of it: its addresses, and what its answers mean: codes, waits, what names a part of the message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from ninja_daemon.adapters.channels.kind import json_object
from ninja_daemon.adapters.channels.words import harmless
from ninja_daemon.adapters.network.answers import Case, Reply, failure_of
from ninja_daemon.adapters.network.retry_after import seconds_of
from ninja_daemon.core.messages.destination import Failure, Fault

_CODES: Final = "Discord's documentation, JSON error codes"


TABLE: Final = (
    *(Case(Fault.BROKEN, f"{_CODES}: unknown channel, guild, webhook", code=code) for code in (10003, 10004, 10015)),
    *(Case(Fault.BROKEN, f"{_CODES}: missing access, missing permissions", code=code) for code in (50001, 50013)),
    *(Case(Fault.BROKEN, f"{_CODES}: invalid webhook token, archived thread", code=code) for code in (50027, 50083)),
    Case(Fault.BROKEN, f"{_CODES}: thread is locked", code=160005),
    *(
        Case(Fault.BROKEN, f"{_CODES}: webhooks in forum channels need a thread", code=code)
        for code in (220001, 220002, 220003, 220004)
    ),
    *(
        Case(Fault.REFUSED, f"{_CODES}: an empty message, too large, not JSON", code=code, blames_message=True)
        for code in (50006, 40005, 50109)
    ),
    *(
        Case(Fault.REFUSED, f"{_CODES}: blocked by automatic moderation", code=code, blames_message=True)
        for code in (200000, 200001, 240000)
    ),
    *(Case(Fault.THROTTLED, f"{_CODES}: slow mode, write rate limits", code=code) for code in (20016, 20028, 20029)),
)
"""What Discord's own codes mean, whatever the status."""


_OURS: Final = frozenset({"content", "embeds", "allowed_mentions", "attachments", "files"})
"""Parts of a message; an error about anything else (a thread in the address) is none of the message's."""


def failure_from(reply: Reply) -> Failure:
    """Say what an answer means that is no success."""
    told = json_object(reply.body)
    said, code, errors = told.get("message"), told.get("code"), told.get("errors")
    text = harmless(said)[:200] if isinstance(said, str) else ""
    failure = failure_of(reply, TABLE, said=text, code=code if isinstance(code, int) else None)
    if failure.fault is Fault.REFUSED and isinstance(errors, dict) and _OURS & errors.keys():
        return replace(failure, blames_message=True)
    if failure.fault is not Fault.THROTTLED:
        return failure
    # An answer that is not the API's own comes from the wall in front of it, which counts everything we send.
    everywhere = told.get("global") is True or reply.headers.get("x-ratelimit-scope") == "global" or not told
    return replace(failure, wait=_wait(told, reply, failure.wait), everywhere=everywhere)


def _wait(told: Mapping[str, object], reply: Reply, header: float | None) -> float | None:
    """Return the wait in seconds; the body's, unless that is some other unit, as old versions of the API had it.

    Args:
        told: the answer.
        reply: as it came.
        header: what ``Retry-After`` says.
    """
    stated = seconds_of(told.get("retry_after"))
    reset = seconds_of(reply.headers.get("x-ratelimit-reset-after"))
    if stated is None:
        stated = header if reset is None else reset
    beside = header if reset is None else reset
    is_other_unit = stated is not None and beside is not None and stated > 2 * beside + 1
    return beside if is_other_unit else stated


_VERSION: Final = "v10"


WEBHOOK: Final = re.compile(
    r"(?P<before>(?:/[^/]+)*?)/api/(?:(?P<version>v\d{1,2})/)?webhooks/(?P<id>[^/]+)/(?P<token>[^/]+)"
    r"(?:/|/slack|/github)?"
)


def message_id(reply: Reply) -> str:
    """Return the id of the message that was posted; empty when it is not said."""
    found = json_object(reply.body).get("id")
    return found if isinstance(found, str) and found.isdecimal() else ""


def pause_of(reply: Reply) -> float:
    """Return how many seconds to wait because the allowance is used up, as the headers say it."""
    if reply.headers.get("x-ratelimit-remaining", "").strip() != "0":
        return 0.0
    return seconds_of(reply.headers.get("x-ratelimit-reset-after")) or 0.0


def versioned(url: str) -> str:
    """Return a webhook's address with the version of the API that this channel speaks, where it names none.

    The forms for other programs (``/slack``, ``/github``) lead to the same webhook, which takes no embeds there.
    """
    parts = urlsplit(url)
    found = WEBHOOK.fullmatch(parts.path)
    if found is None:
        return url
    path = f"{found['before']}/api/{found['version'] or _VERSION}/webhooks/{found['id']}/{found['token']}"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))

"""Telegram's side of it: what its answers mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ninja_daemon.adapters.channels.words import harmless
from ninja_daemon.adapters.network.answers import Case, Reply, failure_of
from ninja_daemon.adapters.network.retry_after import seconds_of
from ninja_daemon.core.messages.destination import Failure, Fault


def message_id_in(told: dict[str, object]) -> str:
    """Return the number of the message in an answer; empty when there is none."""
    result = told.get("result")
    found = result.get("message_id") if isinstance(result, dict) else None
    return str(found) if isinstance(found, int) else ""


_CHAT_GONE: Final = (
    "chat not found",
    "chat_id is empty",
    "group chat was",
    "peer_id_invalid",
    "channel_private",
    "bot is not a member",
    "bot was kicked",
    "bot was blocked",
    "user is deactivated",
)


_NO_RIGHTS: Final = (
    "not enough rights",
    "have no rights",
    "need administrator rights",
    "chat_admin_required",
    "chat_write_forbidden",
    "chat_send_plain_forbidden",
    "chat_restricted",
)


_NO_TOPIC: Final = ("message thread not found", "topic_closed", "topic_deleted", "topic_id_invalid")


_OF_THE_MESSAGE: Final = ("message text is empty", "message is too long", "can't parse", "must be encoded in utf-8")


_BAD: Final = 400


TABLE: Final = (
    *(Case(Fault.BROKEN, "Bot API server, errors of a chat", _BAD, words=words) for words in _CHAT_GONE),
    *(Case(Fault.BROKEN, "Bot API server, errors of rights", _BAD, words=words) for words in _NO_RIGHTS),
    *(Case(Fault.BROKEN, "Bot API server, errors of forum topics", _BAD, words=words) for words in _NO_TOPIC),
    *(
        Case(Fault.REFUSED, "Bot API server, errors of a text", _BAD, words=words, blames_message=True)
        for words in _OF_THE_MESSAGE
    ),
)
"""What the words of Telegram's answers mean; its codes are those of HTTP."""


def failure_in(reply: Reply, told: dict[str, object]) -> Failure:
    """Say what an answer that is no success means."""
    said = told.get("description")
    text = harmless(said)[:200] if isinstance(said, str) else ""
    parameters = told.get("parameters")
    more = parameters if isinstance(parameters, dict) else {}
    if isinstance(moved := more.get("migrate_to_chat_id"), int):
        return Failure(Fault.BROKEN, f"the group has moved; set chat_id to {moved}", reply.status)
    failure = failure_of(reply, TABLE, said=text)
    wait = seconds_of(more.get("retry_after"))
    return failure if wait is None or failure.fault is not Fault.THROTTLED else replace(failure, wait=wait)

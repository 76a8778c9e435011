"""Whose fault a refusal is: each row of the channels' tables, over real HTTP and SMTP, and what stands in none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from ninja_daemon.adapters.channels import discord_api, mail, telegram_api
from ninja_daemon.adapters.channels.registry import KINDS, open_channel
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, OptionValue
from ninja_daemon.core.secret import Secret
from tests.adapters.channels.options import ROWS, TOKEN
from tests.fakes.messages import a_bundle
from tests.fakes.receiver import OK, Answer, Receiver, receiver
from tests.servers import free_port

DESTINATION, MESSAGE, UNKNOWN = (Fault.BROKEN, False), (Fault.REFUSED, True), (Fault.REFUSED, False)


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def failure_at(kind: str, server: Receiver, answer: Answer) -> Failure:
    server.answers(answer)
    channel = open_channel(Destination("desk", kind, ROWS[kind](server.url)))
    outcome = channel.send(a_bundle())
    channel.close()
    assert isinstance(outcome, Failure), outcome
    return outcome


def blame(failure: Failure) -> tuple[Fault, bool]:
    return failure.fault, failure.blames_message


def errors(*places: str) -> dict[str, Any]:
    return {"code": 50035, "message": "Invalid Form Body", "errors": {place: {"_errors": []} for place in places}}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"code": 220001, "message": "Webhooks posted to forum channels must have a thread_name"}, DESTINATION),
        (400, {"code": 220002, "message": "Webhooks posted to forum channels cannot have both"}, DESTINATION),
        (400, {"code": 10003, "message": "Unknown Channel"}, DESTINATION),
        (400, {"code": 10015, "message": "Unknown Webhook"}, DESTINATION),
        (404, {"code": 10015, "message": "Unknown Webhook"}, DESTINATION),
        (403, {"code": 50013, "message": "Missing Permissions"}, DESTINATION),
        (401, {"code": 50027, "message": "Invalid Webhook Token"}, DESTINATION),
        (400, errors("embeds"), MESSAGE),
        (400, errors("content"), MESSAGE),
        (400, errors("thread_id"), UNKNOWN),
        (400, {"code": 50006, "message": "Cannot send an empty message"}, MESSAGE),
        (400, {"code": 200000, "message": "Message was blocked by automatic moderation"}, MESSAGE),
        (413, {"code": 40005, "message": "Request entity too large"}, MESSAGE),
        (400, {"code": 987654, "message": "A code of next year"}, UNKNOWN),
        (400, "no object", UNKNOWN),
    ],
)
def test_discord(server: Receiver, status: int, body: object, expected: tuple[Fault, bool]) -> None:
    assert blame(failure_at("discord", server, Answer.of(status, body))) == expected


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("Bad Request: need administrator rights in the channel chat", DESTINATION),
        ("Bad Request: not enough rights to send text messages to the chat", DESTINATION),
        ("Bad Request: CHAT_WRITE_FORBIDDEN", DESTINATION),
        ("Bad Request: TOPIC_CLOSED", DESTINATION),
        ("Bad Request: message thread not found", DESTINATION),
        ("Bad Request: PEER_ID_INVALID", DESTINATION),
        ("Bad Request: have no rights to send a message", DESTINATION),
        ("Bad Request: chat not found", DESTINATION),
        ("Bad Request: group chat was upgraded to a supergroup chat", DESTINATION),
        ("Bad Request: message text is empty", MESSAGE),
        ("Bad Request: message is too long", MESSAGE),
        ("Bad Request: can't parse entities: Unsupported start tag", MESSAGE),
        ("Bad Request: words of next year", UNKNOWN),
    ],
)
def test_telegram(server: Receiver, description: str, expected: tuple[Fault, bool]) -> None:
    body = {"ok": False, "error_code": 400, "description": description}
    assert blame(failure_at("telegram", server, Answer.of(400, body))) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, UNKNOWN),
        (413, MESSAGE),
        (422, MESSAGE),
        (401, DESTINATION),
        (405, DESTINATION),
        (406, DESTINATION),
        (415, DESTINATION),
        (451, DESTINATION),
        (301, DESTINATION),
        (409, UNKNOWN),
    ],
)
def test_a_webhook(server: Receiver, status: int, expected: tuple[Fault, bool]) -> None:
    assert blame(failure_at("webhook", server, Answer(status, b"no"))) == expected


# --- too many ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        Answer(429, b"error code: 1015", {"Content-Type": "text/plain"}),
        Answer(403, b"<html><title>Access denied | error code: 1015</title></html>"),
        Answer.of(429, {"message": "The resource is being rate limited."}),
    ],
)
@pytest.mark.parametrize("kind", ["discord", "telegram", "webhook"])
def test_too_many_without_a_time(server: Receiver, kind: str, answer: Answer) -> None:
    failure = failure_at(kind, server, answer)
    assert (failure.fault, failure.wait, failure.is_overload) == (Fault.THROTTLED, None, True)


@pytest.mark.parametrize(("status", "is_overload"), [(500, False), (502, False), (503, True), (521, True), (530, True)])
def test_an_overload_is_told_from_other_faults_of_a_server(server: Receiver, status: int, is_overload: bool) -> None:
    failure = failure_at("webhook", server, Answer(status, b"<html>cloudflare</html>"))
    assert (failure.fault, failure.is_overload) == (Fault.AMBIGUOUS, is_overload)


@pytest.mark.parametrize(
    ("body", "headers", "wait"),
    [
        ({"retry_after": 1.5}, {"X_RateLimit_Reset_After": "1.5"}, 1.5),
        ({"retry_after": 1500}, {"X_RateLimit_Reset_After": "1.5", "Retry_After": "1500"}, 1.5),
        ({"retry_after": 1500}, {"Retry_After": "2"}, 2.0),
        ({"retry_after": 64.57, "global": True}, {"Retry_After": "65"}, 64.57),
        ({}, {"X_RateLimit_Reset_After": "0.7"}, 0.7),
        ({"retry_after": 900.0}, {}, 900.0),
    ],
)
def test_a_wait_of_discord_in_another_unit_is_not_believed(
    server: Receiver, body: dict[str, object], headers: dict[str, str], wait: float
) -> None:
    assert failure_at("discord", server, Answer.of(429, {"message": "slow", **body}, **headers)).wait == wait


# --- addresses of Discord ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "posted"),
    [
        ("/api/webhooks/42/T", "/api/v10/webhooks/42/T?wait=true"),
        ("/api/v10/webhooks/42/T", "/api/v10/webhooks/42/T?wait=true"),
        ("/api/v9/webhooks/42/T", "/api/v9/webhooks/42/T?wait=true"),
        ("/api/webhooks/42/T/", "/api/v10/webhooks/42/T?wait=true"),
        ("/api/webhooks/42/T/slack", "/api/v10/webhooks/42/T?wait=true"),
        ("/api/webhooks/42/T/github?thread_id=7", "/api/v10/webhooks/42/T?thread_id=7&wait=true"),
        ("/behind/a/relay/api/webhooks/42/T", "/behind/a/relay/api/v10/webhooks/42/T?wait=true"),
    ],
)
def test_every_form_of_a_webhooks_address_is_posted_to_with_a_version(server: Receiver, path: str, posted: str) -> None:
    options: dict[str, OptionValue] = {"url": Secret(server.url + path.replace("T", TOKEN)), "insecure": True}
    destination = Destination("desk", "discord", options)
    assert not KINDS["discord"].complaints(destination)
    server.answers(OK)
    channel = open_channel(destination)
    channel.send(a_bundle())
    channel.close()
    assert server.posts[0].path == posted.replace("T", TOKEN)


# --- mail ----------------------------------------------------------------------------------------------------


class _Server:
    def __init__(self, step: str, answer: str) -> None:
        self.step, self.answer = step, answer

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        del server, session, options
        envelope.mail_from = address
        return self.answer if self.step == "MAIL" else "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        del server, session, options
        if self.step != "RCPT":
            envelope.rcpt_tos.append(address)
            return "250 OK"
        return self.answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        del server, session, envelope
        return self.answer if self.step == "DATA" else "250 OK"


@pytest.mark.parametrize(
    ("step", "answer", "expected"),
    [
        ("RCPT", "550 5.1.1 no such user", DESTINATION),
        ("RCPT", "550 mailbox unavailable", DESTINATION),
        ("RCPT", "552 5.2.2 mailbox full", DESTINATION),
        ("MAIL", "530 5.7.0 authentication required", DESTINATION),
        ("MAIL", "550 5.7.60 not permitted to send as this sender", DESTINATION),
        ("DATA", "550 5.3.2 system not accepting messages", DESTINATION),
        ("DATA", "552 5.3.4 message too big", MESSAGE),
        ("DATA", "554 5.6.0 content is not valid", MESSAGE),
        ("DATA", "554 rejected for policy reasons", UNKNOWN),
        ("DATA", "451 4.7.1 later", (Fault.UNREACHED, False)),
    ],
)
def test_a_mail_server(step: str, answer: str, expected: tuple[Fault, bool]) -> None:
    controller = Controller(_Server(step, answer), hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        options = ROWS["email"](f"http://127.0.0.1:{controller.port}")
        outcome = open_channel(Destination("desk", "email", options)).send(a_bundle())
    finally:
        controller.stop()
    assert isinstance(outcome, Failure)
    assert blame(outcome) == expected


@pytest.mark.parametrize("table", [discord_api.TABLE, telegram_api.TABLE, mail.TABLE])
def test_every_row_says_who_says_so(table: tuple[Any, ...]) -> None:
    assert all(row.source for row in table)

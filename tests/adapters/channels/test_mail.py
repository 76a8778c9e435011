"""E-mail against a real SMTP server on loopback, with and without TLS."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from ninja_daemon.adapters.channels.mail import KIND, MailChannel
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, Sent
from ninja_daemon.core.messages.message import Attachment
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.secret import Secret
from tests.fakes.messages import a_bundle, a_notice_entry, a_signal, an_entry
from tests.servers import free_port

AUTHORITY = trustme.CA()
PASSWORD = "correct horse battery"


class Mailbox:
    """The server's side: keeps what came, answers as told."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.at_rcpt = "250 OK"
        self.at_data = "250 OK"
        self.hello: str | None = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Envelope, address: str, options: Any
    ) -> str:
        del server, session, options
        if self.at_rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.at_rcpt

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        del server, session
        if self.at_data.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.mails.append(message_from_bytes(content, policy=policy.default))
        return self.at_data


class _Plain(Controller):
    """A server that offers no STARTTLS."""


class _Secured(Controller):
    """A server that offers STARTTLS and wants it."""

    def __init__(self, handler: Mailbox, context: ssl.SSLContext, *, login: bool) -> None:
        self._context = context
        self._login = login
        super().__init__(handler, hostname="127.0.0.1", port=free_port())

    def factory(self) -> SMTP:
        def judge(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
            del server, session, envelope, mechanism
            return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

        return SMTP(
            self.handler,
            tls_context=self._context,
            require_starttls=True,
            authenticator=judge if self._login else None,
            auth_required=self._login,
        )


Start = Callable[..., Destination]


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def start(mailbox: Mailbox) -> Iterator[Start]:
    """Start a server and return a destination that leads to it."""
    running: list[Controller] = []

    def begin(*, secured: bool = False, login: bool = False, **changes: Any) -> Destination:
        controller: Controller
        if secured:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            AUTHORITY.issue_cert("localhost").configure_cert(context)
            controller = _Secured(mailbox, context, login=login)
        else:
            controller = _Plain(mailbox, hostname="127.0.0.1", port=free_port())
        controller.start()
        running.append(controller)
        options = {
            "host": "localhost",
            "port": controller.port,
            "from": "ninja@example.org",
            "to": ("desk@example.org",),
            "insecure": True,
            "security": "starttls" if secured else "none",
            **changes,
        }
        destination = Destination("desk", "email", options, SendPolicy(time_zone="Europe/Berlin"))
        assert not KIND.complaints(destination)
        return destination

    yield begin
    for controller in running:
        controller.stop()


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def text_of(mail_: EmailMessage) -> str:
    part = mail_.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def fault_of(channel: MailChannel) -> Failure:
    outcome = channel.send(a_bundle())
    assert isinstance(outcome, Failure), outcome
    assert PASSWORD not in outcome.text
    return outcome


def test_a_signal_arrives_as_a_readable_mail(start: Start, mailbox: Mailbox) -> None:
    outcome = MailChannel(start()).send(a_bundle())
    identity = f"<{a_signal(1).id}.desk@ninja-daemon.invalid>"
    assert outcome == Sent(identity)
    (mail_,) = mailbox.mails
    assert mail_["Subject"] == "▼ SELL EUR/USD H4"
    assert mail_["Message-ID"] == identity
    assert mail_["To"] == "desk@example.org"
    text = text_of(mail_)
    for fact in ("1.09259", "1.10084 (82.5 pips)", "2022-03-04 19:00 CET", "1 : 1.5"):
        assert fact in text


def test_a_repeat_has_the_same_message_id_and_says_so(start: Start, mailbox: Mailbox) -> None:
    channel = MailChannel(start())
    channel.send(a_bundle())
    channel.send(a_bundle(repeat=True))
    first, second = mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert "X-Ninja-Possible-Repeat" not in first
    assert "This may be a repeat" in text_of(second)


def test_a_picture_that_is_there_is_shown_within_the_mail(start: Start, mailbox: Mailbox) -> None:
    picture = Attachment("EUR_USD.png", "image/png", b"\x89PNG picture")
    assert isinstance(MailChannel(start()).send(a_bundle(attachments=(picture,))), Sent)
    (mail_,) = mailbox.mails
    html = mail_.get_body(("html",))
    assert html is not None
    (image,) = [part for part in mail_.walk() if part.get_content_type() == "image/png"]
    assert image["Content-ID"].strip("<>") in html.get_content()
    assert image.get_content() == picture.content
    assert image.get_content_disposition() == "inline"
    assert "EUR/USD" in text_of(mail_)


def test_starttls_and_login(start: Start, mailbox: Mailbox) -> None:
    destination = start(secured=True, login=True, user="ninja", password=Secret(PASSWORD))
    assert isinstance(MailChannel(destination, trusting()).send(a_bundle()), Sent)
    assert len(mailbox.mails) == 1


def test_a_wrong_password_suspends(start: Start, mailbox: Mailbox) -> None:
    destination = start(secured=True, login=True, user="ninja", password=Secret("wrong"))
    assert fault_of(MailChannel(destination, trusting())).fault is Fault.BROKEN
    assert not mailbox.mails


def test_a_certificate_of_nobody_is_not_trusted(start: Start, mailbox: Mailbox) -> None:
    assert fault_of(MailChannel(start(secured=True))).fault is Fault.UNREACHED
    assert not mailbox.mails


def test_starttls_that_was_taken_out_on_the_way_suspends(start: Start, mailbox: Mailbox) -> None:
    failure = fault_of(MailChannel(start(security="starttls")))
    assert failure.fault is Fault.BROKEN
    assert "STARTTLS" in failure.text
    assert not mailbox.mails


@pytest.mark.parametrize(
    ("where", "answer", "fault"),
    [
        ("at_rcpt", "451 greylisted", Fault.UNREACHED),
        ("at_data", "451 greylisted", Fault.UNREACHED),
        ("at_rcpt", "550 no such mailbox", Fault.BROKEN),
        ("at_data", "550 not wanted", Fault.REFUSED),
        ("at_data", "552 too large", Fault.REFUSED),
    ],
)
def test_the_servers_answer_is_named_by_what_is_done_about_it(
    start: Start, mailbox: Mailbox, where: str, answer: str, fault: Fault
) -> None:
    setattr(mailbox, where, answer)
    failure = fault_of(MailChannel(start()))
    assert failure.fault is fault
    assert failure.status == int(answer[:3])


def test_a_server_that_is_not_there_was_certainly_not_reached(start: Start) -> None:
    destination = start()
    closed = Destination("desk", "email", {**destination.options, "port": 1})
    assert fault_of(MailChannel(closed)).fault is Fault.UNREACHED


def test_a_server_that_says_nothing_is_given_up_at_the_deadline() -> None:
    import socket  # noqa: PLC0415 - used here only

    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = {
            "host": "127.0.0.1",
            "port": silent.getsockname()[1],
            "from": "a@example.org",
            "to": ("b@example.org",),
            "insecure": True,
            "security": "none",
        }
        soon = Destination("desk", "email", options, SendPolicy(timeout=0.3))
        assert fault_of(MailChannel(soon)).fault is Fault.UNREACHED


def test_line_ends_in_a_text_cannot_add_headers(start: Start, mailbox: Mailbox) -> None:
    hostile = "hello\r\nBcc: thief@example.org\r\n\r\nbody"
    channel = MailChannel(start())
    assert isinstance(channel.send(a_bundle(a_notice_entry(text=hostile, topic="x"))), Sent)
    (mail_,) = mailbox.mails
    assert mail_["Bcc"] is None
    assert mail_["Subject"] == "ninja-daemon: X"


def test_a_digest_is_one_mail(start: Start, mailbox: Mailbox) -> None:
    entries = [an_entry(number, late=True) for number in range(1, 13)]
    assert isinstance(MailChannel(start()).send(a_bundle(*entries, digest=True)), Sent)
    (mail_,) = mailbox.mails
    assert mail_["Subject"] == "12 late signals: EUR/USD"
    assert all(entry.id[:8] in text_of(mail_) for entry in entries)

"""E-mail over SMTP, secured by STARTTLS or from the first byte."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
import time
from dataclasses import replace
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from html import escape
from typing import Final, NamedTuple

from ninja_daemon.adapters.channels.kind import ChannelKind, Complaints, Draft, options_of
from ninja_daemon.adapters.channels.wording.mail_html import mail_html
from ninja_daemon.adapters.channels.wording.plain import is_laid_out, plain_text, subject
from ninja_daemon.adapters.channels.words import harmless, shortened
from ninja_daemon.adapters.network.answers import Case, case_of
from ninja_daemon.adapters.network.connecting import Forbidden, Unreached, named, tls_context
from ninja_daemon.adapters.network.proxy import proxy_of
from ninja_daemon.adapters.network.reachability import Endpoint, Trouble
from ninja_daemon.adapters.network.smtp import SmtpClient, smtp_trouble
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, PostResult, Sent
from ninja_daemon.core.messages.message import Bundle, Kind
from ninja_daemon.core.messages.send_policy import Rate, SendPolicy
from ninja_daemon.core.secret import Secret

_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
"""Usual port of each kind of security."""
_LONGEST_SUBJECT: Final = 200


class Options(NamedTuple):
    """Options of an e-mail destination."""

    host: str
    """The mail server."""
    from_: str
    """Address of the sender."""
    to: tuple[str, ...]
    """Addresses of the readers."""
    port: int | None = None
    """Port of the server; left out, the usual one of ``security``."""
    security: str = "starttls"
    """``starttls``, ``tls`` (from the first byte), or ``none`` (only with ``insecure``)."""
    user: str = ""
    """Name to log in with; left out, there is no login."""
    password: Secret = Secret("")
    """Password of ``user``."""
    insecure: bool = False
    """Allow addresses that are not public, and no encryption."""


class MailChannel:
    """Sends one message a bundle, over a connection of its own."""

    inlines_pictures = True

    def __init__(self, destination: Destination, context: ssl.SSLContext | None = None) -> None:
        """Prepare; nothing is connected yet."""
        self._options = options_of(destination, Options)
        self._name = destination.name
        self._policy = destination.policy
        self._proxy = None if destination.proxy is None else proxy_of(destination.proxy)
        self._context = context
        self.provider = f"mail:{self._options.host}"

    def send(self, bundle: Bundle) -> PostResult:
        """Send; see the port."""
        message = self._message(bundle)
        deadline = time.monotonic() + self._policy.timeout
        client = SmtpClient(_endpoint_of(self._options), deadline, self._proxy)
        try:
            if failure := self._opened(client):
                return failure
            return self._handed_over(client, message)
        finally:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                client.close()

    def written(self, bundle: Bundle) -> Draft:
        """Return the mail as it is handed to the server."""
        return Draft({}, self._message(bundle).as_string())

    def _opened(self, client: SmtpClient) -> Failure | None:
        """Connect, secure, log in; nothing of this can deliver anything."""
        try:
            client.open(self._tls() if self._options.security == "tls" else None)
            if self._options.security == "starttls":
                client.starttls(context=self._tls())
                client.ehlo()
            if self._options.user:
                client.login(self._options.user, self._options.password.reveal())
        except Forbidden as error:
            return Failure(Fault.BROKEN, str(error))
        except smtplib.SMTPNotSupportedError:
            what = "STARTTLS" if self._options.security == "starttls" and not client.secured else "a login"
            return Failure(Fault.BROKEN, f"the mail server offers no {what}; it may have been taken out on the way")
        except smtplib.SMTPAuthenticationError as error:
            return Failure(Fault.BROKEN, f"the mail server refuses user or password ({error.smtp_code})")
        except smtplib.SMTPResponseException as error:
            return _failure(error.smtp_code, error.smtp_error)
        except (Unreached, OSError, smtplib.SMTPException, ValueError) as error:
            text = str(error) if isinstance(error, Unreached) else f"the mail server was not reached ({named(error)})"
            return Failure(Fault.UNREACHED, text)
        return None

    def _handed_over(self, client: SmtpClient, message: EmailMessage) -> PostResult:
        try:
            client.send_message(message, self._options.from_, list(self._options.to))
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            failure = _failure(code, text)
            # No part of the message has been sent by then: the fault is not the message's.
            return replace(failure, fault=Fault.BROKEN) if failure.fault is Fault.REFUSED else failure
        except smtplib.SMTPResponseException as error:
            return _failure(error.smtp_code, error.smtp_error)
        except smtplib.SMTPServerDisconnected:
            return Failure(Fault.AMBIGUOUS, "the mail server hung up before it confirmed")
        except (OSError, smtplib.SMTPException) as error:
            return Failure(Fault.AMBIGUOUS, f"the mail server did not confirm ({named(error)})")
        with contextlib.suppress(OSError, smtplib.SMTPException):
            client.quit()
        return Sent(str(message["Message-ID"]))

    def _message(self, bundle: Bundle) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._options.from_
        message["To"] = ", ".join(self._options.to)
        message["Subject"] = shortened(harmless(subject(bundle, self._policy)), _LONGEST_SUBJECT)
        message["Date"] = formatdate(time.time())
        # Stable, so that a mail program that sees a repeat can know it.
        message["Message-ID"] = f"<{bundle.id}.{self._name}@ninja-daemon.invalid>"
        message["Auto-Submitted"] = "auto-generated"
        if bundle.entries[0].kind is Kind.SIGNAL:
            message["X-Ninja-Signal"] = bundle.id
        if bundle.repeat:
            message["X-Ninja-Possible-Repeat"] = "true"
        text = plain_text(bundle, self._policy)
        message.set_content(text + "\n", cte="quoted-printable")
        cid = f"{bundle.id}@ninja-daemon.invalid" if bundle.attachments else ""
        if is_laid_out(bundle, self._policy):
            message.add_alternative(mail_html(bundle, self._policy, cid), subtype="html")
        elif cid:
            message.add_alternative(f'<pre>{escape(text)}</pre><img src="cid:{cid}" alt="">', subtype="html")
        for picture in bundle.attachments:
            main, sub = picture.media_type.split("/")
            html = list(message.iter_parts())[-1]
            assert isinstance(html, EmailMessage)  # noqa: S101 - the alternative that was added
            html.add_related(picture.content, main, sub, disposition="inline", cid=f"<{cid}>", filename=picture.name)
        return message

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = tls_context()
        return self._context

    def close(self) -> None:
        """Nothing is kept open."""


# --- what its answers mean -------------------------------------------------------------------------------------------

_AUTH: Final = "RFC 4954, 6"
TABLE: Final = (
    *(Case(Fault.BROKEN, _AUTH, status) for status in (530, 534, 535, 538)),
    *(Case(Fault.REFUSED, f"RFC 3463, {words}", words=words, blames_message=True) for words in (" 5.2.3", " 5.3.4")),
    Case(Fault.REFUSED, "RFC 3463, 3.7: the content", words=" 5.6.", blames_message=True),
    *(
        Case(Fault.BROKEN, source, words=f" {words}")
        for words, source in {
            "5.1.": "RFC 3463, 3.2: there is no such address",
            "5.2.": "RFC 3463, 3.3: the mailbox takes no mail",
            "5.3.": "RFC 3463, 3.4: the mail system takes no mail",
            "5.4.": "RFC 3463, 3.5: there is no way there",
            "5.7.3": "RFC 3463, 3.8: security features are missing",
            "5.7.8": _AUTH,
            "5.7.60": "Exchange Online: no right to send as this sender",
        }.items()
    ),
)
"""What a mail server's answers mean, by the status and the enhanced code behind it; the first row counts."""


def _failure(code: int, said: bytes | str) -> Failure:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    sentence = f"the mail server answers {code}: {harmless(' '.join(text.split()))[:200]}"
    if 400 <= code < 500:  # noqa: PLR2004 - "try again later"
        return Failure(Fault.UNREACHED, sentence, code)
    row = case_of(TABLE, code, None, sentence)
    if row is None:
        return Failure(Fault.REFUSED, sentence, code)
    return Failure(row.fault, sentence, code, blames_message=row.blames_message)


def _is_address(text: str) -> bool:
    address = parseaddr(text)[1]
    local, _, domain = address.rpartition("@")
    return bool(local and domain) and address == text and text.isascii() and text.isprintable() and " " not in text


def _complaints(destination: Destination) -> Complaints:
    options = options_of(destination, Options)
    found = []
    if options.security not in _PORTS:
        found.append(("security", f"must be one of {', '.join(_PORTS)}"))
    elif options.security == "none" and not options.insecure:
        found.append(("security", "must be starttls or tls (none only with insecure = true)"))
    for key, addresses in {"from": (options.from_,), "to": options.to}.items():
        if not all(_is_address(address) for address in addresses):
            found.append((key, "must be an address like desk@example.org"))
    if bool(options.user) != bool(options.password.reveal()):
        found.append(("password", "must be set together with user"))
    return found


def _endpoint_of(options: Options) -> Endpoint:
    port = _PORTS[options.security] if options.port is None else options.port
    return Endpoint(options.host, port, options.security == "tls", options.insecure)


def _endpoint(destination: Destination) -> Endpoint:
    return _endpoint_of(options_of(destination, Options))


def _trial(destination: Destination) -> Trouble | None:
    """Let the server greet us, and secure the connection."""
    options = options_of(destination, Options)
    proxy = None if destination.proxy is None else proxy_of(destination.proxy)
    return smtp_trouble(_endpoint_of(options), proxy, starttls=options.security == "starttls")


KIND: Final = ChannelKind(
    "email", Options, MailChannel, _endpoint, _complaints, SendPolicy(rate=Rate(20, 60.0)), trial=_trial
)

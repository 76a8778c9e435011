"""E-mail over SMTP, secured by STARTTLS or from the first byte."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import time
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Final, NamedTuple

from ninja_daemon.adapters.channels.kind import ChannelKind, Complaints, options_of
from ninja_daemon.adapters.channels.words import harmless, plain_text, shortened, subject
from ninja_daemon.adapters.network.posting import Forbidden, Unreached, connect_checked, tls_context
from ninja_daemon.adapters.network.reachability import Endpoint
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, Outcome, Sent
from ninja_daemon.core.messages.message import Kind, Parcel
from ninja_daemon.core.messages.send_policy import Manners, Rate
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.delivery.delivery_ports import DEADLINE

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
    """Sends one message a parcel, over a connection of its own."""

    def __init__(self, destination: Destination, context: ssl.SSLContext | None = None) -> None:
        """Prepare; nothing is connected yet."""
        self._options = options_of(destination, Options)
        self._name = destination.name
        self._manners = destination.manners
        self._context = context
        self.provider = f"mail:{self._options.host}"

    def send(self, parcel: Parcel) -> Outcome:
        """Send; see the port."""
        message = self._message(parcel)
        deadline = time.monotonic() + DEADLINE
        client = _Client(_endpoint_of(self._options), deadline)
        try:
            if failure := self._opened(client):
                return failure
            return self._handed_over(client, message)
        finally:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                client.close()

    def _opened(self, client: _Client) -> Failure | None:
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
            text = str(error) if isinstance(error, Unreached) else f"the mail server was not reached ({_named(error)})"
            return Failure(Fault.UNREACHED, text)
        return None

    def _handed_over(self, client: _Client, message: EmailMessage) -> Outcome:
        try:
            client.send_message(message, self._options.from_, list(self._options.to))
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            return _failure(code, text)
        except smtplib.SMTPResponseException as error:
            return _failure(error.smtp_code, error.smtp_error)
        except smtplib.SMTPServerDisconnected:
            return Failure(Fault.AMBIGUOUS, "the mail server hung up before it confirmed")
        except (OSError, smtplib.SMTPException) as error:
            return Failure(Fault.AMBIGUOUS, f"the mail server did not confirm ({_named(error)})")
        with contextlib.suppress(OSError, smtplib.SMTPException):
            client.quit()
        return Sent(str(message["Message-ID"]))

    def _message(self, parcel: Parcel) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._options.from_
        message["To"] = ", ".join(self._options.to)
        message["Subject"] = shortened(harmless(subject(parcel)), _LONGEST_SUBJECT)
        message["Date"] = formatdate(time.time())
        # Stable, so that a mail program that sees a repeat can know it.
        message["Message-ID"] = f"<{parcel.id}.{self._name}@ninja-daemon.invalid>"
        message["Auto-Submitted"] = "auto-generated"
        if parcel.entries[0].kind is Kind.SIGNAL:
            message["X-Ninja-Signal"] = parcel.id
        if parcel.repeat:
            message["X-Ninja-Possible-Repeat"] = "true"
        message.set_content(plain_text(parcel, self._manners.time_zone, self._manners.template) + "\n")
        return message

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = tls_context()
        return self._context

    def close(self) -> None:
        """Nothing is kept open."""


class _Client(smtplib.SMTP):
    """An SMTP client on a connection to a checked address, with one deadline for everything."""

    def __init__(self, endpoint: Endpoint, deadline: float) -> None:
        super().__init__(timeout=DEADLINE, local_hostname="ninja-daemon.invalid")
        self._host = endpoint.host
        self._where = (endpoint.host, endpoint.port)
        self._insecure = endpoint.insecure
        self._deadline = deadline
        self._tls: ssl.SSLContext | None = None

    def open(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        code, text = self.connect(*self._where)
        if code != 220:  # noqa: PLR2004 - "ready"
            raise smtplib.SMTPConnectError(code, text)
        self.ehlo_or_helo_if_needed()

    @property
    def secured(self) -> bool:
        return isinstance(self.sock, ssl.SSLSocket)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        del timeout
        made = connect_checked(host, port, insecure=self._insecure, deadline=self._deadline)
        made.settimeout(self._left())
        return made if self._tls is None else self._tls.wrap_socket(made, server_hostname=host)

    def getreply(self) -> tuple[int, bytes]:
        if self.sock is not None:
            self.sock.settimeout(self._left())
        return super().getreply()

    def _left(self) -> float:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining


def _failure(code: int, said: bytes | str) -> Failure:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    sentence = f"the mail server answers {code}: {harmless(' '.join(text.split()))[:200]}"
    if 400 <= code < 500:  # noqa: PLR2004 - "try again later"
        return Failure(Fault.UNREACHED, sentence, code)
    if code in {530, 534, 535}:
        return Failure(Fault.BROKEN, sentence, code)
    return Failure(Fault.REFUSED, sentence, code)


def _is_address(text: str) -> bool:
    address = parseaddr(text)[1]
    local, _, domain = address.rpartition("@")
    return bool(local and domain) and address == text and text.isascii() and text.isprintable() and " " not in text


def _named(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


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


KIND: Final = ChannelKind("email", Options, MailChannel, _endpoint, _complaints, Manners(rate=Rate(20, 60.0)))

"""A generic webhook: the signal's JSON as the body, signed by the Standard Webhooks scheme when there is a secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from ninja_daemon import __version__
from ninja_daemon.adapters.channels.kind import ChannelKind, Complaints, endpoint_at, options_of, poster_for
from ninja_daemon.adapters.network.answers import failure_of
from ninja_daemon.adapters.network.connecting import url_complaint
from ninja_daemon.core.messages.destination import Destination, Failure, Outcome, Sent
from ninja_daemon.core.messages.message import Parcel
from ninja_daemon.core.secret import Secret

_PREFIX: Final = "whsec_"
_LEAST_KEY: Final = 16
_NEW_KEY: Final = 32
_KEY_FORM: Final = (
    f"must be base64 of at least {_LEAST_KEY} bytes, with whsec_ before it or not; "
    "make one with: ninja-daemon notify --new-secret"
)
_LONGEST_ID: Final = 128
_ID: Final = re.compile(r"[\x21-\x7e]+", re.ASCII)


class Options(NamedTuple):
    """Options of a webhook destination."""

    url: Secret
    """Address that messages are posted to."""
    insecure: bool = False
    """Allow plain http and addresses that are not public."""
    secret: Secret | None = None
    """Key that signs messages: base64 of at least 16 bytes, with ``whsec_`` before it or not."""


def signing_key(secret: str) -> bytes:
    """Return the key inside a secret, as receivers that use the Standard Webhooks library do: always from base64.

    Raises:
        ValueError: it is not base64, or of too few bytes.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError as error:  # binascii's, and that of letters beyond ASCII
        raise ValueError(_KEY_FORM) from error
    if len(key) < _LEAST_KEY:
        raise ValueError(_KEY_FORM)
    return key


def new_secret() -> str:
    """Return a secret that nobody has had before, as both sides are told it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_NEW_KEY)).decode()


def signature(key: bytes, identity: str, timestamp: int, body: bytes) -> str:
    """Sign id, time and body (Standard Webhooks, version 1)."""
    signed = f"{identity}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class WebhookChannel:
    """Posts JSON; any 2xx accepts it (contract 6)."""

    def __init__(self, destination: Destination, now: Callable[[], float] = time.time) -> None:
        """Prepare address and key; nothing is connected yet."""
        url, insecure, secret = options_of(destination, Options)
        self._poster = poster_for(destination, url.reveal(), insecure=insecure)
        self.provider = f"webhook:{destination.name}"
        self._key = signing_key(secret.reveal()) if secret else None
        self._now = now

    def send(self, parcel: Parcel) -> Outcome:
        """Post; see the port."""
        body = self._body(parcel)
        reply = self._poster.post(body, self._headers(parcel, body))
        if isinstance(reply, Failure):
            return reply
        if 200 <= reply.status < 300:  # noqa: PLR2004 - the family of successes
            return Sent(_message_id(reply.headers.get("webhook-message-id", "")))
        return failure_of(reply)

    @staticmethod
    def _body(parcel: Parcel) -> bytes:
        # The text as it stood in the list: no number passes through a float, no byte changes.
        texts = [entry.text for entry in parcel.entries]
        joined = f"[{','.join(texts)}]" if parcel.grouped or parcel.digest else texts[0]
        return joined.encode()

    def _headers(self, parcel: Parcel, body: bytes) -> dict[str, str]:
        timestamp = int(self._now())
        kind = "digest" if parcel.digest else parcel.entries[0].kind.value
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"ninja-daemon/{__version__}",
            "webhook-id": parcel.id,
            "webhook-timestamp": str(timestamp),
            "ninja-kind": kind,
        }
        if parcel.repeat:
            headers["ninja-possible-repeat"] = "true"
        if any(signal.late for signal in parcel.signals):
            headers["ninja-late"] = str(int(parcel.late_by))
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, parcel.id, timestamp, body)
        return headers

    def close(self) -> None:
        """Let the connection go."""
        self._poster.close()


def _message_id(text: str) -> str:
    return text if len(text) <= _LONGEST_ID and _ID.fullmatch(text) else ""


def _complaints(destination: Destination) -> Complaints:
    url, insecure, secret = options_of(destination, Options)
    found = []
    if complaint := url_complaint(url.reveal(), insecure=insecure):
        found.append(("url", complaint))
    try:
        if secret:
            signing_key(secret.reveal())
    except ValueError as error:
        found.append(("secret", str(error)))
    return found


KIND: Final = ChannelKind("webhook", Options, WebhookChannel, endpoint_at("url", Options), _complaints)

"""Signatures of webhooks by the Standard Webhooks scheme."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final

_PREFIX: Final = "whsec_"
_LEAST_KEY: Final = 16
_NEW_KEY: Final = 32
_KEY_FORM: Final = (
    f"must be base64 of at least {_LEAST_KEY} bytes, with whsec_ before it or not; "
    "make one with: ninja-daemon notify --new-secret"
)


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

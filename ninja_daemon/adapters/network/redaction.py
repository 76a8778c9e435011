"""Takes out of texts what must not leave the process: secrets in any usual spelling, characters that forge lines."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote, quote_plus

from ninja_daemon.core.secret import Secret

HIDDEN: Final = "***"

_SHORTEST: Final = 3
"""A shorter secret protects nothing, and blanking it would spoil half of every sentence."""
_LONG: Final = 8
"""A secret of this length or more is also found inside other words and in base64."""
_LONG_PIECE: Final = 12
"""Shorter pieces of an address are words like ``webhooks``."""
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#\s]*(?P<rest>[/?][^#\s]*)")
_DEEPEST: Final = 6
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ESCAPES: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}

_SECRET_FIELD: Final = re.compile(
    r"token|secret|passw(?:or)?d|passphrase|authorization|credential|api_?key|dsn|cookie|account_?id", re.IGNORECASE
)
_PATTERNS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"\b(bearer)\s+[A-Za-z0-9._~+/=\-]+", rf"\1 {HIDDEN}"),
        (r"\b(basic)\s+(?=[a-z]*[0-9+/=])[A-Za-z0-9+/=]{6,}", rf"\1 {HIDDEN}"),
        (r"(/api/(?:v\d+/)?webhooks/)\d+/[\w.\-]+", rf"\1{HIDDEN}"),
        (r"/bot\d+:[\w\-]+", f"/bot{HIDDEN}"),
        (r"(/v3/accounts/)[^/?\s\"']+", rf"\1{HIDDEN}"),
        (r"\b((?!https?:|rediss?:|unix:|file:)[a-z][a-z0-9+.\-]{1,20}://)[^\s\"'<>]+", rf"\1{HIDDEN}"),
        (r"\b([a-z][a-z0-9+.\-]{1,20}://)[^\s/@\"'<>]*(?:@|%40)", rf"\1{HIDDEN}@"),
        (r"([?&][^=&\s]*(?:token|secret|passw|key|sig|auth)[^=&\s]*=)[^&\s\"']+", rf"\1{HIDDEN}"),
        (r"([\"'][^\"']*(?:token|secret|password|authorization)[^\"']*[\"']\s*:\s*)([\"']).*?\2", rf"\1\2{HIDDEN}\2"),
    )
)


class Redaction:
    """Blanks secrets in texts and in logged fields."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        """Work out every spelling of ``secrets`` once."""
        texts = {part for secret in secrets for part in _parts(secret.reveal())}
        long = {spelling for text in texts if len(text) >= _LONG for spelling in _spellings(text)}
        short = {text for text in texts if _SHORTEST <= len(text) < _LONG}
        alternatives = [re.escape(text) for text in sorted(long, key=len, reverse=True)]
        alternatives += [rf"(?<![^\W_]){re.escape(text)}(?![^\W_])" for text in sorted(short, key=len, reverse=True)]
        self._exact = re.compile("|".join(alternatives)) if alternatives else None

    def text(self, text: str) -> str:
        """Return ``text`` with every secret blanked out."""
        if self._exact is not None:
            text = self._exact.sub(HIDDEN, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def field(self, name: str, value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - whatever is logged
        """Return the value of a logged field: numbers as they are, everything else as redacted text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if _SECRET_FIELD.search(name):
            return HIDDEN
        if depth < _DEEPEST and isinstance(value, dict):
            return {self.text(str(key)): self.field(str(key), item, depth + 1) for key, item in value.items()}
        if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
            return [self.field(name, item, depth + 1) for item in value]
        return self.text(str(value))


def escaped(text: str) -> str:
    """Return ``text`` on one line. Control and direction characters become escapes."""
    return _UNSAFE.sub(lambda match: _ESCAPES.get(match[0], f"\\x{ord(match[0]):02x}"), text)


def _parts(text: str) -> Iterator[str]:
    """Yield a secret. For an address, also yield its path, the long pieces of the path and the values of its query."""
    yield text
    address = _ADDRESS.match(text)
    if address is None:
        return
    path, _, query = address["rest"].partition("?")
    pieces = [path.strip("/"), *(value.partition("=")[2] for value in query.split("&"))]
    yield from (piece for piece in pieces if len(piece) >= _LONG)
    yield from (piece for piece in path.split("/") if len(piece) >= _LONG_PIECE)


def _spellings(text: str) -> Iterator[str]:
    """Yield the spellings of a secret: in URLs, in JSON, in Python's repr, and in base64 at any offset."""
    raw = text.encode("utf-8", "surrogatepass")
    yield text
    yield quote(raw, safe="")
    yield quote(raw)
    yield quote_plus(raw)
    yield json.dumps(text)[1:-1]
    yield repr(text)[1:-1]
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + raw)
        # The characters at both ends also hold bits of what stands beside the secret. Those between are its own.
        first = (lead * 8 + 5) // 6
        last = (lead + len(raw)) * 8 // 6
        certain = encoded[first:last].decode()
        yield certain
        yield certain.replace("+", "-").replace("/", "_")

"""What an HTTP answer of the broker means: strict JSON, our error for each status, the pause that it asks for."""

from __future__ import annotations

import json
from typing import Any, Final

from ninja_daemon.core.errors import BrokerDenied, BrokerRefused, BrokerUnavailable, NinjaError

UNAUTHORISED, FORBIDDEN, _TOO_MANY, _SERVER_ERROR, ERROR = 401, 403, 429, 500, 400
_LONGEST_TEXT: Final = 200


def plain_json(body: bytes) -> object:
    """Read a body more strictly than the library does: no key twice, no NaN.

    Raises:
        ValueError: it is not UTF-8, not JSON, or not plain.
        RecursionError: it is nested too deeply.
    """
    answer: object = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_number)
    return answer


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        message = "a key comes twice"
        raise ValueError(message)
    return fields


def _no_number(name: str) -> None:
    message = f"{name} is no number"
    raise ValueError(message)


def unreadable(status: int, error: Exception, retry_after: float | None) -> NinjaError:
    """Return the error for an answer that cannot be read: by its status if that is an error, else it is torn."""
    if status >= ERROR:
        return refusal(status, "", retry_after)
    return BrokerUnavailable(
        f"the broker's answer (HTTP {status}) must be JSON in UTF-8, was not ({type(error).__name__})"
    )


def refusal(code: int, body: str, retry_after: float | None) -> NinjaError:
    """Turn an HTTP error into ours."""
    text = _error_text(body)
    said = f"HTTP {code}: {text}" if text else f"HTTP {code}"
    if code == UNAUTHORISED:
        return BrokerDenied(f"the broker does not accept OANDA_ACCESS_TOKEN for this environment ({said})")
    if code == FORBIDDEN:
        return BrokerDenied(f"the broker does not let this token use OANDA_ACCOUNT_ID ({said})")
    if code == _TOO_MANY:
        return BrokerUnavailable(f"the broker asks for fewer requests ({said})", retry_after=retry_after)
    if code >= _SERVER_ERROR:
        return BrokerUnavailable(f"the broker is in trouble ({said})", retry_after=retry_after)
    return BrokerRefused(f"the broker refuses the request ({said})")


def _error_text(body: str) -> str:
    """Return the text of the broker's error on one short line; empty for a page of HTML."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return "not JSON" if body.strip() else ""
    text = fields.get("errorMessage") if isinstance(fields, dict) else None
    if not isinstance(text, str):
        return ""
    return "".join(character if character.isprintable() else " " for character in text[:_LONGEST_TEXT])

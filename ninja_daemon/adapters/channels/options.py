"""Reading a destination's options."""

from __future__ import annotations

import json

from ninja_daemon.core.messages.destination import Destination
from ninja_daemon.core.secret import Secret


def text_option(destination: Destination, name: str, default: str = "") -> str:
    """Return an option as text, a secret revealed; ``default`` when it is not set."""
    value = destination.options.get(name)
    if isinstance(value, Secret):
        return value.reveal()
    return value if isinstance(value, str) else default


def number_option(destination: Destination, name: str, default: int) -> int:
    """Return an option as a whole number."""
    value = destination.options.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def list_option(destination: Destination, name: str) -> tuple[str, ...]:
    """Return an option as a list of texts."""
    value = destination.options.get(name)
    if isinstance(value, str):
        return (value,)
    return value if isinstance(value, tuple) else ()


def json_object(body: bytes) -> dict[str, object]:
    """Read a reply that should be a JSON object; an empty one when it is not."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}

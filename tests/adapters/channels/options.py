"""Options of a destination of each channel, for every test: one row a channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from ninja_daemon.core.messages.destination import OptionValue
from ninja_daemon.core.secret import Secret

TOKEN: Final = "123456:ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Options = dict[str, OptionValue]

# fmt: off
ROWS: Final[Mapping[str, Callable[[str], Options]]] = {
    "console": lambda _: {},
    "webhook": lambda url: {"url": Secret(f"{url}/hook"), "insecure": True, "secret": Secret("whsec_" + "QUJD" * 8)},
    "discord": lambda url: {"url": Secret(f"{url}/api/webhooks/42/{TOKEN}"), "insecure": True},
    "telegram": lambda url: {"token": Secret(TOKEN), "chat_id": "-100200", "api_url": url, "insecure": True},
    "email": lambda url: {**at(url), "security": "none", "insecure": True, "from": "a@b.test", "to": ("c@d.test",)},
    "ntfy": lambda url: {"topic": Secret("club-4f7a"), "url": url, "token": Secret(TOKEN), "insecure": True},
    "apprise": lambda url: {"url": Secret(url.replace("http:", "json:"))},
}
"""Options of a destination whose server is at an address such as ``http://127.0.0.1:8080``."""
# fmt: on


def at(url: str) -> Options:
    parts = urlsplit(url)
    return {"host": parts.hostname or "", "port": parts.port or 0}

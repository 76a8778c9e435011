"""Proxies of the environment: they are used only where the configuration names them, which few programs do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.core.messages.destination import Delivery
from ninja_daemon.core.secret import Secret

_NAMES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy")


def check_proxies(environ: Mapping[str, str], delivery: Delivery, broker: Secret | None) -> Iterator[Finding]:
    """Say that the environment names a proxy that nothing goes through."""
    used = {proxy.reveal() for proxy in (broker, *(one.proxy for one in delivery.destinations)) if proxy is not None}
    found = next((name for name in _NAMES if environ.get(name, "").strip()), None)
    if found is None or environ[found].strip() in used:
        return
    cause = (
        f"{found} is set in the environment, and nothing goes through that proxy: neither the broker nor a destination"
    )
    cure = f'where it is needed, write proxy = "env:{found}" under [broker] or the destination'
    yield Finding(Level.INFO, "environment.proxy", "environment", cause, cure)

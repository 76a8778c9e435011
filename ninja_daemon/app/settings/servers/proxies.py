"""The address of a proxy, of a destination or on the way to the broker; and ``[broker]``, which holds nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ninja_daemon.adapters.network.proxy import proxy_complaint
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.toml_file import read_toml
from ninja_daemon.app.settings.values import TEXT, Refused, must_be, shown_key
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.words import not_a_key


def looked_up(value: object, secret: Callable[[str], Secret | None]) -> Secret:
    """Read a text, or the value behind ``env:NAME``.

    Raises:
        Refused: the name is not set.
        ValueError: it is no text.
    """
    text = TEXT.read(value)
    name = text.removeprefix("env:").strip()
    found = secret(name) if text.startswith("env:") else Secret(text)
    if found is None:
        cure = "set it in the environment, in .env or as a systemd credential"
        raise Refused(("", f"names {name[:64]}, which is not set; {cure}"))
    return found


def lookup_in(environment: Environment, file: str, problems: list[str]) -> Callable[[str], Secret | None]:
    """Return what looks up the values behind ``env:NAME`` of a file, and puts what is wrong with one on the list."""

    def lookup(name: str) -> Secret | None:
        try:
            return environment.lookup(name)
        except ConfigError as error:
            problems.extend(f"{file}: {problem}" for problem in error.problems)
            return None

    return lookup


def proxy_address(value: object, secret: Callable[[str], Secret | None]) -> Secret:
    """Read the address of a proxy; raises as ``looked_up`` does, and Refused when it cannot be one."""
    proxy = looked_up(value, secret)
    if complaint := proxy_complaint(proxy.reveal()):
        raise Refused(("", complaint))
    return proxy


def proxy_of_file(environment: Environment) -> Secret | None:
    """Return the proxy on the way to the broker; None for none, also where the file, which others check, has faults."""
    try:
        proxy = broker_proxy(read_toml(environment.config_path).get("broker", {}), environment.lookup)
    except (ConfigError, Refused):
        return None
    if proxy is not None:
        environment.remember(proxy)
    return proxy


def broker_proxy(table: object, secret: Callable[[str], Secret | None]) -> Secret | None:
    """Read the table ``[broker]`` of the file: the proxy on the way to the broker, None to go straight.

    Raises:
        Refused: the table has a fault.
    """
    if not isinstance(table, Mapping):
        raise Refused(("", must_be("a table, [broker]", table)))
    unknown = [(f".{shown_key(name)}", not_a_key(name, ("proxy",))) for name in table if name != "proxy"]
    if unknown:
        raise Refused(*unknown)
    try:
        return proxy_address(table["proxy"], secret) if "proxy" in table else None
    except Refused as refused:
        raise Refused(*refused.inside(".proxy")) from None
    except ValueError:
        raise Refused((".proxy", 'must be text like "env:HTTPS_PROXY"')) from None

"""What the command lines of the commands that last ask for."""

from __future__ import annotations

from typing import NamedTuple

from ninja_daemon.adapters.telemetry.log_level import LogLevel
from ninja_daemon.app.configuration import Configuration
from ninja_daemon.core.errors import ConfigError


class RunOptions(NamedTuple):
    """Of ``run``.

    Attributes:
        once: one pass over all strategies.
        processes: how many share the shards.
        log_level: lowest level that is shown.
    """

    once: bool
    processes: int
    log_level: LogLevel


class NotifyOptions(NamedTuple):
    """Of ``notify``.

    Attributes:
        drain: deliver until nothing is due.
        log_level: lowest level that is shown.
    """

    drain: bool
    log_level: LogLevel


class WebOptions(NamedTuple):
    """Of ``web``, checked.

    Attributes:
        address: host and port.
        hosts: names under which it may be asked.
        delay: seconds from a candle's close to what strangers are shown; None for the owner's page.
        log_level: lowest level that is shown.
        stamp: when the configuration file had been changed before it was read.
    """

    address: tuple[str, int]
    hosts: tuple[str, ...]
    delay: float | None
    log_level: LogLevel
    stamp: int | None = None


def require_strategies(configuration: Configuration) -> None:
    """Refuse a configuration that names nothing to watch.

    Raises:
        ConfigError: there is no strategy.
    """
    if not configuration.strategies:
        message = f"{configuration.path}: [strategies.NAME] must be there at least once, there is none to watch"
        raise ConfigError(message)

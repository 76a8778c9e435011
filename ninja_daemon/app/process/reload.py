"""Taking a changed configuration file over while running (contract 7)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from structlog.typing import FilteringBoundLogger

from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.process.ending import EXIT_CONFIGURATION
from ninja_daemon.app.process.process_note import ProcessNote, ReloadAnswer
from ninja_daemon.app.queues.opening import store_label
from ninja_daemon.app.settings.environment import Environment, inspect_environment
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.strategy import Strategy

_NEEDS_RESTART: Final = {
    "access_token": "OANDA_ACCESS_TOKEN",
    "account_id": "OANDA_ACCOUNT_ID",
    "api_url": "OANDA_API_URL",
    "redis_url": "REDIS_URL",
    "cache_enabled": "CACHE_ENABLED",
    "cache_ttl_ma_state": "CACHE_TTL_MA_STATE",
    "cache_ttl_last_processed": "CACHE_TTL_LAST_PROCESSED",
    "config_path": "NINJA_CONFIG",
    "namespace": "NINJA_NAMESPACE",
    "state_dir": "NINJA_STATE_DIR",
    "metrics": "NINJA_METRICS",
    "ping_url": "NINJA_PING_URL",
    "ping_insecure": "NINJA_PING_INSECURE",
}
_NAMED: Final = 6


def scope_of(environment: Environment) -> str:
    """Return what a process works on: two processes of one scope are of one product."""
    return f"{store_label(environment)}|{environment.namespace}"


class Reload:
    """Called for each SIGHUP, in a thread of its own; one at a time."""

    def __init__(
        self,
        environment: Environment,
        configuration: Configuration,
        *,
        note: ProcessNote,
        log: FilteringBoundLogger,
        take_over: Callable[[Configuration], None],
        refused: Callable[[str], None],
    ) -> None:
        """Begin with what was read at the start.

        Args:
            environment: of the start; it stays in force.
            configuration: of the start.
            note: where it is said what is in force.
            log: the same.
            take_over: goes on with a configuration that works; raises ConfigError when it does not after all.
            refused: alerts that a file was refused.
        """
        self._environment = environment
        self._configuration = configuration
        self._servers = configuration.servers
        self._note = note
        self._log = log
        self._take_over = take_over
        self._refused = refused
        self._count = 0
        self._write(ReloadAnswer())

    def __call__(self) -> None:
        """Read the file again; take it over, or keep the old settings and say why."""
        from ninja_daemon.app.settings.strategies import inspect_configuration  # noqa: PLC0415 - ten megabytes

        self._count += 1
        new, problems = inspect_configuration(self._environment)
        if new is None or problems:
            self._refuse(problems)
            return
        try:
            self._take_over(new)
        except ConfigError as error:
            self._refuse(error.problems)
            return
        said = change(self._configuration, new)
        self._configuration = new
        self._log.info(f"the configuration was taken over: {said}", event_id="settings.reloaded")
        restart = needs_restart(self._environment)
        if new.servers != self._servers:
            restart += ("[redis] or [shards] differs from the start, and needs a restart",)
        for sentence in restart:
            self._log.warning(sentence, event_id="settings.restart")
        self._write(ReloadAnswer(self._count, said=(said, *restart)))

    def _refuse(self, problems: Sequence[str]) -> None:
        for problem in problems:
            self._log.error(f"the old settings stay in force: {problem}", event_id="settings.refused")
        self._refused(f"A changed configuration was refused, the old one stays in force: {'; '.join(problems)}"[:1_000])
        self._write(ReloadAnswer(self._count, EXIT_CONFIGURATION, tuple(problems)))

    def _write(self, answer: ReloadAnswer) -> None:
        self._note.write(self._configuration.strategies, fingerprint(self._configuration), answer)


def needs_restart(environment: Environment) -> tuple[str, ...]:
    """Return a sentence for what the environment says otherwise than at the start; nothing of the values."""
    fresh, _ = inspect_environment()
    names = [name for field, name in _NEEDS_RESTART.items() if getattr(fresh, field) != getattr(environment, field)]
    if not names:
        return ()
    says = (
        "differs from its value at the start, and needs"
        if len(names) == 1
        else "differ from their values at the start, and need"
    )
    return (f"{', '.join(names)} {says} a restart",)


def fingerprint(configuration: Configuration) -> str:
    """Return a digest of destinations, routes and the calendar, their secrets included, none of which shows in it."""
    delivery, calendar = configuration.delivery, configuration.calendar
    options = [option for destination in delivery.destinations for option in destination.options.values()]
    secrets = [option.reveal() for option in options if isinstance(option, Secret)]
    told: tuple[object, ...] = (delivery, secrets)
    if calendar is not None:
        told += (calendar, calendar.url and calendar.url.reveal())
    return hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def change(old: Configuration, new: Configuration) -> str:
    """Say in a line what is different."""
    parts = [*strategy_changes(old.strategies, new.strategies)]
    if old.delivery != new.delivery:
        parts.append("destinations or routes changed")
    if old.calendar != new.calendar:
        parts.append("the calendar changed")
    return "; ".join(parts) or "nothing is different"


def strategy_changes(old: Sequence[Strategy], new: Sequence[Strategy]) -> list[str]:
    """Say which strategies were added, removed and changed."""
    before, after = ({strategy.name: strategy for strategy in each} for each in (old, new))
    groups = {
        "added": [name for name in after if name not in before],
        "removed": [name for name in before if name not in after],
        "changed": [name for name in after if name in before and after[name] != before[name]],
    }
    return [f"{word} {_listed(names)}" for word, names in groups.items() if names]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"

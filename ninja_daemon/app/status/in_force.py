"""The settings in force, which a running process notes, and how the file on disk differs from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ninja_daemon.app.process.process_note import live_processes
from ninja_daemon.app.process.reload import fingerprint, scope_of, strategy_changes
from ninja_daemon.app.settings.environment import Environment, inspect_environment
from ninja_daemon.app.settings.strategies import Configuration, inspect_configuration
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.signals.strategy import Strategy


def shown_settings(
    environ: Mapping[str, str],
) -> tuple[Environment, Sequence[Strategy], Sequence[str], Sequence[str]]:
    """Return environment, strategies in force, names of destinations, and sentences about a file that says otherwise.

    A file that cannot work hides nothing while a daemon runs here: its own settings are shown.

    Raises:
        ConfigError: the file cannot work, and no daemon of this machine has settings of its own.
    """
    environment, problems = inspect_environment(environ)
    configuration, more = inspect_configuration(environment)
    if configuration is not None and not problems and not more:
        strategies, notes = in_force(environment, configuration)
        return environment, strategies, [each.name for each in configuration.delivery.destinations], notes
    running = [] if problems else live_processes(environment.state_dir, scope_of(environment))
    daemons = [process for process in running if process.role == "run"]
    if not daemons:
        raise ConfigError(*problems, *more)
    note = f"the file on disk cannot work, the settings before it stay in force: {'; '.join(more)}"
    return environment, daemons[-1].strategies, (), (note,)


def in_force(
    environment: Environment, configuration: Configuration, *, with_delivery: bool = True
) -> tuple[Sequence[Strategy], Sequence[str]]:
    """Return the strategies that the daemon of this machine works by, and a sentence where the file says otherwise.

    Without a daemon here the file's are returned: they will be in force.

    Args:
        environment: where its note lies.
        configuration: what the file says.
        with_delivery: destinations and routes are compared, too; not where their secrets cannot be read.
    """
    processes = live_processes(environment.state_dir, scope_of(environment))
    daemons = [process for process in processes if process.role == "run"]
    strategies = daemons[-1].strategies if daemons else configuration.strategies
    changes = strategy_changes(strategies, configuration.strategies)
    if with_delivery and any(process.delivery != fingerprint(configuration) for process in processes):
        changes.append("destinations, routes or the calendar changed")
    if not changes:
        return strategies, ()
    what = "; ".join(changes)
    return strategies, (f"the file on disk differs from the settings in force ({what}): ninja-daemon reload",)

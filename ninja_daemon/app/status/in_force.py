"""The settings in force, which a running process notes, and how the file on disk differs from them."""

from __future__ import annotations

from collections.abc import Sequence

from ninja_daemon.app.process.process_note import live_processes
from ninja_daemon.app.process.reload import fingerprint, scope_of, strategy_changes
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.strategies import Configuration
from ninja_daemon.core.signals.strategy import Strategy


def in_force(environment: Environment, configuration: Configuration) -> tuple[Sequence[Strategy], Sequence[str]]:
    """Return the strategies that the daemon of this machine works by, and a sentence where the file says otherwise.

    Without a daemon here the file's are returned: they will be in force.
    """
    processes = live_processes(environment.state_dir, scope_of(environment))
    daemons = [process for process in processes if process.role == "run"]
    strategies = daemons[-1].strategies if daemons else configuration.strategies
    changes = strategy_changes(strategies, configuration.strategies)
    if any(process.delivery != fingerprint(configuration.delivery) for process in processes):
        changes.append("destinations or routes changed")
    if not changes:
        return strategies, ()
    what = "; ".join(changes)
    return strategies, (f"the file on disk differs from the settings in force ({what}): ninja-daemon reload",)

"""``ninja-daemon reload``: running processes take the changed configuration file over."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from ninja_daemon.app.process.process_note import LiveProcess, live_processes
from ninja_daemon.app.process.reload import scope_of
from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.settings.environment import Environment, inspect_environment, read_environment
from ninja_daemon.core.errors import ConfigError

_LIMIT: Final = 10.0
_LOOK: Final = 0.05


def reload(
    pid: Annotated[int, typer.Option("--pid", help="Only this process; for a unit's ExecReload=.")] = 0,
) -> None:
    """Have daemon and notifier read the configuration file again."""
    environ, product = running_environ()
    say_found(product)
    # A unit's ExecReload= may not read its credentials, so it knows the process's id only.
    environment = inspect_environment(environ)[0] if pid else read_environment(environ)
    processes = _live(environment, pid)
    if not processes:
        typer.echo(_nobody(environment, pid), err=True)
        raise typer.Exit(1)
    asked = [each for each in processes if _is_asked(each)]
    answers = _answers(environment, pid, asked)
    problems = [problem for each in answers for problem in each.answer.problems]
    for each in answers:
        for sentence in each.answer.said:
            typer.echo(f"{each.role} (process {each.pid}): {sentence}")
    silent = {each.pid for each in processes} - {each.pid for each in answers}
    for each in processes:
        if each.pid in silent:
            typer.echo(f"{each.role} (process {each.pid}) has not answered within {_LIMIT:g} s", err=True)
    if problems:
        raise ConfigError(*dict.fromkeys(problems))
    raise typer.Exit(1 if silent else 0)


def _nobody(environment: Environment, pid: int) -> str:
    where = f"runs here; looked in {environment.state_dir} (NINJA_STATE_DIR)"
    if pid:
        return f"process {pid} is no daemon or notifier that {where}"
    return f"no daemon or notifier of namespace {environment.namespace} {where} for {environment.redis_label}"


def _ancestors(pid: int) -> set[int]:
    """Return a process and those that started it, as far as can be seen: `run --processes` is asked by its children."""
    found: set[int] = set()
    while pid not in found and (pid > 1 or not found):  # the first process of a container is one of ours
        found.add(pid)
        try:
            # pid (name) state parent …; the name may hold anything, a bracket too
            pid = int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            break
    return found


def _live(environment: Environment, pid: int) -> Sequence[LiveProcess]:
    if pid == 0:
        return live_processes(environment.state_dir, scope_of(environment))
    return [each for each in live_processes(environment.state_dir, None) if pid in _ancestors(each.pid)]


def _is_asked(process: LiveProcess) -> bool:
    try:
        os.kill(process.pid, signal.SIGHUP)
    except PermissionError:
        typer.echo(f"{process.role} (process {process.pid}) belongs to another user; try sudo", err=True)
    except ProcessLookupError:
        return False
    else:
        return True
    return False


def _answers(environment: Environment, pid: int, asked: Sequence[LiveProcess]) -> Sequence[LiveProcess]:
    """Wait until each has answered, or the time is over; return those that have."""
    before: Mapping[int, int] = {each.pid: each.answer.count for each in asked}
    deadline = time.monotonic() + _LIMIT
    while True:
        now = [each for each in _live(environment, pid) if each.answer.count > before.get(each.pid, each.answer.count)]
        if len(now) == len(before) or time.monotonic() > deadline:
            return now
        time.sleep(_LOOK)

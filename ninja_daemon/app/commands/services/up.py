"""``ninja-daemon up``: everything that this machine is set up for, in one terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping

import typer

from ninja_daemon.adapters.redis.own_server.embedded import EmbeddedRedis
from ninja_daemon.app.process.kept_server import KeptServer
from ninja_daemon.app.process.private_files import make_private
from ninja_daemon.app.process.running import noted
from ninja_daemon.app.settings.environment import Environment, read_environment
from ninja_daemon.app.status.live_terminal import show_together


def up() -> None:
    """Start what this machine is set up for."""
    environment = read_environment()
    if environment.access_token is None:
        if environment.redis_configured:
            typer.echo("OANDA_ACCESS_TOKEN is not set, so this is the demo; Redis is left alone.", err=True)
        from ninja_daemon.app.commands.services.demo import demo

        demo()
        return
    for path in make_private(environment.state_dir):
        typer.echo(f"{path} was open to others, and is for its owner alone now", err=True)
    raise typer.Exit(_for_real(environment))


def _for_real(environment: Environment) -> int:
    logs = environment.state_dir / "logs"
    environ = _environ(environment)
    if environment.redis_configured or not environment.cache_enabled:
        where = f"Redis at {environment.redis_label}" if environment.cache_enabled else "without Redis"
        footer = f"Ctrl-C ends it. Messages: {logs}"
        secretless = {name: value for name, value in environ.items() if name != "REDIS_URL"}
        with noted(environment.state_dir, "up", secretless):
            return show_together(f"ninja-daemon, {where}", environ, logs, footer=footer)
    with EmbeddedRedis(environment.state_dir / "redis") as server, KeptServer("its Redis", server) as kept:
        environ = {**environ, "REDIS_URL": server.url}
        with noted(environment.state_dir, "up", environ):
            return show_together(
                "ninja-daemon, with a Redis server of its own",
                environ,
                logs,
                footer=(
                    f"Ctrl-C ends it; what it knows is kept in {environment.state_dir}. Messages: {logs}\n"
                    "Look on from another terminal: ninja-daemon status"
                ),
                trouble=lambda: kept.trouble,
            )


def _environ(environment: Environment) -> Mapping[str, str]:
    """Return the children's environment; relative paths become whole ones, for readers in other folders."""
    named = {} if environment.env_file is None else {"NINJA_ENV_FILE": str(environment.env_file.absolute())}
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "NINJA_CONFIG": str(environment.config_path.absolute()),
        "NINJA_NAMESPACE": environment.namespace,
        "NINJA_STATE_DIR": str(environment.state_dir),
        **named,
    }

"""``ninja-daemon up``: everything that this machine is set up for, in one terminal."""

from __future__ import annotations

import os

import typer

from ninja_daemon.adapters.redis.embedded import EmbeddedRedis
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
    raise typer.Exit(_for_real(environment))


def _for_real(environment: Environment) -> int:
    logs = environment.state_dir / "logs"
    environ = {**os.environ, "PYTHONUNBUFFERED": "1", "NINJA_STATE_DIR": str(environment.state_dir)}
    if environment.redis_configured or not environment.cache_enabled:
        where = f"Redis at {environment.redis_label}" if environment.cache_enabled else "without Redis"
        return show_together(f"ninja-daemon, {where}", environ, logs, footer=f"Ctrl-C ends it. Messages: {logs}")
    with EmbeddedRedis(environment.state_dir / "redis") as server:
        return show_together(
            "ninja-daemon, with a Redis server of its own",
            {**environ, "REDIS_URL": server.url},
            logs,
            footer=(
                f"Ctrl-C ends it; what it knows is kept in {environment.state_dir}. Messages: {logs}\n"
                f"Look on from another terminal: REDIS_URL={server.url} ninja-daemon status"
            ),
        )

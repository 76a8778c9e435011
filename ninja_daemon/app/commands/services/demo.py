"""``ninja-daemon demo``: the whole product on one machine, with no account and no server."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import typer

from ninja_daemon.adapters.redis.own_server.embedded import EmbeddedRedis
from ninja_daemon.app.process.children import child_environment
from ninja_daemon.app.process.kept_server import KeptServer
from ninja_daemon.app.process.running import noted
from ninja_daemon.app.samples import sample
from ninja_daemon.app.settings.environment import inspect_environment
from ninja_daemon.app.status.live_terminal import show_together
from ninja_daemon.simulator.markets.market import CrossMarket, RandomMarket
from ninja_daemon.simulator.server import SimulatorServer

_TOKEN: Final = "demo"  # noqa: S105 - the simulator's, which guards nothing
_SEED: Final = 7
_PACE: Final = 40
"""So that a signal of five-second candles has a stop of several pips, as a real one has."""


def demo() -> None:
    """See it all work on this machine."""
    raise typer.Exit(_demo())


def _demo() -> int:
    with tempfile.TemporaryDirectory(prefix="ninja-demo-") as folder:
        home = Path(folder)
        configuration = home / "ninja.toml"
        configuration.write_text(sample("demo.toml"), encoding="utf-8")
        market = CrossMarket(RandomMarket(seed=_SEED, always_open=True, pace=_PACE))
        redis = EmbeddedRedis(home / "redis")
        with redis, KeptServer("its Redis", redis) as kept, SimulatorServer(market, token=_TOKEN) as broker:
            access = {"OANDA_ACCESS_TOKEN": _TOKEN, "OANDA_API_URL": broker.url}
            # Commands in other terminals read it: `why` and `audit` ask the simulated broker, too.
            settings = home / "demo.env"
            settings.write_text("".join(f"{name}={value}\n" for name, value in access.items()), encoding="utf-8")
            environ = child_environment(
                access
                | {
                    "REDIS_URL": redis.url,
                    "NINJA_CONFIG": str(configuration),
                    "NINJA_ENV_FILE": str(settings),
                    "NINJA_STATE_DIR": str(home / "state"),
                    "NINJA_NAMESPACE": "demo",
                }
            )
            with noted(inspect_environment()[0].state_dir, "demo", environ):
                return show_together(
                    "ninja-daemon demo: a simulated market, a Redis server of its own, daemon and notifier",
                    environ,
                    home / "logs",
                    footer="Ctrl-C ends it and leaves nothing behind. The real thing: README, “Your own account”.",
                    trouble=lambda: kept.trouble,
                )

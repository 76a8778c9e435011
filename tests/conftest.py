"""What every test may ask for, and what keeps every test away from the developer's own settings."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from tests.servers import fresh_redis, redis_server, redis_url, start_redis

__all__ = ["fresh_redis", "redis_server", "redis_url", "start_redis"]

pytest_plugins = ["tests.long_runs"]

ROOT = Path(__file__).resolve().parent.parent
OURS = ("NINJA_", "OANDA_", "REDIS_", "CACHE_")

# Whatever started the tests may ignore it, and what they start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A loaded machine is no reason to fail; pytest-timeout ends what hangs.
settings.register_profile("ninja", deadline=None, print_blob=True)
settings.load_profile("ninja")


@pytest.fixture(autouse=True)
def no_outer_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the developer has set: no test may reach a real account or a real Redis."""
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def candles_dir() -> Path:
    """The folder with ten years of real candles; they lie beside the project and are not part of it."""
    folder = ROOT.parent / "shared" / "data"
    if not (folder / "EUR_USD_H4.csv").is_file():
        pytest.skip(f"the real candles are not there: {os.path.relpath(folder, ROOT)} has no EUR_USD_H4.csv")
    return folder

"""What the fault tests share: scenes over the recorded candles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.end_to_end.outside import outside
from tests.end_to_end.settings import nasty
from tests.end_to_end.stage import make_stage
from tests.faults.scene import Scene, world
from tests.oracle import Rules
from tests.processes import workplace
from tests.servers import RedisServer

__all__ = ["make_stage", "outside", "workplace"]

USUAL_RULES: Final = nasty("EUR_USD_H4")[:1]
"""A cross every other candle."""


@pytest.fixture
def open_scene(tmp_path: Path, candles_dir: Path, fresh_redis: RedisServer) -> Iterator[Callable[..., Scene]]:
    """Open a scene over the recorded candles; ``open_scene(rules, destinations=("a", "b"))``, see ``Scene``."""
    scenes: list[Scene] = []
    with world(tmp_path, candles_dir, fresh_redis) as made:

        def opened(rules: Sequence[Rules] = USUAL_RULES, **options: Any) -> Scene:
            directory = tmp_path / f"scene{len(scenes)}"
            directory.mkdir()
            scenes.append(Scene(made, directory, rules, **options))
            return scenes[-1]

        yield opened
        for scene in scenes:
            scene.end()

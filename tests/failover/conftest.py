"""Scenes before groups of servers, on this machine or in a lab."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.failover.failing import Failing
from tests.failover.groups import ClusterGroup, SentinelGroup
from tests.failover.lab import Lab
from tests.faults.conftest import USUAL_RULES, open_scene
from tests.faults.scene import Scene, world
from tests.places import HERE

__all__ = ["open_scene"]


@pytest.fixture
def start_failing(tmp_path: Path, candles_dir: Path) -> Iterator[Callable[..., Failing]]:
    """Put a scene in front of a group that is not started yet; in a lab, on its first machine."""
    with ExitStack() as stack:

        def start(group: SentinelGroup | ClusterGroup, lab: Lab | None = None, more_toml: str = "") -> Failing:
            stack.callback(group.stop)
            place = HERE if lab is None else lab.places[0]
            made = stack.enter_context(world(tmp_path, candles_dir, group.start(), place))  # type: ignore[arg-type]
            directory = tmp_path / "scene"
            directory.mkdir()
            scene = Scene(made, directory, USUAL_RULES, more_toml=more_toml)
            stack.callback(scene.end)
            return Failing(group, scene, lab)

        yield start

"""What the fault tests share: the table at the end, the seed, and whether this is the long run."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.end_to_end.outside import outside
from tests.end_to_end.settings import nasty
from tests.end_to_end.stage import make_stage
from tests.faults.scene import Scene, world
from tests.faults.tally import Row, Tally, from_properties, table, to_property
from tests.oracle import Rules
from tests.processes import workplace
from tests.servers import RedisServer

__all__ = ["make_stage", "outside", "workplace"]

USUAL_SEED: Final = 20_260_704
"""Of the short runs, so that they are the same every time."""

USUAL_RULES: Final = nasty("EUR_USD_H4")[:1]
"""A cross every other candle."""

_rows: list[Row] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--long", action="store_true", help="run the long versions of the fault tests")
    group.addoption("--seed", type=int, help="seed of everything that the fault tests draw")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed here: workers of xdist get the options as they are after this."""
    if config.getoption("--seed", None) is None and config.getoption("--long", default=False):
        config.option.seed = secrets.randbelow(10**9)


def pytest_report_header(config: pytest.Config) -> str:
    return f"faults: {_length(config)} versions, SEED={_seed(config)}"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Gather the rows; under xdist this is called in the process that prints, with what its workers sent."""
    if report.when == "teardown":
        _rows.extend(from_properties(report.user_properties))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not _rows:
        return
    terminalreporter.section(f"faults, {_length(config)} versions, SEED={_seed(config)}")
    for line in table(_rows):
        terminalreporter.write_line(line)


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Takes rows for the table at the end."""
    return Tally(lambda row: request.node.user_properties.append(to_property(row)))


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the long version is wanted: ``make faults`` says so, ``make test`` does not."""
    return bool(request.config.getoption("--long", default=False))


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Random numbers of the test's own, the same for the same seed whatever else runs; the seed stands in a failure."""
    print(f"SEED={_seed(request.config)}")  # noqa: T201 - shown with a failure only
    return random.Random(f"{_seed(request.config)} {request.node.name}")


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


def _seed(config: pytest.Config) -> int:
    given = config.getoption("--seed", None)
    return USUAL_SEED if given is None else int(given)


def _length(config: pytest.Config) -> str:
    return "long" if config.getoption("--long", default=False) else "short"

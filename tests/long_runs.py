"""Short and long versions of the tests of faults and failovers: options, seed, the table at the end.

A plugin of ``tests/conftest.py``, since two folders share it.
"""

from __future__ import annotations

import random
import secrets
from typing import Any, Final

import pytest

from tests.faults.tally import Row, Tally, from_properties, table, to_property

USUAL_SEED: Final = 20_260_704
"""Of the short runs, so that they are the same every time."""

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


def _seed(config: pytest.Config) -> int:
    given = config.getoption("--seed", None)
    return USUAL_SEED if given is None else int(given)


def _length(config: pytest.Config) -> str:
    return "long" if config.getoption("--long", default=False) else "short"

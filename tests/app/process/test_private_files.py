"""`run` and `notify` take the state directory from others at their start, and say so once."""

from __future__ import annotations

import stat
from collections.abc import Iterator

import pytest

from tests.processes import Workplace, workplace
from tests.servers import free_port

__all__ = ["workplace"]

STRATEGY = '[strategies.one]\ninstrument = "EUR_USD"\ntimeframe = "D"\nfast_ma = 2\nslow_ma = 4\n'


@pytest.fixture
def place(workplace: Workplace) -> Iterator[Workplace]:
    nowhere = f"http://127.0.0.1:{free_port()}"
    workplace.configure(STRATEGY).uses(broker=nowhere, redis=f"redis://127.0.0.1:{free_port()}", token="none")
    workplace.environment["CACHE_ENABLED"] = "false"
    yield workplace
    workplace.end_all()


@pytest.mark.parametrize(("command", "started"), [("run", "watches 1 strategy"), ("notify", "serves console")])
def test_an_open_state_directory_is_closed_at_the_start_with_a_word(
    place: Workplace, command: str, started: str
) -> None:
    place.state_dir.mkdir(parents=True)
    journal = place.state_dir / "journal-old.sqlite3"
    journal.touch()
    for path, mode in ((place.state_dir, 0o755), (journal, 0o644)):
        path.chmod(mode)
    process = place.start(command)
    process.says("and 1 more could be read by others, and is for its owner alone now")
    process.says(started)
    process.terminate().exited(0)
    assert stat.S_IMODE(place.state_dir.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.state_dir.iterdir()} == {0o600}

    again = place.start(command)
    again.says(started)
    again.terminate().exited(0)
    assert "could be read by others" not in again.err

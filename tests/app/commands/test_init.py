"""A folder to begin with: `init` writes it, the checks take it, and the bare command says what comes next."""

from __future__ import annotations

from pathlib import Path

import pytest

from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.simulator.markets.market import RandomMarket
from ninja_daemon.simulator.server import SimulatorServer
from tests.processes import Workplace, workplace

__all__ = ["workplace"]


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


def test_init_writes_two_files_for_their_owner_that_work_as_they_are(workplace: Workplace) -> None:
    workplace.run("init", "new/home").exited(0)
    home = workplace.directory / "new" / "home"
    assert modes(home) == {".env": 0o600, "ninja.toml": 0o600}
    environment, configuration = load_settings({"HOME": str(home), "NINJA_ENV_FILE": str(home / ".env")}, home)
    assert environment.config_path == home / "ninja.toml"
    assert [strategy.name for strategy in configuration.strategies] == ["EUR_USD_H4", "USD_JPY_H4"]


@pytest.mark.parametrize("there", ["ninja.toml", ".env"])
def test_init_overwrites_nothing_and_then_writes_nothing(workplace: Workplace, there: str) -> None:
    (workplace.directory / there).write_text("mine")
    finished = workplace.run("init").exited(2)
    assert f"{there} must not be there yet" in " ".join(finished.err.replace("│", " ").split())
    assert (workplace.directory / there).read_text() == "mine"
    assert len({"ninja.toml", ".env"} & modes(workplace.directory).keys()) == 1


def test_the_bare_command_says_what_comes_next_from_nothing_to_a_running_product(workplace: Workplace) -> None:
    workplace.environment["NINJA_CONFIG"] = ""
    assert "next: ninja-daemon init" in workplace.run().exited(0).out
    workplace.run("init").exited(0)
    said = workplace.run().exited(0).out
    assert "OANDA_ACCESS_TOKEN is not set" in said
    with SimulatorServer(RandomMarket(seed=5, always_open=True), token="a-token") as broker:
        with (workplace.directory / ".env").open("a") as file:
            file.write(f"\nOANDA_ACCESS_TOKEN=a-token\nOANDA_API_URL={broker.url}\nREDIS_URL=unix:///nowhere\n")
        assert "next: ninja-daemon up" in workplace.run().exited(0).out
    (workplace.directory / "ninja.toml").write_text("[strategies.X]\n")
    assert "next: ninja-daemon check" in workplace.run().exited(0).out


def test_the_shell_completes_commands_and_their_options(workplace: Workplace) -> None:
    asked = {"_NINJA_DAEMON_COMPLETE": "complete_bash", "COMP_CWORD": "1", "COMP_WORDS": "ninja-daemon sta"}
    assert workplace.run(environment=asked).out.split() == ["status"]
    asked |= {"COMP_CWORD": "2", "COMP_WORDS": "ninja-daemon status --wat"}
    assert workplace.run(environment=asked).out.split() == ["--watch"]

"""The command line: help that teaches, exit codes of the contract, and nothing loaded that was not asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import redis

from ninja_daemon import __version__
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.app import cli, command_line
from ninja_daemon.app.command_help import COMMANDS
from ninja_daemon.core.errors import BrokerUnavailable, ConfigError
from tests.fakes.messages import a_signal

ROOT = Path(__file__).resolve().parent.parent.parent

CONTRACT = ("run", "notify", "demo", "check", "status", "signals", "queue", "replay", "simulator")


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return ended.value.code if isinstance(ended.value.code, int) else 1


def pretend(monkeypatch: pytest.MonkeyPatch, command: Callable[[], None]) -> None:
    """Let ``status`` be a command of the test's own."""
    monkeypatch.setattr(command_line, "import_module", lambda _: SimpleNamespace(status=command))


def test_help_lists_every_command_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = capsys.readouterr().out
    for name in CONTRACT:
        assert f" {name} " in shown
        assert COMMANDS[name].summary[:20] in shown


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"ninja-daemon {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_examples_and_exit_codes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(name, "--help") == 0
    shown = capsys.readouterr().out
    assert f"  ninja-daemon {COMMANDS[name].examples[0][0]}" in shown
    for line in COMMANDS[name].exits:
        assert line[:40] in shown


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("replay --sweep fast=10", "such as fast=10..100:10 slow=50..300:25"),
        ("queue silence", "Missing option '--for'. How long, like '2 h'."),
        ("queue silence --for", "Option '--for' requires an argument. How long, like '2 h'."),
        ("verify", "Missing argument 'FILE'. Made by signals --export."),
        ("status --nothing", "No such option: --nothing"),
    ],
)
def test_what_is_given_without_its_value_is_told_with_what_belongs_there(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*line.split()) == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())


@pytest.mark.parametrize(("name", "table"), [("run", "[shards]"), ("audit", "[audit]")])
def test_the_help_shows_names_of_tables_in_their_brackets(
    name: str, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(name, "--help") == 0
    assert table in capsys.readouterr().out


def test_every_command_says_what_to_use_it_for() -> None:
    for name, texts in COMMANDS.items():
        assert texts.examples, name
        assert all(line.split()[0] == name for line, _ in texts.examples)
        assert len(texts.summary) <= 100
        assert any(line.startswith("0 ") for line in texts.exits)


@pytest.mark.parametrize(
    "arguments",
    [
        ("chek",),
        ("status", "--jsn"),
        ("signals", "--limit", "-1"),
        ("signals", "x"),
        ("run", "--once", "--log-level", "loud"),
    ],
)
def test_a_wrong_command_line_ends_with_two(arguments: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 2
    assert "Error" in capfd.readouterr().err


def test_a_misspelt_command_is_recognised(capsys: pytest.CaptureFixture[str]) -> None:
    run("chek")
    assert "Did you mean 'check'?" in capsys.readouterr().err


def test_a_bad_configuration_ends_with_78_and_all_that_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> None:
        message = "a must be b\n\x1b[2J"
        raise ConfigError(message, "https://me:secret@h must be c")

    pretend(monkeypatch, command)
    assert run("status") == 78
    assert capsys.readouterr().err == (
        "ninja-daemon: the configuration cannot work, 2 problems:\n"
        "  - a must be b\\n\\x1b[2J\n"
        "  - https://***@h must be c\n"
    )


def test_an_error_of_ours_ends_with_one_and_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> None:
        message = "the broker does not answer"
        raise BrokerUnavailable(message)

    pretend(monkeypatch, command)
    assert run("status") == 1
    assert capsys.readouterr().err == "ninja-daemon: the broker does not answer\n"


def test_an_interrupt_ends_quietly(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        raise KeyboardInterrupt

    pretend(monkeypatch, command)
    assert run("status") == 130
    assert "Traceback" not in capsys.readouterr().err


def test_an_error_that_nobody_expected_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def command() -> None:
        message = "a bug"
        raise LookupError(message)

    pretend(monkeypatch, command)
    with pytest.raises(LookupError, match="a bug"):
        cli.main(["status"])


def test_a_command_that_ends_well_ends_with_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, lambda: None)
    assert run("status") == 0


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--help"], ["pydantic", "redis", "structlog", "requests", "apscheduler", "sqlite3", "asyncio"]),
        (["run", "--once"], ["apscheduler", "ninja_daemon.app.daemon.process"]),
        (["notify"], ["apscheduler", "requests", "oandapyV20"]),
        (["replay"], ["redis", "structlog", "requests", "apscheduler"]),
    ],
    ids=lambda value: value[0],
)
def test_a_command_loads_nothing_that_it_does_not_use(arguments: list[str], unwanted: list[str]) -> None:
    """Start-up is counted in modules here: seconds depend on the machine."""
    never = ["rich", "apprise", "resvg_py", "prometheus_client", "ninja_daemon.simulator", "ninja_daemon.app.demo"]
    history = [] if arguments == ["replay"] else ["numpy"]
    program = (
        f"import sys; from ninja_daemon.app.command_line import application; application({arguments!r});"
        f"print([name for name in {[*never, *history, *unwanted]!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_logs_are_as_good_without_the_tables_that_structlog_would_load(tmp_path: Path) -> None:
    program = (
        "import sys; from ninja_daemon.app.command_line import application; application(['run']);"
        "import rich.table; from ninja_daemon.adapters.telemetry.logs import configure_logs; import structlog;"
        "configure_logs(stream=sys.stdout)\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: structlog.get_logger().exception('it failed')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "it failed" in done.stdout
    assert "ZeroDivisionError" in done.stdout


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "? SELL"), ("latin-1", "? SELL"), ("utf-8", "▼ SELL")])
def test_a_terminal_that_knows_no_arrows_shows_what_it_can(
    redis_url: str, tmp_path: Path, encoding: str, shown: str
) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.rpush("{ninja}:history", encode_signal(a_signal()))
    done = subprocess.run(
        [sys.executable, "-m", "ninja_daemon", "signals"],
        env={**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "120", "REDIS_URL": redis_url},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert shown in done.stdout.decode(encoding)


def test_the_module_is_the_console_script(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ninja_daemon", "check", "--offline", "--json"],
        env={"HOME": str(tmp_path), "NINJA_CONFIG": str(tmp_path / "nowhere.toml"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "nowhere.toml, which is not there" in done.stdout
    assert done.stderr == ""

"""``ninja-daemon web`` as a process."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from ninja_daemon.app import cli
from ninja_daemon.app.commands.services.web import _delay
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.strategies import load_configuration
from ninja_daemon.core.errors import ConfigError


def test_the_process_says_where_it_answers_and_ends_on_sigterm(environment: Environment) -> None:
    assert environment.cache_enabled
    command = [sys.executable, "-m", "ninja_daemon", "web", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            match = None
            while match is None:
                line = process.stderr.readline()
                assert line, "the process ended"
                match = re.search(r"http://127\.0\.0\.1:\d+/", line)
            with urllib.request.urlopen(match[0], timeout=10) as answer:  # noqa: S310 - ours
                assert b"<h1>Status</h1>" in answer.read()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize(
    ("written", "option", "seconds"),
    [("", None, 900), ('[web]\npublic_delay = "2 h"\n', None, 7_200), ('[web]\npublic_delay = "2 h"\n', 5, 300)],
)
def test_strangers_wait_as_long_as_the_option_or_the_file_says(
    environment: Environment, written: str, option: int | None, seconds: int
) -> None:
    file = environment.config_path
    file.write_text(written + file.read_text())
    assert _delay(environment, option) == seconds


def test_a_delay_that_cannot_be_is_refused_with_its_key(environment: Environment) -> None:
    file = environment.config_path
    file.write_text('[web]\npublic_delay = "soon"\n' + file.read_text())
    for read in (lambda: _delay(environment, None), lambda: load_configuration(environment)):
        with pytest.raises(ConfigError, match=r"web\.public_delay must be a length of time of at most 30 days like"):
            read()


def test_the_public_page_needs_no_file(environment: Environment) -> None:
    environment.config_path.unlink()
    assert _delay(environment, None) == 900


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--listen", "nowhere"), "must be an address and a port such as 127.0.0.1:9465"),
        (("--listen", "127.0.0.1:99999"), "must be an address and a port"),
        (("--host", "http://x"), "must be a name such as signals.example.org"),
    ],
)
def test_an_option_that_cannot_be_is_refused(
    arguments: tuple[str, ...], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(("web", *arguments))
    assert ended.value.code == 2
    assert words in " ".join(capfd.readouterr().err.replace("│", " ").split())

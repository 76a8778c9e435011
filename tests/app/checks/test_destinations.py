"""What ``check`` says of routes and destinations."""

from __future__ import annotations

import socket
from pathlib import Path

from ninja_daemon.app.checks.everything import all_checks
from ninja_daemon.app.checks.finding import Finding, Level
from tests.app.stored import CONFIGURATION
from tests.fakes.clock import FakeClock

DESK = """
[destinations.desk]
channel = "webhook"
url = "http://127.0.0.1:{port}/secret-path-123"
insecure = true
"""


def look(directory: Path, text: str, *, offline: bool = True) -> dict[tuple[str, str], Finding]:
    (directory / "ninja.toml").write_text(CONFIGURATION + text)
    environ = {"HOME": str(directory), "NINJA_CONFIG": "ninja.toml", "CACHE_ENABLED": "false"}
    checks = all_checks(FakeClock(), offline=offline, environ=environ, working_directory=directory)
    findings = [finding for check in checks for finding in check.look()]
    assert all("secret-path-123" not in repr(finding) for finding in findings)
    return {(each.code, each.subject): each for each in findings if each.code.startswith(("route", "destination"))}


def test_without_any_destination_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert look(tmp_path, "", offline=False) == {}


def test_a_strategy_that_no_route_takes_is_an_error(tmp_path: Path) -> None:
    found = look(tmp_path, DESK.format(port=1) + '[[routes]]\nmatch = {instrument = "GBP_JPY"}\nto = ["desk"]\n')
    ((key, finding),) = found.items()
    assert key == ("routes.lost", "strategy EUR_USD_M15")
    assert finding.level is Level.ERROR
    assert "no route takes its" in finding.cause
    assert finding.cure


def test_a_destination_that_nothing_reaches_is_a_warning(tmp_path: Path) -> None:
    other = DESK.format(port=1).replace("desk", "other")
    found = look(tmp_path, DESK.format(port=1) + other + '[[routes]]\nto = ["desk"]\n')
    ((key, finding),) = found.items()
    assert key == ("routes.unused", "destination other")
    assert finding.level is Level.WARNING


def test_a_route_that_no_signal_gets_to_is_a_warning(tmp_path: Path) -> None:
    typed = '[[routes]]\nmatch = {instrument = "EUR_UDS"}\nto = ["desk"]\n[[routes]]\nto = ["desk"]\n'
    found = look(tmp_path, DESK.format(port=1) + typed)
    ((key, finding),) = found.items()
    assert key == ("routes.unused", "routes[1]")
    assert finding.level is Level.WARNING
    assert "correct its match" in finding.cure


def test_destinations_are_connected_to_and_nothing_is_sent(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = look(tmp_path, DESK.format(port=port), offline=False)
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(1) == b""
    assert found["destination", "destination desk"].level is Level.OK
    found = look(tmp_path, DESK.format(port=port), offline=False)
    assert found["destination.unreachable", "destination desk"].level is Level.ERROR


def test_a_destination_that_does_not_tell_where_it_goes_is_said_to_be_unknown(tmp_path: Path) -> None:
    text = '[destinations.phone]\nchannel = "console"\n'
    assert look(tmp_path, text, offline=False)["destination.unknown", "destination phone"].level is Level.INFO

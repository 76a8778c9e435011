"""The units as systemd itself judges them, without a machine that it runs."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.processes import ROOT

UNITS = ROOT / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
LASTING = ["ninja-daemon.service", "ninja-notifier.service", "ninja-web.service"]
WORST = "15"
"""Ten times the exposure that is allowed, as systemd-analyze wants it."""


@pytest.fixture(scope="module")
def analyze() -> str:
    """The program; a test without one is skipped here, and fails where CI runs."""
    found = shutil.which("systemd-analyze")
    if found is None:
        message = "systemd-analyze must be there (apt install systemd), was not"
        if os.environ.get("CI"):
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return found


def lines(name: str, section: str) -> list[tuple[str, str]]:
    """The settings of a section, repeated ones too."""
    found, current = [], ""
    for line in (UNITS / name).read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"\[(\w+)\]", line):
            current = match[1]
        elif current == section and "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.append((key, value))
    return found


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_exposed_as_little_as_is_promised(analyze: str, name: str) -> None:
    done = subprocess.run(
        [analyze, "security", "--offline=yes", f"--threshold={WORST}", str(UNITS / name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-600:]


def test_systemd_finds_nothing_wrong_with_the_units(analyze: str, tmp_path: Path) -> None:
    # The programs are not installed here; anything will do in their place.
    for path in UNITS.iterdir():
        if path.suffix in {".service", ".target", ".timer"}:
            text = re.sub(r"(?m)^Exec(Start|Reload)=\S+", r"Exec\1=/bin/true", path.read_text(encoding="utf-8"))
            (tmp_path / path.name).write_text(text, encoding="utf-8")
    for path in sorted(tmp_path.iterdir()):
        name = path.name.replace("@.", "@x.")
        done = subprocess.run(
            [analyze, "verify", "--man=no", name],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        )
        ours = [line for line in done.stderr.splitlines() if "ninja" in line]
        assert (done.returncode, ours) == (0, []), done.stderr


@pytest.mark.parametrize("name", LASTING)
def test_a_service_outlives_redis_and_does_not_try_a_wrong_configuration_again(name: str) -> None:
    unit, service = lines(name, "Unit"), dict(lines(name, "Service"))
    assert not {key for key, value in unit if key in {"Requires", "BindsTo", "Requisite"} and "redis" in value}
    assert service["RestartPreventExitStatus"] == "78"
    assert (service["Type"], service["WatchdogSec"], service["Restart"]) == ("notify", "60", "always")
    assert "secret" not in (UNITS / name).read_text(encoding="utf-8").lower()


@pytest.mark.parametrize("name", LASTING)
def test_crashes_alone_never_end_a_service_for_good(name: str) -> None:
    unit, service = dict(lines(name, "Unit")), dict(lines(name, "Service"))
    assert int(service["RestartSec"]) * int(unit["StartLimitBurst"]) > int(unit["StartLimitIntervalSec"]) > 0


@pytest.mark.parametrize("name", LASTING)
@pytest.mark.parametrize(
    ("result", "status", "is_told"),
    [
        ("success", "0", False),
        ("exit-code", "78", False),
        ("exit-code", "1", True),
        ("signal", "KILL", True),
        ("watchdog", "ABRT", True),
        ("oom-kill", "KILL", True),
        ("timeout", "KILL", True),
    ],
)
def test_a_crash_begins_the_alert_and_an_ordinary_end_does_not(
    tmp_path: Path, name: str, result: str, status: str, *, is_told: bool
) -> None:
    command = dict(lines(name, "Service"))["ExecStopPost"].removeprefix("-+")
    shell, option, script = shlex.split(command.replace("$$", "$").replace("%n", name))
    told = tmp_path / "told"
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$@" > {told}\n', encoding="utf-8")
    systemctl.chmod(0o755)
    subprocess.run(
        [shell, option, script],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "SERVICE_RESULT": result, "EXIT_STATUS": status},
        check=True,
    )
    wanted = f"--no-block start ninja-alert@{name}.service"
    assert (told.read_text(encoding="utf-8").strip() if told.exists() else "") == (wanted if is_told else "")


@pytest.mark.parametrize("name", SERVICES)
def test_the_file_of_settings_is_read_by_systemd_alone(name: str) -> None:
    # The program would look at who may read a file that it is given itself; this one is no secret.
    assert ("EnvironmentFile", "-/etc/ninja-daemon/ninja.env") in lines(name, "Service")
    assert "NINJA_ENV_FILE" not in (UNITS / name).read_text(encoding="utf-8")


def test_daemon_and_notifier_share_one_user_and_one_state_directory() -> None:
    daemon, notifier = (dict(lines(name, "Service")) for name in ("ninja-daemon.service", "ninja-notifier.service"))
    for key in ("User", "DynamicUser", "StateDirectory"):
        assert daemon[key] == notifier[key]


def test_the_notifier_gets_no_token_and_each_service_its_own_redis_user() -> None:
    loaded = {
        name: [value for key, value in lines(name, "Service") if key == "LoadCredential"]
        for name in ("ninja-daemon.service", "ninja-notifier.service")
    }
    assert not any("oanda" in value for value in loaded["ninja-notifier.service"])
    assert any(value.endswith("/daemon_redis_url") for value in loaded["ninja-daemon.service"])
    assert any(value.endswith("/notifier_redis_url") for value in loaded["ninja-notifier.service"])


def test_the_page_gets_neither_token_nor_destinations_and_only_the_right_to_read() -> None:
    loaded = [value for key, value in lines("ninja-web.service", "Service") if key == "LoadCredential"]
    assert [value.rpartition("/")[2] for value in loaded] == ["reader_redis_url"]
    assert "--listen 127.0.0.1:" in dict(lines("ninja-web.service", "Service"))["ExecStart"]


def test_every_unit_can_be_read_by_a_plain_parser() -> None:
    for path in UNITS.iterdir():
        if path.suffix in {".service", ".target", ".timer"}:
            parser = configparser.ConfigParser(strict=False, interpolation=None)
            parser.optionxform = str  # type: ignore[assignment,method-assign]
            parser.read_string(path.read_text(encoding="utf-8"))
            assert parser["Unit"]["Description"].startswith("ninja-daemon: ")

"""``check --host`` over machines that are folders: what is well, what is wrong, and what only root may know."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from ninja_daemon.app import cli
from ninja_daemon.app.checks.finding import Finding, Level
from ninja_daemon.app.checks.host.files import check_modes
from ninja_daemon.app.checks.host.machine import Host, Unknown, ask
from ninja_daemon.app.checks.host.overview import check_host
from ninja_daemon.app.settings.environment import read_environment

Findings = dict[str, Finding]
Look = Callable[..., Findings]

TCP = "  sl  local_address rem_address   st\n   0: {address}:{port:04X} 00000000:0000 {state} 00000000:00000000\n"
WELL: Mapping[str, str] = {
    "etc/ufw/ufw.conf": "# ufw\nENABLED=yes\n",
    "etc/default/ufw": 'DEFAULT_INPUT_POLICY="DROP"\n',
    "proc/net/tcp": TCP.format(address="0100007F", port=6379, state="0A"),
    "proc/net/tcp6": TCP.format(address="00000000000000000000000001000000", port=6379, state="0A"),
    "etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication yes\n",
    "etc/ssh/sshd_config.d/10-keys.conf": "passwordauthentication no # by hand\nPermitRootLogin=prohibit-password\n",
    "etc/apt/apt.conf.d/20auto-upgrades": 'APT::Periodic::Unattended-Upgrade "1";\n',
    "usr/bin/unattended-upgrade": "",
    "usr/bin/redis-server": "",
    "run/systemd/timesync/synchronized": "",
    "proc/sys/vm/overcommit_memory": "1\n",
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    "proc/meminfo": "MemTotal:  1000000 kB\nSwapTotal:  500000 kB\n",
    "etc/ninja-daemon/ninja.toml": "",
    "etc/ninja-daemon/credentials/oanda_access_token": "secret",
}


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Look at a machine that is well but for what is named; None takes a file away."""

    def at(changes: Mapping[str, str | None] | None = None, *, programs: Mapping[str, str] | None = None) -> Findings:
        for place, text in (dict(WELL) | dict(changes or {})).items():
            path = tmp_path / "root" / place
            if text is None:
                path.unlink(missing_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        credentials = tmp_path / "root" / "etc/ninja-daemon/credentials"
        credentials.chmod(0o700)
        for path in credentials.iterdir():
            path.chmod(0o600)
        return found(programs)

    def found(programs: Mapping[str, str] | None = None) -> Findings:
        def ask(command: Sequence[str]) -> str | None:
            return (programs or {}).get(command[0])

        environment = read_environment({"HOME": str(tmp_path), "REDIS_URL": "redis://localhost:6390/0"}, tmp_path)
        return {each.code: each for each in check_host(environment, Host(tmp_path / "root", ask))}

    return at


def test_a_machine_that_is_well_gives_no_cause_to_worry(look: Look) -> None:
    findings = look()
    assert {each.level for each in findings.values()} == {Level.OK}
    assert set(findings) == {
        "host.firewall",
        "host.redis_public",
        "host.ssh",
        "host.updates",
        "host.clock",
        "host.files",
        "host.disk",
    }


@pytest.mark.parametrize(
    ("changes", "programs", "found"),
    [
        ({}, {}, Level.OK),
        ({"etc/ufw/ufw.conf": "ENABLED=no\n"}, {}, Level.WARNING),
        ({"etc/default/ufw": 'DEFAULT_INPUT_POLICY="ACCEPT"\n'}, {}, Level.WARNING),
        (
            {"etc/ufw/ufw.conf": None},
            {"nft": "table inet f {\n chain input {\n  type filter hook input priority 0; policy drop;\n }\n}\n"},
            Level.OK,
        ),
        (
            {"etc/ufw/ufw.conf": None},
            {
                "nft": "table inet f {\n chain input {\n  type filter hook input priority 0; policy accept;\n"
                "  tcp dport { 22, 80 } accept\n  drop\n }\n chain output {\n  policy accept;\n }\n}\n"
            },
            Level.OK,
        ),
        (
            {"etc/ufw/ufw.conf": None},
            {"nft": "table inet f {\n chain input {\n  type filter hook input priority 0; policy accept;\n }\n}\n"},
            Level.WARNING,
        ),
        (
            {
                "etc/ufw/ufw.conf": None,
                "etc/nftables.conf": "chain input { type filter hook input priority 0; policy drop; }",
                "etc/systemd/system/sysinit.target.wants/nftables.service": "",
            },
            {},
            Level.OK,
        ),
        ({"etc/ufw/ufw.conf": None, "etc/iptables/rules.v4": "*filter\n:INPUT DROP [0:0]\n"}, {}, Level.OK),
    ],
)
def test_a_firewall_of_any_kind_counts_when_it_refuses(
    look: Look, changes: Mapping[str, str | None], programs: Mapping[str, str], found: Level
) -> None:
    assert look(changes, programs=programs)["host.firewall"].level is found


@pytest.mark.parametrize(
    ("place", "address", "port", "state", "found"),
    [
        ("proc/net/tcp", "00000000", 6379, "0A", Level.ERROR),
        ("proc/net/tcp", "0200A8C0", 6379, "0A", Level.ERROR),
        ("proc/net/tcp6", "0" * 32, 6379, "0A", Level.ERROR),
        ("proc/net/tcp6", "0000000000000000FFFF00000100007F", 6379, "0A", Level.OK),
        ("proc/net/tcp", "00000000", 6390, "0A", Level.ERROR),
        ("proc/net/tcp", "00000000", 22, "0A", Level.OK),
        ("proc/net/tcp", "00000000", 6379, "01", Level.OK),
    ],
)
def test_a_redis_that_others_can_reach_is_an_error(
    look: Look, place: str, address: str, port: int, state: str, found: Level
) -> None:
    finding = look({place: TCP.format(address=address, port=port, state=state)})["host.redis_public"]
    assert finding.level is found
    if address == "0200A8C0":
        assert "port 6379 of 192.168.0.2" in finding.cause


@pytest.mark.parametrize(
    ("first", "main", "code"),
    [
        (
            "PasswordAuthentication yes\n",
            "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication no\n",
            "password",
        ),
        ("", "PasswordAuthentication no\nInclude /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication yes\n", ""),
        ("", "# PasswordAuthentication no\n", "password"),
        ("", "Match User git\nPasswordAuthentication no\n", "password"),
        ("PermitRootLogin yes\n", "Include sshd_config.d/*.conf\nPasswordAuthentication no\n", "root"),
        ("", "PermitRootLogin no\nPasswordAuthentication no\n", ""),
    ],
)
def test_ssh_is_read_as_its_server_reads_it(look: Look, first: str, main: str, code: str) -> None:
    findings = look({"etc/ssh/sshd_config.d/10-keys.conf": first, "etc/ssh/sshd_config": main})
    worth = {each for each in findings if each.startswith("host.ssh") and findings[each].level is Level.WARNING}
    assert worth == ({f"host.ssh_{code}"} if code else set())


def test_what_may_not_be_read_is_said_to_be_unknown(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Host.text

    def text(self: Host, place: str) -> str | None:
        if place.endswith(("10-keys.conf", "overcommit_memory")):
            message = f"/{place} cannot be read (Permission denied)"
            raise Unknown(message)
        return read(self, place)

    monkeypatch.setattr(Host, "text", text)
    findings = look()
    assert "host.ssh_password" not in findings
    assert findings["host.ssh_password.unknown"].level is Level.INFO
    assert "10-keys.conf" in findings["host.ssh_password.unknown"].cause
    assert "overcommit_memory cannot be read" in findings["host.memory.unknown"].cause
    assert "root" in findings["host.memory.unknown"].cure


@pytest.mark.parametrize(
    ("changes", "programs", "code", "level"),
    [
        ({"usr/bin/unattended-upgrade": None}, {}, "host.updates", Level.WARNING),
        ({"etc/apt/apt.conf.d/99-off": 'APT::Periodic::Unattended-Upgrade "0";\n'}, {}, "host.updates", Level.WARNING),
        ({"run/systemd/timesync/synchronized": None}, {"timedatectl": "no\n"}, "host.clock", Level.WARNING),
        ({"run/systemd/timesync/synchronized": None}, {}, "host.clock.unknown", Level.INFO),
        ({"run/systemd/timesync/synchronized": None}, {"timedatectl": "yes\n"}, "host.clock", Level.OK),
        ({"proc/sys/vm/overcommit_memory": "0\n"}, {}, "host.overcommit", Level.INFO),
        (
            {"sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n"},
            {},
            "host.hugepages",
            Level.INFO,
        ),
        ({"proc/meminfo": "MemTotal: 500000 kB\nSwapTotal: 0 kB\n"}, {}, "host.swap", Level.INFO),
    ],
)
def test_each_other_thing_has_its_finding(
    look: Look, changes: Mapping[str, str | None], programs: Mapping[str, str], code: str, level: Level
) -> None:
    assert look(changes, programs=programs)[code].level is level


@pytest.mark.parametrize(
    ("place", "mode", "code"),
    [
        ("etc/ninja-daemon/ninja.toml", 0o664, "host.files_writable"),
        ("etc/ninja-daemon", 0o777, "host.files_writable"),
        ("etc/ninja-daemon/credentials", 0o755, "host.credentials"),
    ],
)
def test_modes_that_let_others_in_are_found(look: Look, tmp_path: Path, place: str, mode: int, code: str) -> None:
    look()
    (tmp_path / "root" / place).chmod(mode)
    found = {each.code: each for each in check_modes(Host(tmp_path / "root"))}
    assert found[code].level is Level.WARNING
    assert f"/{place}" in found[code].cure
    (tmp_path / "root" / place).chmod(0o700)


def test_a_secret_that_others_may_read_is_named_where_the_folder_lets_them_in(look: Look, tmp_path: Path) -> None:
    look({"etc/ninja-daemon/credentials/destinations/desk": "secret"})
    folder = tmp_path / "root/etc/ninja-daemon/credentials"
    for path in (folder, folder / "destinations"):
        path.chmod(0o755)
    (folder / "destinations/desk").chmod(0o644)
    causes = [each.cause for each in check_modes(Host(tmp_path / "root"))]
    assert sum("may read this secret" in cause for cause in causes) == 1


@pytest.mark.parametrize(("megabytes", "level"), [(10, Level.ERROR), (100, Level.WARNING), (5_000, Level.OK)])
def test_a_disk_that_runs_full_is_found(
    look: Look, monkeypatch: pytest.MonkeyPatch, megabytes: int, level: Level
) -> None:
    real = os.statvfs("/")
    fields = list(real)
    fields[1], fields[4], fields[7] = 1024, megabytes * 1024, max(1, real.f_favail)
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(fields))
    assert look()["host.disk"].level is level


def test_the_command_looks_at_this_very_machine_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ninja.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    for name, value in {"NINJA_CONFIG": "ninja.toml", "NINJA_STATE_DIR": str(tmp_path / "state")}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        cli.main(["check", "--offline", "--host", "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    about = [each for each in findings if each["code"].startswith("host.")]
    assert {"host.firewall", "host.disk"} <= {each["code"] for each in about}
    assert all(each["cure"] for each in about if each["level"] in {"warning", "error"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ninja.toml"]


def test_a_program_that_is_missing_or_fails_says_nothing() -> None:
    assert ask(["no-such-program"]) is None
    assert ask(["false"]) is None
    assert ask(["echo", "yes"]) == "yes\n"

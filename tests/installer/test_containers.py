"""The container files, as far as they can be proved without a container engine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]

from tests.servers import RedisServer

ROOT: Final = Path(__file__).resolve().parents[2]
DOCKER: Final = ROOT / "config" / "docker"
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE: Final = (DOCKER / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
SERVICES: Final = sorted(COMPOSE["services"])


def instructions(word: str) -> list[str]:
    return re.findall(rf"(?m)^{word} (.*)$", DOCKERFILE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of config/ with the secrets made."""
    shutil.copytree(ROOT / "config", tmp_path / "config", ignore=shutil.ignore_patterns("secrets"))
    docker = tmp_path / "config" / "docker"
    subprocess.run([docker / "make-secrets.sh"], check=True, capture_output=True)
    return docker


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_power_that_it_does_not_need(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert int(service["user"].split(":")[0]) > 0
    if name == "commands":
        assert service["restart"] == "no"
    else:
        assert service["healthcheck"]["test"]
        assert service["restart"] == "unless-stopped"


def test_redis_is_published_on_this_machine_only() -> None:
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_redis_alone_is_the_default_and_the_others_come_by_profile() -> None:
    assert {name: service.get("profiles") for name, service in COMPOSE["services"].items()} == {
        "redis": None,
        "daemon": ["all", "daemon"],
        "notifier": ["all", "notifier"],
        "commands": ["commands"],
    }


def test_secrets_are_files_and_each_that_is_used_is_declared() -> None:
    declared = COMPOSE["secrets"]
    for service in COMPOSE["services"].values():
        assert set(service["secrets"]) <= set(declared)
        for name, value in service.get("environment", {}).items():
            assert not re.search(r"TOKEN$|PASSWORD$|_URL$", name), f"{name} must be a file"
            if name.endswith("_FILE"):
                assert Path(value).name in service["secrets"]


@pytest.mark.parametrize("name", sorted({*SERVICES} - {"redis"}))
def test_every_service_can_work_with_destinations_of_one_s_own(name: str, folder: Path, tmp_path: Path) -> None:
    # As in the container, but for the places of the files: whoever reads ninja.toml checks all of it.
    (folder / "secrets" / "oanda_access_token").write_text("demo\n", encoding="utf-8")
    (folder / "secrets" / "destinations").write_text("DESK=https://desk.example/hook\n", encoding="utf-8")
    settings = (ROOT / "config" / "ninja.toml").read_text(encoding="utf-8")
    desk = '[destinations.desk]\nchannel = "webhook"\nurl = "env:DESK"\n'
    (tmp_path / "ninja.toml").write_text(settings + desk, encoding="utf-8")
    given = COMPOSE["services"][name]["environment"]
    environment = {key: value.replace("/run/secrets", str(folder / "secrets")) for key, value in given.items()}
    environment |= {"OANDA_ENVIRONMENT": "practice", "NINJA_CONFIG": "ninja.toml", "NINJA_STATE_DIR": "state"}
    command = [sys.executable, "-m", "ninja_daemon", "check", "--offline", "--json"]
    checked = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "DESK" not in checked.stdout


def test_volumes_and_files_that_are_named_are_there() -> None:
    for service in COMPOSE["services"].values():
        for source, *_ in (volume.split(":") for volume in service["volumes"]):
            assert (DOCKER / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"]
    build = COMPOSE["services"]["daemon"]["build"]
    assert (DOCKER / build["context"] / build["dockerfile"]).samefile(DOCKER / "Dockerfile")


def test_the_image_is_made_of_locked_packages_and_runs_without_root() -> None:
    assert instructions("USER") == ["10700:10700"]
    installs = [command for run in instructions("RUN") for command in run.split("&&") if "pip install" in command]
    assert len(installs) == 3
    assert all("--require-hashes" in command or "--no-index" in command for command in installs)


def test_the_image_copies_what_exists_and_what_its_context_lets_through() -> None:
    ignore = (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    through = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    for line in instructions("COPY"):
        if line.startswith("--from"):
            continue
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists()
            assert through & {source, *(parent.as_posix() for parent in Path(source).parents)}


def test_the_secrets_are_made_once_for_the_owner_alone(folder: Path) -> None:
    before = {path.name: path.read_text(encoding="utf-8") for path in (folder / "secrets").iterdir()}
    subprocess.run([folder / "make-secrets.sh"], check=True, capture_output=True)
    assert {path.name: path.read_text(encoding="utf-8") for path in (folder / "secrets").iterdir()} == before
    assert (folder / "secrets").stat().st_mode & 0o777 == 0o700
    assert {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()} <= set(before)


def test_a_server_takes_the_configuration_and_lets_the_users_in(
    folder: Path, tmp_path: Path, start_redis: Callable[..., RedisServer]
) -> None:
    text = (folder / "redis.conf").read_text(encoding="utf-8")
    settings = tmp_path / "redis.conf"
    settings.write_text(re.sub(r"(?m)^(bind|port|dir|aclfile) .*$", "", text), encoding="utf-8")
    server = start_redis(include=str(settings), aclfile=folder / "secrets" / "redis_users")
    url = (folder / "secrets" / "operator_redis_url").read_text(encoding="utf-8")
    match = re.fullmatch(r"redis://(\w+):([0-9a-f]{64})@redis:6379/0\n", url)
    assert match is not None
    client = server.client(username=match[1], password=match[2])
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-lru"}
    assert client.config_get("appendonly") == {"appendonly": "yes"}

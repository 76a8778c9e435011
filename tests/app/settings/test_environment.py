"""The environment of a process: where values come from, what they must be, and that nothing secret is ever shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.adapters.redis.client import connect, is_on_this_machine
from ninja_daemon.adapters.redis.topology.address import read_many_hosts
from ninja_daemon.app.settings.environment import Environment, inspect_environment, read_environment
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.secret import Secret

HOME = {"HOME": "/home/somebody"}


def read(directory: Path, **environ: str) -> Environment:
    return read_environment({**HOME, **environ}, directory)


def problems(directory: Path, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read(directory, **environ)
    return caught.value.problems


# --- defaults -------------------------------------------------------------------------------------------------------


def test_the_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    environment = read(tmp_path)
    assert environment.access_token is None
    assert environment.account_id is None
    assert environment.broker_environment == "practice"
    assert environment.api_url == "https://api-fxpractice.oanda.com"
    assert environment.redis_url.reveal() == "redis://localhost:6379/0"
    assert environment.redis_label == "127.0.0.1:6379/0"
    assert not environment.redis_configured
    assert environment.cache_enabled
    assert environment.cache_ttl_ma_state == 3_600
    assert environment.cache_ttl_last_processed == 86_400
    assert environment.config_path == tmp_path / "config/ninja.toml"
    assert environment.namespace == "ninja"
    assert environment.state_dir == Path("/home/somebody/.local/state/ninja-daemon")
    assert environment.env_file is None
    assert environment.notes == ()


def test_an_empty_value_counts_as_not_set(tmp_path: Path) -> None:
    environment = read(tmp_path, OANDA_ACCESS_TOKEN="", REDIS_HOST="  ", NINJA_NAMESPACE="", CACHE_ENABLED="\t")
    assert environment.access_token is None
    assert not environment.redis_configured
    assert environment.namespace == "ninja"
    assert environment.cache_enabled


def test_systemd_names_the_state_directory(tmp_path: Path) -> None:
    assert read(tmp_path, STATE_DIRECTORY="/var/lib/ninja:/var/lib/other").state_dir == Path("/var/lib/ninja")
    assert read(tmp_path, STATE_DIRECTORY="/var/lib/ninja", NINJA_STATE_DIR="mine").state_dir == tmp_path / "mine"


def test_live_means_the_live_server(tmp_path: Path) -> None:
    assert read(tmp_path, OANDA_ENVIRONMENT="LIVE").api_url == "https://api-fxtrade.oanda.com"


def test_the_example_says_nothing_but_the_defaults(tmp_path: Path) -> None:
    example = Path(__file__).resolve().parents[3] / "config/ninja.env.example"
    (tmp_path / ".env").write_text(example.read_text())
    copied = read(tmp_path)
    (tmp_path / ".env").write_text(re.sub(r"^#([A-Z_]+=)", r"\1", example.read_text(), flags=re.MULTILINE))
    uncommented = read(tmp_path)
    (tmp_path / ".env").unlink()
    for environment in (copied, replace(uncommented, redis_configured=False)):
        assert replace(environment, env_file=None) == read(tmp_path)


# --- sources --------------------------------------------------------------------------------------------------------


def sources(directory: Path) -> list[tuple[str, dict[str, str]]]:
    """Return each source with what makes it say its own name as the namespace, the strongest first."""
    (directory / "named-in-environment").write_text("from-environ-file\n")
    (directory / "named-in-dotenv").write_text("  from-dotenv-file  \n")
    credentials = directory / "credentials"
    credentials.mkdir()
    (credentials / "ninja_namespace").write_text("from-credential")
    dotenv = directory / "env"
    return [
        ("from-environ", {"NINJA_NAMESPACE": "from-environ"}),
        ("from-environ-file", {"NINJA_NAMESPACE_FILE": "named-in-environment"}),
        ("from-credential", {"CREDENTIALS_DIRECTORY": str(credentials)}),
        ("from-dotenv", {"NINJA_ENV_FILE": str(dotenv)}),
        ("from-dotenv-file", {"NINJA_ENV_FILE": str(dotenv)}),
    ]


def test_the_first_source_that_has_a_value_counts(tmp_path: Path) -> None:
    order = sources(tmp_path)
    for place, (name, _) in enumerate(order):
        environ: dict[str, str] = {}
        for _, settings in order[place:]:
            environ |= settings
        lines = ["NINJA_NAMESPACE_FILE=named-in-dotenv"]
        if name != "from-dotenv-file":
            lines.append("NINJA_NAMESPACE=from-dotenv")
        (tmp_path / "env").write_text("\n".join(lines))
        assert read(tmp_path, **environ).namespace == name


def test_dotenv_lies_in_the_working_directory(tmp_path: Path) -> None:
    text = (
        "# a comment\nexport OANDA_ACCESS_TOKEN = \"tok-123\"  # mine\nREDIS_PASSWORD='p$HOME${HOME}'\n\nREDIS_DB=3\n"
    )
    (tmp_path / ".env").write_text("\ufeff" + text)
    environment = read(tmp_path)
    assert environment.access_token == Secret("tok-123")
    assert environment.redis_url.reveal() == "redis://:p%24HOME%24%7BHOME%7D@localhost:6379/3"
    assert environment.env_file == tmp_path / ".env"


def test_the_process_environment_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NINJA_NAMESPACE=other\n")
    before = dict(os.environ)
    assert read_environment(working_directory=tmp_path).namespace == "other"
    assert dict(os.environ) == before


def test_a_line_that_is_no_setting_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NINJA_NAMESPACE=ok\n'broken\n")
    assert problems(tmp_path) == (f"{tmp_path / '.env'}: line 2 must be NAME=value or a comment, was neither",)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"NINJA_ENV_FILE": "nowhere"}, "NINJA_ENV_FILE must name a file that can be read"),
        ({"OANDA_ACCESS_TOKEN_FILE": "nowhere"}, "OANDA_ACCESS_TOKEN_FILE in the environment must name a file"),
        ({"OANDA_ACCESS_TOKEN_FILE": "binary"}, "not text in UTF-8"),
        ({"OANDA_ACCESS_TOKEN_FILE": "large"}, "must name a file of at most 65536 bytes"),
        ({"OANDA_ACCESS_TOKEN_FILE": "a\0b"}, "must name a file that can be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, environ: dict[str, str], words: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xfd")
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    (found,) = problems(tmp_path, **environ)
    assert words in found


# --- Redis ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "url", "label"),
    [
        ({"REDIS_HOST": "cache"}, "redis://cache:6379/0", "cache:6379/0"),
        ({"REDIS_HOST": "LocalHost", "REDIS_PORT": "7", "REDIS_DB": "2"}, "redis://LocalHost:7/2", "127.0.0.1:7/2"),
        ({"REDIS_HOST": "::1"}, "redis://[::1]:6379/0", "[::1]:6379/0"),
        ({"REDIS_HOST": "/run/r.sock", "REDIS_DB": "1"}, "unix:///run/r.sock?db=1", "/run/r.sock/1"),
        ({"REDIS_URL": "redis://h"}, "redis://h", "h:6379/0"),
        ({"REDIS_URL": "rediss://me:pw@H.example:1/5"}, "rediss://me:pw@H.example:1/5", "h.example:1/5"),
        ({"REDIS_URL": "redis://localhost/?db=4"}, "redis://localhost/?db=4", "127.0.0.1:6379/4"),
        ({"REDIS_URL": "unix:///run/r.sock?db=3"}, "unix:///run/r.sock?db=3", "/run/r.sock/3"),
        ({"REDIS_URL": "redis://a/1", "REDIS_HOST": "b", "REDIS_DB": "2"}, "redis://a/1", "a:6379/1"),
    ],
)
def test_redis_is_one_url_and_one_label(tmp_path: Path, environ: Mapping[str, str], url: str, label: str) -> None:
    environment = read(tmp_path, **environ)
    assert environment.redis_url.reveal() == url
    assert environment.redis_label == label
    assert environment.redis_configured


def test_sentinels_are_one_url_with_their_own_password_inside(tmp_path: Path) -> None:
    url = "rediss+sentinel://me:p%40w@H1.example:1,[::1]/my-master/2?ssl_ca_certs=/ca.pem"
    environ = {"REDIS_SENTINEL_USERNAME": "looker", "REDIS_SENTINEL_PASSWORD": "hunter22"}
    environment = read(tmp_path, REDIS_URL=url, **environ)
    assert environment.redis_label == "sentinel:my-master/2", "the hosts are not in it: Sentinels may come and go"
    assert {secret.reveal() for secret in environment.secrets} >= {"p@w", "hunter22"}
    assert "ninja" not in {secret.reveal() for secret in environment.secrets}
    where = read_many_hosts(environment.redis_url.reveal())
    assert where.hosts == (("h1.example", 1), ("::1", 26_379))
    assert where.options["sentinel_password"] == "hunter22"
    client = connect(environment.redis_url.reveal(), name="test")
    made = client.connection_pool.connection_kwargs
    assert (made["username"], made["password"], made["db"]) == ("me", "p@w", 2)
    assert made["ssl_ca_certs"] == "/ca.pem"
    assert not is_on_this_machine(environment.redis_url.reveal())


def test_a_cluster_is_named_by_its_hosts_in_any_order(tmp_path: Path) -> None:
    environment = read(tmp_path, REDIS_URL="redis+cluster://me:hunter22@b:2,a:1", NINJA_NAMESPACE="blue")
    assert environment.redis_label == "cluster:a:1,b:2"
    assert read_many_hosts(environment.redis_url.reveal()).options["namespace"] == "blue"


def test_the_password_of_sentinel_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter22\n")
    environ = {"REDIS_URL": "redis+sentinel://h/m", "REDIS_SENTINEL_PASSWORD_FILE": "secret"}
    where = read_many_hosts(read(tmp_path, **environ).redis_url.reveal())
    assert where.options["sentinel_password"] == "hunter22"


@pytest.mark.parametrize("url", ["redis://h", "redis+cluster://h"])
def test_a_password_of_sentinel_for_no_sentinel_is_reported(tmp_path: Path, url: str) -> None:
    environment = read(tmp_path, REDIS_URL=url, REDIS_SENTINEL_PASSWORD="hunter22")
    assert "REDIS_SENTINEL_… has no effect" in environment.notes[0]


def test_credentials_that_this_process_may_not_see_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path) -> bool:
        if self.parent == hidden:
            raise PermissionError(13, "Permission denied", str(self))
        return False

    hidden = tmp_path / "credentials"
    monkeypatch.setattr(Path, "is_file", refused)
    environment, problems = inspect_environment({"CREDENTIALS_DIRECTORY": str(hidden)}, tmp_path)
    assert (environment.namespace, problems) == ("ninja", [])


def test_the_label_holds_no_credentials(tmp_path: Path) -> None:
    environment = read(tmp_path, REDIS_URL="redis://someone:hunter22@example.org:6380/1")
    assert environment.redis_label == "example.org:6380/1"


def test_a_password_beside_a_url_is_reported_as_without_effect(tmp_path: Path) -> None:
    environment = read(tmp_path, REDIS_URL="redis://h", REDIS_PASSWORD="hunter22")
    assert "REDIS_PASSWORD has no effect" in environment.notes[0]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis+sentinel://h/0", "without the name that Sentinel has"),
        ("redis+sentinel://h", "without the name that Sentinel has"),
        ("redis+sentinel://h/m/first", "a database that is not a number"),
        ("redis+sentinel://h:1,h:99999/m", "a port that is none"),
        ("redis+sentinel://:hidden@h:1,,h:2/m", "a host that is none"),
        ("redis+sentinel://h,::1/m", "a host that is none"),
        ("redis+sentinel://:hid#den@h/m", "write %23"),
        ("redis+cluster://h/3", "a cluster has none"),
        ("redis+cluster://h,", "a host that is none"),
        ("unix+sentinel://h/m", "must begin with redis or rediss"),
        ("http://h", "was http://…"),
        ("localhost:6379", "without a scheme"),
        ("redis://h:port/0", "a port that is none"),
        ("redis://h:99999/0", "a port that is none"),
        ("redis://h/first", "a database that is not a number"),
        ("unix://", "without the path of a socket"),
        ("redis://[h/0", "REDIS_URL must be"),
    ],
)
def test_a_redis_url_that_cannot_be_is_refused(tmp_path: Path, url: str, words: str) -> None:
    (found,) = problems(tmp_path, REDIS_URL=url)
    assert words in found


@pytest.mark.parametrize("name", ["REDIS_PASSWORD", "REDIS_HOST", "REDIS_URL"])
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, name: str) -> None:
    assert problems(tmp_path, **{name: "unix:///a\udcff"}) == (
        f"environment: {name} must be text in UTF-8, was bytes that are none",
    )


# --- the broker -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_url", "used"),
    [
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:1", "http://[::1]:1"),
        ("https://proxy.example.org/oanda/", "https://proxy.example.org/oanda"),
        ("https://proxy.example.org/v3/", "https://proxy.example.org"),
        ("http://127.0.0.1:8080/v3", "http://127.0.0.1:8080"),
    ],
)
def test_the_broker_may_be_elsewhere(tmp_path: Path, given_url: str, used: str) -> None:
    assert read(tmp_path, OANDA_API_URL=given_url).api_url == used


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://broker.example.org", "in clear text"),
        ("http://127.0.0.1.example.org", "in clear text"),
        ("ftp://broker.example.org", "must be the base"),
        ("broker.example.org", "must be the base"),
        ("https://", "must be the base"),
        ("https://broker.example.org/a/../b", "with nothing behind it"),
        ("https://broker.example.org/?token=tok-123456", "with nothing behind it"),
        ("https://me:pa55word@broker.example.org", "a user in it"),
        ("https://broker.example.org:x", "not an address"),
    ],
)
def test_a_broker_that_cannot_be_is_refused(tmp_path: Path, url: str, words: str) -> None:
    (found,) = problems(tmp_path, OANDA_API_URL=url)
    assert words in found
    assert "pa55word" not in found
    assert "tok-123456" not in found


# --- problems -------------------------------------------------------------------------------------------------------


def test_all_problems_come_at_once_and_show_no_secret(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        OANDA_ACCESS_TOKEN="two words-of-token",
        OANDA_ACCOUNT_ID="101/004",
        OANDA_ENVIRONMENT="demo",
        REDIS_PORT="0",
        REDIS_DB="-1",
        CACHE_ENABLED="maybe",
        CACHE_TTL_MA_STATE="1.5",
        CACHE_TTL_LAST_PROCESSED="soon",
        NINJA_NAMESPACE="{ninja}",
    )
    names = {problem.split()[1] for problem in found}
    assert names == {
        "OANDA_ACCESS_TOKEN",
        "OANDA_ACCOUNT_ID",
        "OANDA_ENVIRONMENT",
        "REDIS_PORT",
        "REDIS_DB",
        "CACHE_ENABLED",
        "CACHE_TTL_MA_STATE",
        "CACHE_TTL_LAST_PROCESSED",
        "NINJA_NAMESPACE",
    }
    assert all(" must be " in problem and ", was " in problem for problem in found)
    assert "words-of-token" not in " ".join(found)
    assert "101/004" not in " ".join(found)


def test_what_can_be_read_is_read_in_spite_of_problems(tmp_path: Path) -> None:
    environment, found = inspect_environment({**HOME, "REDIS_PORT": "x", "NINJA_NAMESPACE": "mine"}, tmp_path)
    assert environment.namespace == "mine"
    assert len(found) == 1


def test_nothing_secret_is_in_the_representation(tmp_path: Path) -> None:
    environment = read(
        tmp_path, OANDA_ACCESS_TOKEN="tok-123456", OANDA_ACCOUNT_ID="101-001-1-001", REDIS_PASSWORD="hunter22"
    )
    for hidden in ("tok-123456", "101-001-1-001", "hunter22"):
        assert hidden not in repr(environment)
        assert Secret(hidden) in environment.secrets


def test_passwords_inside_urls_are_known_to_the_logs(tmp_path: Path) -> None:
    assert Secret("p@ss word") in read(tmp_path, REDIS_URL="redis://me:p%40ss%20word@h/0").secrets
    assert Secret("hunter22") in read(tmp_path, REDIS_URL="unix:///run/s?password=hunter22").secrets


# --- env:NAME -------------------------------------------------------------------------------------------------------


def test_a_secret_named_in_the_file_has_the_same_sources_and_is_hidden_in_logs(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DESK_URL=https://desk.example.org/hook\n")
    environment = read(tmp_path)
    assert environment.lookup("DESK_URL") == Secret("https://desk.example.org/hook")
    assert environment.lookup("NOBODYS_URL") is None
    assert environment.secrets == (Secret("https://desk.example.org/hook"),)


@pytest.mark.parametrize("name", ["", "a b", "PATH/..", "x" * 200, "../../etc/passwd"])
def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="env:NAME must name"):
        read(tmp_path).lookup(name)


NAMES = st.sampled_from(["REDIS_URL", "REDIS_HOST", "REDIS_PORT", "OANDA_API_URL", "NINJA_STATE_DIR", "NINJA_CONFIG"])


@given(st.dictionaries(NAMES, st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_whatever_the_environment_holds_ends_in_values_or_in_problems(environ: dict[str, str]) -> None:
    environment, found = inspect_environment({**HOME, **environ}, Path("/nonexistent"))
    assert isinstance(environment, Environment)
    assert all("\n" not in problem for problem in found)

"""``check`` names each thing that is wrong, its cause and its cure; and sends and changes nothing."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis

from ninja_daemon.adapters.redis.server.server_facts import ServerFacts
from ninja_daemon.app import cli
from ninja_daemon.app.checks.consumers import check_consumers
from ninja_daemon.app.checks.everything import all_checks
from ninja_daemon.app.checks.finding import Finding, Level, exit_code
from ninja_daemon.app.checks.store import check_server, check_store
from ninja_daemon.app.checks.strategies import check_lifetimes, check_strategies, check_thresholds
from ninja_daemon.app.settings.environment import Environment, read_environment
from ninja_daemon.app.status.shared.averages import averages_of
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.signals.strategy import Strategy
from tests.app.status.test_strategy_figures import state_after
from tests.app.stored import CONFIGURATION, EUR_USD, M15, closes_with_crosses, work
from tests.fakes.clock import FakeClock
from tests.servers import RedisServer

ROOT = Path(__file__).resolve().parents[3]
GOOD = Strategy("GOOD", "EUR_USD", Granularity.H4, fast_ma=40, slow_ma=140)
StartRedis = Callable[..., RedisServer]


def codes(findings: Iterable[Finding], least: Level = Level.INFO) -> dict[str, Finding]:
    return {finding.code: finding for finding in findings if finding.level >= least}


def everything(directory: Path, environ: Mapping[str, str], *, offline: bool = True) -> list[Finding]:
    settings = {"HOME": str(directory), **environ}
    checks = all_checks(FakeClock(), offline=offline, environ=settings, working_directory=directory)
    return [finding for check in checks for finding in check.look()]


def test_every_finding_that_asks_for_something_has_a_cure(tmp_path: Path) -> None:
    for finding in everything(tmp_path, {"NINJA_CONFIG": str(ROOT / "config/ninja.toml")}):
        assert finding.cause
        assert finding.cure or finding.level < Level.WARNING


# --- the environment ------------------------------------------------------------------------------------------------


def test_a_name_that_is_only_almost_one_of_ours_is_a_warning(tmp_path: Path) -> None:
    lines = ["OANDA_ACCES_TOKEN=secret-123", "DESK_URL=https://desk.example/h", "DESK_URI=x", "LOG_LEVEL=debug"]
    (tmp_path / ".env").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "ninja.toml").write_text(
        f'{CONFIGURATION}[destinations.desk]\nchannel = "webhook"\nurl = "env:DESK_URL"\n', encoding="utf-8"
    )
    environ = {"NINJA_CONFIG": "ninja.toml", "OANDA_ACCOUNT": "1", "NINJA_ENV_FILE": ".env", "NINJA_RELEASE": "1"}
    environ |= {"NINJA_NAMESPACE_FILE": str(tmp_path / "name"), "PATH_TO_OANDA_TOKEN": "x"}
    (tmp_path / "name").write_text("other", encoding="utf-8")
    found = [each for each in everything(tmp_path, environ) if each.code == "environment.misspelt"]
    assert {(each.cause, each.cure) for each in found} == {
        ("OANDA_ACCES_TOKEN is set, and nothing reads it", "write OANDA_ACCESS_TOKEN?"),
        ("OANDA_ACCOUNT is set, and nothing reads it", "write OANDA_ACCOUNT_ID?"),
        ("DESK_URI is set, and nothing reads it", "write DESK_URL?"),
    }
    assert all(each.level is Level.WARNING for each in found)


BROKEN = [
    'url = "env:NOPE"',
    'url = "env:"',
    'url = "env:A B"',
    'url = ""',
    "url = []",
    'url = "ftp://x"',
    'url = "//x"',
    'url = "https://[::1"',
    'url = "https://x:99999/"',
    'url = "https://x:abc/"',
    "",
]


@pytest.mark.parametrize("url", BROKEN)
@pytest.mark.parametrize("channel", ["webhook", "discord", "telegram"])
def test_a_destination_that_was_refused_is_said_and_not_connected_to(tmp_path: Path, channel: str, url: str) -> None:
    more = url if channel != "telegram" else f'token = "t"\nchat_id = "1"\n{url.replace("url", "api_url") or "x = 1"}'
    text = f'{CONFIGURATION}[destinations.d]\nchannel = "{channel}"\n{more}\n'
    (tmp_path / "ninja.toml").write_text(text, encoding="utf-8")
    found = everything(tmp_path, {"NINJA_CONFIG": "ninja.toml", "CACHE_ENABLED": "false"}, offline=False)
    errors = [each for each in found if each.level is Level.ERROR]
    assert {each.code for each in errors} == {"configuration", "broker.no_token"}
    assert any("destinations.d" in each.cause for each in errors)
    assert all(each.cure for each in errors)


def test_one_fault_is_not_followed_by_others_that_only_follow_from_it(tmp_path: Path) -> None:
    (tmp_path / "ninja.toml").write_text(f"{CONFIGURATION}odd_key = 1\n", encoding="utf-8")
    found = everything(tmp_path, {"NINJA_CONFIG": "ninja.toml", "OANDA_ACCESS_TOKEN": "t" * 9})
    assert [each.code for each in found if each.level >= Level.WARNING] == ["configuration"]


@pytest.mark.parametrize(
    ("name", "value", "left_out"),
    [
        ("OANDA_API_URL", "ftp://x", {"broker.left_out"}),
        ("OANDA_ENVIRONMENT", "real", {"broker.left_out"}),
        ("REDIS_URL", "redis+sentinel://x", {"redis.left_out"}),
        ("REDIS_PORT", "x", {"redis.left_out"}),
        ("NINJA_ENV_FILE", "/nowhere", {"broker.left_out", "redis.left_out"}),
    ],
)
def test_what_has_no_sound_address_is_not_looked_for_at_the_usual_one(
    tmp_path: Path, name: str, value: str, left_out: set[str]
) -> None:
    (tmp_path / "ninja.toml").write_text(CONFIGURATION, encoding="utf-8")
    environ = {"NINJA_CONFIG": "ninja.toml", "OANDA_ACCESS_TOKEN": "t" * 9, "CACHE_ENABLED": "false"}
    environ |= {"OANDA_API_URL": "http://127.0.0.1:1"} | {name: value}
    found = everything(tmp_path, environ, offline=False)
    assert {each.code for each in found if each.code.endswith("left_out")} == left_out
    assert ("broker.unavailable" in {each.code for each in found}) is ("broker.left_out" not in left_out)


# --- strategies -----------------------------------------------------------------------------------------------------


def test_the_shipped_configuration_passes_a_strict_check(tmp_path: Path) -> None:
    environ = {"NINJA_CONFIG": str(ROOT / "config/ninja.toml"), "OANDA_ACCESS_TOKEN": "t" * 9}
    findings = everything(tmp_path, environ)
    assert [finding for finding in findings if finding.level >= Level.WARNING] == []
    assert exit_code(findings, strict=True) == 0


def test_a_ratio_that_just_suffices_is_no_fault() -> None:
    just = replace(GOOD, sl_atr_multiplier=Decimal("1.5"), tp_atr_multiplier=Decimal("2.25"))
    assert list(codes(check_strategies([just]))) == []
    below = replace(just, tp_atr_multiplier=Decimal("2.2499999"))
    assert list(codes(check_strategies([below]))) == ["strategy.never_signals"]


def test_equal_periods_and_identical_strategies_are_found() -> None:
    equal = replace(GOOD, name="EQUAL", slow_ma=40)
    twin = replace(GOOD, name="TWIN", sl_atr_multiplier=Decimal("2.00"))
    found = codes(check_strategies([GOOD, equal, twin]))
    assert set(found) == {"strategy.equal_periods", "strategy.twins"}
    assert "GOOD, TWIN" in found["strategy.twins"].cause


def test_no_strategy_at_all_is_an_error() -> None:
    (finding,) = check_strategies([])
    assert finding.level is Level.ERROR


def test_thresholds_are_compared_with_the_range_as_it_is() -> None:
    averages = averages_of(M15, state_after(closes_with_crosses(40)), EUR_USD)
    assert averages.atr is not None
    for factor, expected in ((Decimal("0.01"), "strategy.min_atr_idle"), (Decimal(9), "strategy.min_atr_blocks")):
        strategy = replace(M15, min_atr_value=averages.atr * factor)
        assert list(codes(check_thresholds({strategy: averages}))) == [expected]
    sensible = replace(M15, min_atr_value=averages.atr)
    assert list(check_thresholds({sensible: averages, GOOD: None})) == []


def test_short_lifetimes_are_worth_knowing_and_no_fault() -> None:
    (finding,) = check_lifetimes([GOOD], 3_600, 86_400)
    assert finding.level is Level.INFO
    assert "CACHE_TTL_MA_STATE (3600 s)" in finding.cause
    assert "LAST_PROCESSED" not in finding.cause


# --- configuration, files, token ------------------------------------------------------------------------------------


def test_problems_of_the_configuration_are_errors_side_by_side_with_the_rest(tmp_path: Path) -> None:
    (tmp_path / "ninja.toml").write_text(f"{CONFIGURATION}\nmin_candles = 200\nfastma = 3\n")
    findings = everything(tmp_path, {"NINJA_CONFIG": "ninja.toml", "REDIS_PORT": "x"})
    errors = [finding.cause for finding in findings if finding.level is Level.ERROR]
    assert len(errors) == 2
    assert errors[0].startswith("environment: REDIS_PORT")
    assert "fastma is not a key" in errors[1]
    assert "min_candles is no longer needed" in codes(findings)["configuration.note"].cause
    assert exit_code(findings, strict=False) == 2


def test_a_missing_token_is_an_error_only_where_the_broker_is_asked(tmp_path: Path) -> None:
    (tmp_path / "ninja.toml").write_text(CONFIGURATION)
    environ = {"NINJA_CONFIG": "ninja.toml", "CACHE_ENABLED": "false"}
    assert codes(everything(tmp_path, environ))["broker.no_token"].level is Level.WARNING
    assert codes(everything(tmp_path, environ, offline=False))["broker.no_token"].level is Level.ERROR


@pytest.mark.parametrize(("mode", "word"), [(0o600, None), (0o640, "its group"), (0o644, "everybody")])
def test_files_of_secrets_that_others_may_read_are_found(tmp_path: Path, mode: int, word: str | None) -> None:
    for name, text in ((".env", "OANDA_ACCESS_TOKEN_FILE=token\n"), ("token", "t" * 20)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    findings = [each for each in everything(tmp_path, {}) if each.code == "files.secrets_readable"]
    assert len(findings) == (0 if word is None else 2)
    assert all(word is not None and word in finding.cause and "chmod 600" in finding.cure for finding in findings)


def test_a_state_directory_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    findings = everything(tmp_path, {"NINJA_STATE_DIR": str(tmp_path / "file" / "below")})
    assert "is not a directory" in codes(findings)["files.state_dir"].cause
    assert not (tmp_path / ".local").exists()


def test_a_state_directory_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    if os.geteuid() == 0:  # root may write everywhere
        monkeypatch.setattr(os, "access", lambda path, _: not str(path).endswith("locked"))
    findings = everything(tmp_path, {"NINJA_STATE_DIR": str(tmp_path / "locked" / "below")})
    assert "cannot be written to" in codes(findings)["files.state_dir"].cause


# --- Redis ----------------------------------------------------------------------------------------------------------


def environment_for(url: str, **environ: str) -> Environment:
    return read_environment({"HOME": "/", "REDIS_URL": url, **environ}, Path("/nonexistent"))


def store_findings(url: str, **environ: str) -> dict[str, Finding]:
    return codes(check_store(environment_for(url, **environ), [M15], time.time()))


def test_a_server_that_is_set_up_well_has_no_fault(start_redis: StartRedis) -> None:
    server = start_redis(appendonly=True, maxmemory="100mb", maxmemory_policy="volatile-lru")
    findings = list(check_store(environment_for(server.url), [M15], time.time()))
    assert [(finding.level, finding.code) for finding in findings] == [(Level.OK, "redis")]


def test_eviction_and_missing_persistence_are_found(start_redis: StartRedis) -> None:
    server = start_redis(maxmemory="100mb", maxmemory_policy="allkeys-lru")
    found = store_findings(server.url)
    assert {code: finding.level for code, finding in found.items()} == {
        "redis.eviction": Level.ERROR,
        "redis.appendonly": Level.WARNING,
    }
    assert "throws away waiting signals" in found["redis.eviction"].cause


def test_keys_of_the_wrong_type_are_named(start_redis: StartRedis) -> None:
    server = start_redis(appendonly=True)
    with server.client() as client:
        client.set("{ninja}:signals", "x")
        client.rpush("{ninja}:ma_state:EUR_USD_M15", "x")
    causes = [
        finding.cause
        for finding in check_store(environment_for(server.url), [M15], time.time())
        if finding.code == "redis.type"
    ]
    assert sorted(causes) == [
        "the key {ninja}:ma_state:EUR_USD_M15 must be a hash, was a list",
        "the key {ninja}:signals must be a list, was a string",
    ]


def test_a_program_that_takes_from_lists_beside_the_notifier_is_told_of_the_mirror(start_redis: StartRedis) -> None:
    server = start_redis()
    environment = environment_for(server.url)
    assert not list(check_consumers(environment, ""))
    with server.client() as client:
        client.client_setname("my-trader")
        client.lpop("{ninja}:signals")
        (finding,) = check_consumers(environment, "")
    assert (finding.level, finding.code) == (Level.WARNING, "redis.consumer")
    assert "my-trader (lpop)" in finding.cause
    assert '[mirror] list = "mine"' in finding.cure
    assert "{ninja}:mirror:mine" in finding.cure


def test_a_mirror_is_checked_for_its_type_its_rights_and_its_length(start_redis: StartRedis, tmp_path: Path) -> None:
    rules = tmp_path / "users.acl"
    rules.write_text("user default on nopass ~* &* +@all\nuser few on >hunter2222 ~* &* +@all -rpush\n")
    server = start_redis(aclfile=rules)

    def found(url: str = server.url, **environ: str) -> list[tuple[Level, str]]:
        return [(each.level, each.code) for each in check_consumers(environment_for(url, **environ), "mine")]

    assert found() == [(Level.OK, "mirror")]
    assert found(server.url.replace("unix://", "unix://few:hunter2222@")) == [(Level.ERROR, "redis.rights")]
    assert found(CACHE_ENABLED="false") == [(Level.WARNING, "mirror.unused")]
    assert not found("unix:///nonexistent/socket")
    with server.client() as client:
        client.rpush("{ninja}:mirror:mine", *["{}"] * 10_000)
        assert found() == [(Level.WARNING, "mirror.full")]
        client.delete("{ninja}:mirror:mine")
        client.set("{ninja}:mirror:mine", "x")
        assert found() == [(Level.ERROR, "redis.type")]


def test_nothing_is_changed_by_looking(start_redis: StartRedis, tmp_path: Path) -> None:
    server = start_redis(appendonly=True)
    work(server.url, tmp_path, closes_with_crosses(40))
    with server.client() as client:
        before = {key: client.dump(key) for key in client.keys()}  # noqa: SIM118 - a server's keys
        store_findings(server.url)
        assert {key: client.dump(key) for key in client.keys()} == before  # noqa: SIM118


def test_missing_rights_are_named(start_redis: StartRedis, tmp_path: Path) -> None:
    rules = tmp_path / "users.acl"
    rules.write_text(
        "user default off\n"
        "user ninja on >hunter2222 ~{ninja}:* &* +@all -rpush -zadd\n"
        "user nobody on >hunter2222 ~* &* +ping +info +time +type +evalsha_ro +script|load\n"
    )
    server = start_redis(appendonly=True, aclfile=rules)
    url = server.url.replace("unix://", "unix://ninja:hunter2222@")
    rights = store_findings(url)["redis.rights"]
    assert rights.level is Level.ERROR
    assert "RPUSH {ninja}:signals" in rights.cause
    assert "ZADD {ninja}:listed:EUR_USD_M15" in rights.cause
    assert "SET " not in rights.cause
    assert "hunter2222" not in rights.cause


@pytest.mark.parametrize(
    ("default", "lacks"),
    [
        ("off", "~* +@all"),
        ("off ~* -@all", "+@all"),
        ("off ~* +@all -evalsha", "+@all"),
        ("off ~{ninja}:* +@all", "~*"),
        ("off resetpass ~* &* +@all", None),
        ("on nopass ~* &* +@all", None),
    ],
)
def test_a_default_user_who_may_not_read_the_append_only_file_is_an_error(
    start_redis: StartRedis, tmp_path: Path, default: str, lacks: str | None
) -> None:
    rules = tmp_path / "users.acl"
    rules.write_text(f"user default {default}\nuser operator on >hunter2222 ~* &* +@all\n")
    server = start_redis(appendonly=True, aclfile=rules)
    found = store_findings(server.url.replace("unix://", "unix://operator:hunter2222@"))
    if lacks is None:
        assert found == {}
    else:
        assert found["redis.default_user"].level is Level.ERROR
        assert f"has not {lacks}:" in found["redis.default_user"].cause


def test_the_default_user_is_no_matter_without_the_file_or_the_right_to_ask(
    start_redis: StartRedis, tmp_path: Path
) -> None:
    rules = tmp_path / "users.acl"
    rules.write_text(
        "user default off\nuser ninja on >hunter2222 ~* &* +@all\nuser asks on >hunter2222 ~* &* +@all -acl\n"
    )
    for append_only, user in ((False, "ninja"), (True, "asks")):
        server = start_redis(appendonly=append_only, aclfile=rules)
        found = store_findings(server.url.replace("unix://", f"unix://{user}:hunter2222@"))
        assert "redis.default_user" not in found


def test_a_replica_is_an_error(start_redis: StartRedis) -> None:
    primary = start_redis(tcp=True)
    replica = start_redis(replicaof=f"127.0.0.1 {primary.port}", appendonly=True)
    assert store_findings(replica.url)["redis.replica"].level is Level.ERROR


def test_a_wrong_password_is_an_error_that_says_what_to_set(start_redis: StartRedis) -> None:
    server = start_redis(requirepass="hunter2222")
    finding = store_findings(server.url.replace("hunter2222", "hunter3333"))["redis.unavailable"]
    assert "REDIS_PASSWORD" in finding.cause
    assert "hunter" not in finding.cause + finding.cure


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    finding = store_findings(f"unix://{tmp_path}/nobody.sock")["redis.unavailable"]
    assert finding.level is Level.ERROR
    assert "REDIS_URL" in finding.cure


def test_a_redis_that_is_not_used_is_not_asked(tmp_path: Path) -> None:
    found = store_findings(f"unix://{tmp_path}/nobody.sock", CACHE_ENABLED="false")
    assert list(found) == ["redis.unused"]


FACTS = ServerFacts(
    product="redis",
    version="7.0.15",
    numbers=(7, 0),
    role="master",
    max_memory=100,
    used_memory=10,
    eviction="noeviction",
    append_only=True,
    snapshots_fail=False,
    append_only_fails=False,
    default_user_lacks=(),
    clock_ahead=0.1,
    wrong_types=(),
    denied=(),
    rights_unknown=None,
)


@pytest.mark.parametrize(
    ("change", "code", "level"),
    [
        ({"version": "6.2.1", "numbers": (6, 2)}, "redis.version", Level.ERROR),
        ({"clock_ahead": -7.0}, "redis.clock", Level.WARNING),
        ({"used_memory": 95}, "redis.memory", Level.WARNING),
        ({"snapshots_fail": True}, "redis.disk", Level.ERROR),
        ({"append_only_fails": True}, "redis.disk", Level.ERROR),
        ({"default_user_lacks": ("+@all",)}, "redis.default_user", Level.ERROR),
        ({"eviction": "allkeys-random"}, "redis.eviction", Level.ERROR),
        ({"rights_unknown": "too old"}, "redis.rights", Level.INFO),
    ],
)
def test_what_a_server_says_of_itself_is_judged(change: dict[str, Any], code: str, level: Level) -> None:
    assert list(check_server(FACTS, "Redis")) == []
    (finding,) = check_server(replace(FACTS, **change), "Redis")
    assert (finding.code, finding.level) == (code, level)


def test_a_server_that_keeps_its_figures_to_itself_is_no_fault() -> None:
    silent = replace(
        FACTS,
        numbers=(0, 0),
        role=None,
        max_memory=None,
        used_memory=None,
        eviction=None,
        append_only=None,
        clock_ahead=None,
    )
    assert list(check_server(silent, "Redis")) == []


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_prints_findings_and_ends_with_their_code(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ninja.toml").write_text(CONFIGURATION)
    monkeypatch.chdir(tmp_path)
    for name, value in (("NINJA_CONFIG", "ninja.toml"), ("REDIS_URL", redis_url), ("HOME", str(tmp_path))):
        monkeypatch.setenv(name, value)
    for arguments, code in ((["--offline"], 0), (["--offline", "--strict"], 1), ([], 2)):
        with pytest.raises(SystemExit) as ended:
            cli.main(["check", *arguments])
        assert ended.value.code == code
        shown = capsys.readouterr().out
        assert "OANDA_ACCESS_TOKEN is not set" in shown
        assert ("Redis" in shown) == (code == 2)
    with pytest.raises(SystemExit):
        cli.main(["check", "--offline", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert (report["schema"], report["exit_code"]) == (1, 0)
    assert {"level", "code", "subject", "cause", "cure"} == set(report["findings"][0])


def test_a_redis_client_is_not_left_open(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        before = len(client.client_list())
        store_findings(redis_url)
        assert len(client.client_list()) == before


@pytest.mark.parametrize(("used", "is_said"), [("", True), ('[broker]\nproxy = "env:HTTPS_PROXY"\n', False)])
def test_a_proxy_of_the_environment_that_nothing_uses_is_said(tmp_path: Path, used: str, is_said: bool) -> None:
    (tmp_path / "ninja.toml").write_text(CONFIGURATION + used)
    environ = {"HOME": str(tmp_path), "NINJA_CONFIG": "ninja.toml", "HTTPS_PROXY": "http://u:secret-word@proxy:3128"}
    checks = all_checks(FakeClock(), offline=True, environ=environ, working_directory=tmp_path)
    findings = [finding for check in checks for finding in check.look()]
    assert [one.code for one in findings if one.code == "environment.proxy"] == ["environment.proxy"] * is_said
    assert all("secret-word" not in repr(finding) for finding in findings)

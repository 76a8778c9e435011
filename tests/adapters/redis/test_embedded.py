from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.own_server import embedded as embedded_redis, server_program as program
from ninja_daemon.adapters.redis.own_server.embedded import EmbeddedRedis
from ninja_daemon.adapters.redis.own_server.server_program import find_server
from ninja_daemon.core.errors import ConfigError
from tests.servers import server_program


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    server_program()  # skips or fails where there is no server
    return tmp_path / "redis"


def a_program(folder: Path, name: str, says: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def only_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH, and no package that carries a server."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(program, "find_spec", lambda _: None)
    return folder


def dies_while(reading: redis.Redis) -> None:
    """Return when the server has closed the connection: a blocking read ends then, and not before."""
    with pytest.raises((redis.exceptions.ConnectionError, redis.exceptions.ResponseError)):
        reading.blpop(["nothing"], timeout=15)


@pytest.fixture
def client_of() -> Iterator[Callable[[str], redis.Redis]]:
    clients: list[redis.Redis] = []

    def client(url: str) -> redis.Redis:
        clients.append(connect(url, name="test", socket_timeout=20))
        return clients[-1]

    yield client
    for each in clients:
        each.close()


# ------------------------------------------------------------------------------------------------ finding a server


def test_a_server_on_the_path_is_taken_before_the_one_that_a_package_carries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = a_program(tmp_path / "bin", "valkey-server", "echo 'Valkey server v=8.0.1 sha=00000000:0 bits=64'")
    monkeypatch.setenv("PATH", str(own.parent))
    found = find_server()
    assert (found.path, found.version) == (own, (8, 0, 1))


def test_redis_is_asked_before_valkey(only_on_path: Path) -> None:
    a_program(only_on_path, "valkey-server", "echo 'Valkey server v=8.0.1'")
    own = a_program(only_on_path, "redis-server", "echo 'Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1'")
    assert find_server().path == own


def test_a_server_that_is_too_old_is_passed_over(only_on_path: Path) -> None:
    a_program(only_on_path, "redis-server", "echo 'Redis server v=6.0.16'")
    new = a_program(only_on_path, "valkey-server", "echo 'Valkey server v=7.2.5'")
    assert find_server().path == new


def test_only_old_servers_are_an_error_that_names_them_and_the_cure(only_on_path: Path) -> None:
    old = a_program(only_on_path, "redis-server", "echo 'Redis server v=6.2.99'")
    with pytest.raises(ConfigError) as caught:
        find_server()
    assert f"must be 7.0 or newer, {old} is 6.2.99" in str(caught.value)
    assert "apt install redis-server" in str(caught.value)


@pytest.mark.usefixtures("only_on_path")
def test_no_server_at_all_is_an_error_that_says_how_to_get_one() -> None:
    with pytest.raises(ConfigError, match="no Redis server was found") as caught:
        find_server()
    for cure in ("make run", "apt install redis-server", "ninja-daemon[demo]", "REDIS_URL"):
        assert cure in str(caught.value)


@pytest.mark.parametrize("says", ["echo 'hello'", "exit 1", "exec /nowhere/at/all"])
def test_a_program_that_is_no_server_is_passed_over(only_on_path: Path, says: str) -> None:
    a_program(only_on_path, "redis-server", says)
    with pytest.raises(ConfigError, match="of no known version"):
        find_server()


# ---------------------------------------------------------------------------------------------------- start and stop


def test_it_answers_on_a_socket_of_the_owner_alone_and_on_no_port(
    directory: Path, client_of: Callable[[str], redis.Redis]
) -> None:
    with EmbeddedRedis(directory) as server:
        client = client_of(server.url)
        settings = client.config_get("*")
        assert settings["port"] == "0"
        assert settings["maxmemory-policy"] == "noeviction"
        assert settings["appendonly"] == "yes"
        assert settings["save"] == ""
        assert stat.S_IMODE((directory / "redis.sock").stat().st_mode) == 0o700
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_what_it_was_told_survives_a_stop(directory: Path, client_of: Callable[[str], redis.Redis]) -> None:
    with EmbeddedRedis(directory) as server:
        client_of(server.url).rpush("signals", "one", "two")
    assert not server.running
    with EmbeddedRedis(directory) as server:
        assert client_of(server.url).lrange("signals", 0, -1) == ["one", "two"]


def test_a_directory_with_spaces_and_umlauts_works(tmp_path: Path, client_of: Callable[[str], redis.Redis]) -> None:
    server_program()
    with EmbeddedRedis(tmp_path / "my Zustände %20") as server:
        assert client_of(server.url).ping()


def test_starting_twice_and_stopping_twice_is_harmless(
    directory: Path, client_of: Callable[[str], redis.Redis]
) -> None:
    server = EmbeddedRedis(directory).start()
    assert server.start() is server
    assert client_of(server.url).ping()
    server.stop()
    server.stop()
    assert not server.running


def test_it_can_be_started_again_after_a_stop(directory: Path, client_of: Callable[[str], redis.Redis]) -> None:
    server = EmbeddedRedis(directory)
    for _ in range(2):
        with server:
            assert client_of(server.url).ping()


def test_it_outlives_the_thread_that_started_it(directory: Path, client_of: Callable[[str], redis.Redis]) -> None:
    server = EmbeddedRedis(directory)
    starter = threading.Thread(target=server.start)
    starter.start()
    starter.join()
    try:
        assert client_of(server.url).ping()
        assert server.running
    finally:
        server.stop()


def test_a_crash_of_the_server_is_noticed_and_healed_by_a_new_start(
    directory: Path, client_of: Callable[[str], redis.Redis]
) -> None:
    server = EmbeddedRedis(directory).start()
    client = client_of(server.url)
    client.rpush("signals", "one")
    os.kill(int(client.info("server")["process_id"]), signal.SIGKILL)
    dies_while(client)
    server.stop()
    assert (directory / "redis.sock").exists(), "a killed server leaves its socket"
    with server:
        assert client_of(server.url).lrange("signals", 0, -1) == ["one"]


# --------------------------------------------------------------------------------------------------------- two of them


def test_a_second_server_on_the_same_directory_is_refused(
    directory: Path, client_of: Callable[[str], redis.Redis]
) -> None:
    with EmbeddedRedis(directory) as first:
        with pytest.raises(ConfigError, match=f"run by process {os.getpid()}; stop that process"):
            EmbeddedRedis(directory).start()
        assert client_of(first.url).ping(), "the first is not disturbed"


PARENT = """
import sys
from pathlib import Path
from ninja_daemon.adapters.redis.own_server.embedded import EmbeddedRedis
server = EmbeddedRedis(Path(sys.argv[1])).start()
print(server.url, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def parent(directory: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that has started a server and waits."""
    command = [sys.executable, "-c", PARENT, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        yield process, url
        process.kill()


def test_it_stops_when_its_parent_is_killed(
    parent: tuple[subprocess.Popen[str], str], client_of: Callable[[str], redis.Redis]
) -> None:
    process, url = parent
    client = client_of(url)
    assert client.ping()
    process.send_signal(signal.SIGKILL)
    dies_while(client)


def test_a_parent_that_was_killed_can_be_started_again_at_once(
    parent: tuple[subprocess.Popen[str], str], directory: Path, client_of: Callable[[str], redis.Redis]
) -> None:
    process, url = parent
    client_of(url).rpush("signals", "one")
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    with EmbeddedRedis(directory) as server:
        assert client_of(server.url).lrange("signals", 0, -1) == ["one"]


def test_an_interrupt_at_the_terminal_does_not_reach_the_server(
    directory: Path, client_of: Callable[[str], redis.Redis]
) -> None:
    with EmbeddedRedis(directory) as server:
        client = client_of(server.url)
        assert os.getpgid(int(client.info("server")["process_id"])) != os.getpgid(0)


# ------------------------------------------------------------------------------------------------ what can go wrong


def test_a_damaged_file_is_an_error_that_quotes_the_server_and_names_its_log(
    directory: Path, client_of: Callable[[str], redis.Redis]
) -> None:
    with EmbeddedRedis(directory) as server:
        client_of(server.url).set("a", "b")
    (directory / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    again = EmbeddedRedis(directory)
    with pytest.raises(ConfigError, match="did not start") as caught:
        again.start()
    assert str(directory / "redis.log") in str(caught.value)
    assert "manifest" in str(caught.value).lower()
    assert not again.running


def test_a_path_too_long_for_a_socket_is_an_error_before_anything_is_made(tmp_path: Path) -> None:
    server_program()
    deep = tmp_path / ("x" * 100)
    with pytest.raises(ConfigError, match=r"must be at most 103 bytes, .* is \d+; set NINJA_STATE_DIR"):
        EmbeddedRedis(deep).start()
    assert not deep.exists()


def test_a_file_in_the_place_of_the_directory_is_an_error(tmp_path: Path) -> None:
    server_program()
    (tmp_path / "redis").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        EmbeddedRedis(tmp_path / "redis").start()


def test_a_server_that_answers_nothing_and_hangs_is_given_up(
    only_on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_redis, "START_LIMIT", 0.1)
    a_program(
        only_on_path,
        "redis-server",
        '[ "$1" = --version ] && { echo "v=7.0.0"; exit; }; echo reading; exec /bin/sleep 60',
    )
    server = EmbeddedRedis(tmp_path / "redis")
    with pytest.raises(ConfigError, match="did not start: reading"):
        server.start()
    assert not server.running


def test_a_server_that_does_not_stop_is_killed(
    directory: Path, client_of: Callable[[str], redis.Redis], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_redis, "STOP_LIMIT", 0.1)
    server = EmbeddedRedis(directory).start()
    process = int(client_of(server.url).info("server")["process_id"])
    os.kill(process, signal.SIGSTOP)
    server.stop()
    with EmbeddedRedis(directory) as again:
        assert client_of(again.url).ping()

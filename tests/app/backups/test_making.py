"""Backups: what is in them, what is kept, what is refused, and how a restoration finds out that it may begin."""

from __future__ import annotations

import gzip
import json
import sqlite3
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from ninja_daemon.adapters.files.backup_file import write_backup
from ninja_daemon.adapters.files.backup_form import CALENDAR, EVALUATIONS, LEDGER, REDIS, decode_keys, encode_keys
from ninja_daemon.adapters.files.backup_reading import read_backup
from ninja_daemon.adapters.journal.history.evaluation_rows import Batch
from ninja_daemon.adapters.journal.history.evaluations import SqliteEvaluations
from ninja_daemon.adapters.journal.history.news import SqliteNews
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.sent_ledger import SqliteSentLedger
from ninja_daemon.adapters.redis.backups.backup import SIGNS_OF_LIFE, RedisNamespace
from ninja_daemon.adapters.redis.backups.stored_keys import StoredKey
from ninja_daemon.app.backups.making import backup_folder, local_files, make_backup
from ninja_daemon.app.backups.planning import plan_restoration
from ninja_daemon.app.backups.restoring import require_stopped, restore
from ninja_daemon.app.settings.environment import Environment, read_environment
from ninja_daemon.core.errors import ConfigError, JournalUnavailable, StateUnreadable, StoreUnavailable
from ninja_daemon.usecases.proof.noted import Evaluation
from tests.fakes.clock import FakeClock

NOW = 1_700_000_000
Environ = Callable[..., Environment]


@pytest.fixture
def environ(tmp_path: Path, redis_url: str) -> Environ:
    def read(**more: str) -> Environment:
        values = {"REDIS_URL": redis_url, "NINJA_STATE_DIR": str(tmp_path / "state"), "HOME": str(tmp_path)}
        return read_environment(values | more, tmp_path)

    return read


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as made:
        yield made


def fill(client: redis.Redis) -> None:
    """A key of each kind, with bytes that are no text, a lifetime, and neighbours that are not ours."""
    client.rpush("{ninja}:signals", *(f'{{"n":{number}}}' for number in range(1_201)), b"\xff\x00\xfe")
    client.set("{ninja}:last_processed:EUR_USD_H4", "2025-08-10T14:30:00Z")
    client.hset("{ninja}:ma_state:EUR_USD_H4", mapping={f"c{number}": number for number in range(700)})
    client.pexpire("{ninja}:ma_state:EUR_USD_H4", 10_000_000)
    client.zadd("{ninja}:seen", {f"id{number}": 1_700_000_000_123 + number / 8 for number in range(600)})
    client.sadd("{ninja}:lanes", "desk", "club", b"\xc3\x28")
    client.set("{ninja}:epoch", "7")
    client.set("{ninja}:leader", "run|somebody", px=3_000)
    client.set("{ninja}:hold:discord", "1", px=5_000)
    client.set("{ninja2}:last_processed:EUR_USD_H4", "another namespace")
    client.set("foreign", "of somebody else")


def contents(client: redis.Redis) -> dict[Any, object]:
    """Everything of our namespace that a backup has to hold."""
    readers: dict[Any, Callable[[Any], object]] = {
        b"string": client.get,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"hash": client.hgetall,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"set": client.smembers,
    }
    left_out = {b"{ninja}:leader", b"{ninja}:hold:discord"}
    keys = [key for key in client.keys("{ninja}:*") if key not in left_out]
    return {key: readers[client.type(key)](key) for key in keys}


# --- what is in a backup ---------------------------------------------------------------------------------------------


def test_every_kind_of_key_comes_back_to_the_byte_and_nothing_else_is_touched(
    environ: Environ, client: redis.Redis
) -> None:
    fill(client)
    before = contents(client)
    made = make_backup(environ(), backup_folder(environ()), NOW, keep=7)
    client.flushall()
    client.set("{ninja}:history", "a string where a list was")
    client.set("foreign", "as it is now")
    with read_backup(made.path) as backup:
        restore(environ(), backup, FakeClock(NOW), threading.Event())
    after = contents(client)
    assert after.pop(b"{ninja}:epoch") == b"8", "whoever slept through the restoration is refused"
    assert before.pop(b"{ninja}:epoch") == b"7"
    assert after == before
    assert 9_900_000 < client.pttl("{ninja}:ma_state:EUR_USD_H4") <= 10_000_000
    assert client.get("foreign") == b"as it is now"
    assert client.get("{ninja}:leader") is None, "a sign of life is no state"


def test_a_key_that_is_of_no_kind_of_ours_is_left_out_and_left_alone(environ: Environ, client: redis.Redis) -> None:
    client.xadd("{ninja}:stream", {"a": "b"})
    client.set("{ninja}:daily", "kept")
    made = make_backup(environ(), backup_folder(environ()), NOW, keep=7)
    assert made.strange == ("{ninja}:stream",)
    with read_backup(made.path) as backup:
        restored = restore(environ(), backup, FakeClock(NOW), threading.Event())
    assert any("stays as it is" in warning for warning in restored.plan.warnings)
    assert client.xlen("{ninja}:stream") == 1


def test_a_key_that_comes_up_while_names_are_looked_for_is_not_missed(
    redis_url: str, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.rpush("{ninja}:signals", "one")
    there = RedisNamespace(redis_url, "ninja")
    look = there._names
    looks: list[int] = []

    def names_then_a_move() -> list[str]:
        found = look()
        if not looks:
            client.rename("{ninja}:signals", "{ninja}:lane:desk")
        looks.append(len(found))
        return found

    monkeypatch.setattr(there, "_names", names_then_a_move)
    assert [(key.name, key.value) for key in there.read().keys] == [("lane:desk", ("one",))]
    there.close()


def test_the_user_for_readers_may_make_a_backup_and_change_nothing(environ: Environ, client: redis.Redis) -> None:
    template = (Path(__file__).parents[3] / "config" / "redis" / "users.acl.example").read_text(encoding="utf-8")
    (line,) = [line for line in template.splitlines() if line.startswith("user reader ")]
    rights = line.replace("#READER_PASSWORD_SHA256", ">pass").split()[1:]
    fill(client)
    client.acl_deluser("reader")
    client.execute_command("ACL", "SETUSER", *rights)  # type: ignore[no-untyped-call]
    url = environ().redis_url.reveal()
    as_reader = url.replace("unix://", "unix://reader:pass@")
    try:
        made = make_backup(environ(REDIS_URL=as_reader), backup_folder(environ()), NOW, keep=7)
        assert made.keys == len(contents(client))
        with read_backup(made.path) as backup, pytest.raises(StoreUnavailable, match="permission"):
            restore(environ(REDIS_URL=as_reader), backup, FakeClock(NOW), threading.Event())
    finally:
        client.acl_deluser("reader")


def test_keys_survive_their_written_form() -> None:
    keys = (StoredKey("a", "list", None, ("ü", "\udcff", "")), StoredKey("b", "string", 12, ("",)))
    assert decode_keys(encode_keys(keys)) == keys


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_backup_is_for_its_owner_alone_and_the_newest_ones_stay(environ: Environ, client: redis.Redis) -> None:
    fill(client)
    folder = backup_folder(environ())
    folder.mkdir(parents=True)
    (folder / "ninja-other-20200101T000000Z.backup").touch()
    made = [make_backup(environ(), folder, NOW + 86_400 * day, keep=2) for day in range(5)]
    assert made[-1].path.stat().st_mode & 0o777 == 0o600
    assert [len(each.removed) for each in made] == [0, 0, 1, 1, 1]
    assert sorted(path.name for path in folder.iterdir()) == [
        "ninja-ninja-20231117T221320Z.backup",
        "ninja-ninja-20231118T221320Z.backup",
        "ninja-other-20200101T000000Z.backup",
    ]


def test_without_redis_there_is_no_backup_and_the_older_ones_stay(environ: Environ, client: redis.Redis) -> None:
    fill(client)
    folder = backup_folder(environ())
    make_backup(environ(), folder, NOW, keep=1)
    with pytest.raises(StoreUnavailable):
        make_backup(environ(REDIS_URL="redis://127.0.0.1:1/0"), folder, NOW + 60, keep=1)
    assert [path.name for path in folder.iterdir()] == ["ninja-ninja-20231114T221320Z.backup"]


def test_a_backup_that_cannot_be_written_leaves_nothing_behind(environ: Environ, client: redis.Redis) -> None:
    fill(client)
    folder = backup_folder(environ())
    folder.mkdir(parents=True)
    (folder / "ninja-ninja-20231114T221320Z.backup").mkdir()
    with pytest.raises(JournalUnavailable, match="must be writable"):
        make_backup(environ(), folder, NOW, keep=1)
    assert [path.name for path in folder.iterdir()] == ["ninja-ninja-20231114T221320Z.backup"]


def test_whatever_is_damaged_is_refused(environ: Environ, client: redis.Redis, tmp_path: Path) -> None:
    fill(client)
    whole = make_backup(environ(), backup_folder(environ()), NOW, keep=7).path.read_bytes()
    damaged = tmp_path / "damaged"
    step = max(1, len(whole) // 60)
    for place in range(10, len(whole), step):  # the first ten bytes hold nothing but flags
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        with pytest.raises(StateUnreadable), read_backup(damaged):
            pass
        damaged.write_bytes(whole[:place])
        with pytest.raises(StateUnreadable), read_backup(damaged):
            pass
    with pytest.raises(JournalUnavailable), read_backup(tmp_path / "nothing"):
        pass


def test_an_archive_that_somebody_else_made_writes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "hostile"
    inner = tmp_path / "inner"
    inner.write_text("x")
    for name in ("../outside", "/absolute", "manifest.json"):
        with tarfile.open(path, "w:gz") as archive:
            archive.add(inner, name)
        with pytest.raises(StateUnreadable), read_backup(path):
            pass
    path.write_bytes(gzip.compress(b"no archive at all" * 100))
    with pytest.raises(StateUnreadable), read_backup(path):
        pass
    assert not (tmp_path.parent / "outside").exists()


@pytest.mark.parametrize(
    "line", ['["a","stream",null,["x"]]', '["a","list",null,[]]', '["a","list",1.5,["x"]]', "[]", "x"]
)
def test_keys_in_another_form_are_refused(line: str) -> None:
    with pytest.raises(StateUnreadable):
        decode_keys(line.encode())


def test_a_database_that_is_damaged_is_not_packed_as_a_backup(tmp_path: Path) -> None:
    (tmp_path / "half").write_bytes(b"SQLite format 3\0" + b"\0" * 4_000)
    about = {"created": NOW, "version": "1", "namespace": "ninja", "redis": None}
    with pytest.raises(StateUnreadable):
        write_backup(tmp_path / "target", about, {LEDGER: tmp_path / "half"})
    assert not (tmp_path / "target").exists()


# --- ledger and journal ----------------------------------------------------------------------------------------------


def remember(path: Path, *ids: str, at: float = NOW) -> None:
    ledger = SqliteSentLedger(path)
    ledger.remember("desk", ids, "", at)
    ledger.close()


def sent(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        found = {str(row[0]) for row in connection.execute("SELECT id FROM sent")}
    connection.close()
    return found


def note(path: Path, time: int) -> None:
    with closing(SqliteEvaluations(path)) as file:
        file.note(Batch(time, "one:1", [Evaluation("EUR_USD_H4", time, float(time), "one:1", "stored")]))


def noted(path: Path) -> list[int]:
    with closing(SqliteEvaluations(path)) as file:
        return list(file.notes("EUR_USD_H4", 0, 2**40).evaluations)


def test_the_ledger_is_merged_and_the_journal_that_is_there_stays(environ: Environ, client: redis.Redis) -> None:
    fill(client)
    files = local_files(environ())
    remember(files[LEDGER], "first", "second")
    journal = SqliteJournal(files["journal.sqlite3"])
    journal.remember({"EUR_USD_H4": NOW})
    note(files[EVALUATIONS], NOW)
    with closing(SqliteNews(files[CALENDAR])) as news:
        news.begin(NOW)
    made = make_backup(environ(), backup_folder(environ()), NOW, keep=7)
    assert set(made.parts) == {REDIS, LEDGER, "journal.sqlite3", EVALUATIONS, CALENDAR}
    with sqlite3.connect(files[LEDGER]) as connection:
        connection.execute("DELETE FROM sent WHERE id = 'first'")
    connection.close()
    remember(files[LEDGER], "newer")
    journal.remember({"EUR_USD_H4": NOW + 14_400})
    with read_backup(made.path) as backup:
        restored = restore(environ(), backup, FakeClock(NOW + 60), threading.Event())
    assert restored.plan.ledger_adds == 1
    assert sent(files[LEDGER]) == {"first", "second", "newer"}
    assert journal.marks() == {"EUR_USD_H4": NOW + 14_400}
    journal.close()
    assert restored.plan.evaluations == "stays"
    for name in (EVALUATIONS, CALENDAR):
        files[name].unlink()
    with read_backup(made.path) as backup:
        assert restore(environ(), backup, FakeClock(NOW + 60), threading.Event()).plan.evaluations == "restored"
    assert noted(files[EVALUATIONS]) == [NOW]
    with closing(SqliteNews(files[CALENDAR])) as news:
        assert news.calendar(1).begun == NOW


def test_without_redis_the_journal_is_replaced_and_kept_aside(environ: Environ) -> None:
    alone = environ(CACHE_ENABLED="false")
    files = local_files(alone)
    journal = SqliteJournal(files["journal.sqlite3"])
    journal.remember({"EUR_USD_H4": NOW})
    made = make_backup(alone, backup_folder(alone), NOW, keep=7)
    journal.remember({"EUR_USD_H4": NOW + 14_400})
    journal.close()
    with read_backup(made.path) as backup:
        restored = restore(alone, backup, FakeClock(NOW + 60), threading.Event())
    again = SqliteJournal(files["journal.sqlite3"])
    assert again.marks() == {"EUR_USD_H4": NOW}
    again.close()
    assert restored.journal_aside is not None
    assert restored.journal_aside.exists()


# --- whether it may be done ------------------------------------------------------------------------------------------


def test_a_backup_of_another_namespace_or_without_redis_is_refused(environ: Environ, client: redis.Redis) -> None:
    fill(client)
    made = make_backup(environ(), backup_folder(environ()), NOW, keep=7)
    with read_backup(made.path) as backup:
        with pytest.raises(ConfigError, match="NINJA_NAMESPACE must be ninja"):
            plan_restoration(environ(NINJA_NAMESPACE="other"), backup, NOW)
        with pytest.raises(ConfigError, match="CACHE_ENABLED must be true"):
            plan_restoration(environ(CACHE_ENABLED="false"), backup, NOW)


def test_an_old_backup_says_what_may_be_delivered_again(environ: Environ, client: redis.Redis) -> None:
    fill(client)
    remember(local_files(environ())[LEDGER], "first")
    made = make_backup(environ(), backup_folder(environ()), NOW, keep=7)
    with read_backup(made.path) as backup:
        assert not plan_restoration(environ(), backup, NOW + 86_400).warnings
        (warning,) = plan_restoration(environ(), backup, NOW + 8 * 86_400).warnings
    assert "older than the 7 days" in warning


class Beating(FakeClock):
    """A clock during whose waits a process renews its heartbeat, or lets it grow old."""

    def __init__(self, client: redis.Redis, key: str, *, renews: bool) -> None:
        super().__init__(NOW)
        self._client, self._key, self._renews = client, key, renews

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        left = self._client.pttl(self._key)
        if self._renews and len(self.waits) == 5:
            self._client.pexpire(self._key, int(SIGNS_OF_LIFE[self._key.removeprefix("{ninja}:")] * 1_000))
        else:
            self._client.pexpire(self._key, max(1, left - int(seconds * 1_000)))
        return super().wait(stop, seconds)


@pytest.mark.parametrize("name", SIGNS_OF_LIFE)
def test_a_process_that_renews_its_sign_of_life_is_alive(environ: Environ, client: redis.Redis, name: str) -> None:
    client.set(f"{{ninja}}:{name}", "{}", px=int(SIGNS_OF_LIFE[name] * 1_000) - 3_000)
    with pytest.raises(StoreUnavailable, match="must be stopped"):
        require_stopped(environ(), Beating(client, f"{{ninja}}:{name}", renews=True), threading.Event())


@pytest.mark.parametrize("name", SIGNS_OF_LIFE)
def test_a_sign_of_life_that_is_left_behind_counts_for_twelve_seconds(
    environ: Environ, client: redis.Redis, name: str
) -> None:
    client.set(f"{{ninja}}:{name}", "{}", px=int(SIGNS_OF_LIFE[name] * 1_000))
    clock = Beating(client, f"{{ninja}}:{name}", renews=False)
    require_stopped(environ(), clock, threading.Event())
    assert 10 < sum(clock.waits) <= 13


def test_a_process_that_starts_meanwhile_stops_the_restoration_before_any_change(
    redis_url: str, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.set("{ninja}:daily", "as it was")
    there = RedisNamespace(redis_url, "ninja")
    look = there._all_names

    def look_while_a_daemon_starts() -> list[str]:
        client.set("{ninja}:leader", "run|somebody", px=15_000)
        return look()

    monkeypatch.setattr(there, "_all_names", look_while_a_daemon_starts)
    with pytest.raises(StoreUnavailable, match="has come up"):
        there.replace([StoredKey("daily", "string", None, ("of the backup",))], ())
    assert client.get("{ninja}:daily") == b"as it was"
    there.close()


def test_the_manifest_can_be_read_by_people(environ: Environ, client: redis.Redis) -> None:
    fill(client)
    made = make_backup(environ(), backup_folder(environ()), NOW, keep=7)
    with tarfile.open(made.path) as archive:
        content = archive.extractfile("manifest.json")
        assert content is not None
        manifest = json.loads(content.read())
    assert manifest["namespace"] == "ninja"
    assert set(manifest["parts"]) == {REDIS}

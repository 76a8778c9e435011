"""Input as an enemy: whatever stands where we read, only our own errors come out, no line is forged, nothing is run.

Answers of the broker have their tests in tests/adapters/oanda, signals and averages in tests/adapters/stored
and test_state_codec.py; here are all the other doors.
"""

from __future__ import annotations

import ast
import io
import json
import string
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
import redis
import structlog
from hypothesis import HealthCheck, example, given, settings, strategies as st

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.kept_commits import KeptCommits
from ninja_daemon.adapters.journal.sent_ledger import SqliteSentLedger
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.queue.inbox import RedisInbox
from ninja_daemon.adapters.redis.queue.lanes import RedisQueueStore
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.adapters.redis.reports import read_history, read_reports
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.alert import decode_notice
from ninja_daemon.adapters.stored.prepared import decode_commit
from ninja_daemon.adapters.stored.queue import decode_dead, decode_entry
from ninja_daemon.adapters.stored.reports import heartbeat_fields
from ninja_daemon.adapters.stored.silence import decode_silence
from ninja_daemon.adapters.stored.state.counts import decode_counts
from ninja_daemon.adapters.telemetry.logs import configure_logs, reset_logs
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.core.errors import ConfigError, NinjaError
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.messages.destination import Delivery, Destination
from ninja_daemon.core.messages.message import Kind
from ninja_daemon.core.messages.routing import MATCH_ALL, Route
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.delivery.drain import drain
from ninja_daemon.usecases.delivery.lane_worker import LaneWorker
from ninja_daemon.usecases.delivery.lanes import StoredLanes
from ninja_daemon.usecases.delivery.stored_queue import StoredQueue
from tests.fakes.channel import FakeChannel, FakeLedger
from tests.fakes.clock import FakeClock
from tests.processes import ROOT

SOURCES: Final = sorted((ROOT / "ninja_daemon").rglob("*.py"))
STRATEGY: Final = Strategy("EUR_USD_H4", "EUR_USD", Granularity.H4, 2, 4)
DESK: Final = Destination("desk", "fake")
HOSTILE: Final = "\n2020-01-01 error forged\r\x1b[2J\x1b]0;owned\x07\u2028\u202e\x00\x85"

json_values: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
texts: Final = (
    st.text(max_size=80)
    | json_values.map(json.dumps)
    | st.binary(max_size=80).map(lambda content: content.decode("utf-8", "surrogateescape"))
)


# --- what is stored --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "read",
    [
        decode_entry,
        decode_notice,
        decode_dead,
        decode_commit,
        lambda text: decode_silence("x", text),
        lambda text: heartbeat_fields(text, "key", []),
    ],
    ids=["entry of a lane", "notice", "dead letter", "commit of the journal", "silence", "heartbeat"],
)
@given(text=texts)
@example(text="[" * 100_000)
@example(text="9" * 5_000)
@example(text='{"v": 1e999, "id": NaN}')
@settings(max_examples=60, suppress_health_check=[HealthCheck.differing_executors])
def test_any_stored_text_is_read_or_refused_with_an_error_of_ours(read: Callable[[str], object], text: str) -> None:
    with suppress(NinjaError):
        read(text)


@given(
    st.dictionaries(st.sampled_from(["side", "time", "evaluated", "crosses", "last_signal_time", "rejected:x"]), texts)
)
def test_any_counts_are_read_or_refused(fields: dict[str, str]) -> None:
    with suppress(NinjaError):
        decode_counts(fields)


@pytest.fixture(scope="module")
def client(redis_server: Any) -> Iterator[redis.Redis]:
    made = connect(redis_server.url, name="test")
    yield made
    made.close()


values: Final = st.binary(max_size=60)
kinds: Final = st.sampled_from(["string", "list", "hash", "set", "zset"])


def put(client: redis.Redis, key: str, kind: str, value: bytes) -> None:
    client.delete(key)
    match kind:
        case "string":
            client.set(key, value)
        case "list":
            client.rpush(key, value, b"x " + value)
        case "hash":
            client.hset(key, mapping={value or b"x": value, b"lease": value, b"due": value, b"paused": value})
        case "set":
            client.sadd(key, value)
        case _:
            client.zadd(key, {value: 1.0})


@given(st.lists(st.tuples(st.integers(0, 20), kinds, values), min_size=1, max_size=8))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_under_any_key_is_read_or_refused(client: redis.Redis, junk: list[tuple[int, str, bytes]]) -> None:
    keys, queue_keys = Keys("hostile"), QueueKeys("hostile")
    names = [
        *(keys.last_processed(STRATEGY.name), keys.ma_state(STRATEGY.name), keys.signal_state(STRATEGY.name)),
        *(keys.signals, keys.history, keys.alerts, keys.fence, keys.epoch, keys.leader, keys.heartbeat),
        *(queue_keys.lane("desk"), queue_keys.lane_state("desk"), queue_keys.lanes, queue_keys.dead, queue_keys.seen),
        *(queue_keys.sequence, queue_keys.counters, queue_keys.silences, queue_keys.daily, queue_keys.hold("fake")),
        queue_keys.heartbeat,
    ]
    for place, kind, value in junk:
        put(client, names[place], kind, value)
    store, queue_store = RedisStateStore(client, keys), RedisQueueStore(client, queue_keys)
    queue, lanes = StoredQueue(queue_store), StoredLanes(queue_store)
    delivery = Delivery((DESK,), (Route(MATCH_ALL, ("desk",)),), ("desk",))
    worker = LaneWorker(DESK, channel=FakeChannel(), lanes=lanes, ledger=FakeLedger(), clock=FakeClock())
    doors: list[Callable[[], object]] = [
        lambda: store.load([STRATEGY]),
        lambda: store.lease("me", 1.0),
        lambda: read_reports(client, keys),
        lambda: read_history(client, keys),
        lambda: drain(RedisInbox(client, queue_keys), delivery, (), 0.0),
        lambda: drain(RedisInbox(client, queue_keys, Kind.ALERT), delivery, (), 0.0),
        worker.step,
        lambda: queue.depths(("desk",)),
        queue.dead_letters,
        queue.silences,
        queue.kept_figures,
    ]
    for door in doors:
        with suppress(NinjaError):
            door()
    client.delete(*names)


@given(content=st.binary(max_size=300) | st.binary(max_size=100).map(lambda tail: b"SQLite format 3\x00" + tail))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_journal_of_any_bytes_is_set_aside_or_said_to_be_of_no_use(tmp_path: Path, content: bytes) -> None:
    for made in (SqliteJournal, SqliteSentLedger):
        for old in tmp_path.glob("file*"):
            old.unlink()
        path = tmp_path / "file.sqlite3"
        path.write_bytes(content)
        file = made(path)
        with suppress(NinjaError):
            if isinstance(file, SqliteJournal):
                file.marks()
                KeptCommits(file)
            else:
                file.begin("desk", ["an id"], 0.0)
        file.close()


# --- what is configured ----------------------------------------------------------------------------------------------

toml_texts: Final = st.binary(max_size=120) | st.builds(
    lambda table, key, value: f"[{table}]\n{key} = {value}\n".encode("utf-8", "surrogatepass"),
    st.sampled_from(["defaults", "strategies.A", "destinations.a", "alerts", "heartbeat", "[routes]", "[silences]"]),
    st.sampled_from(["instrument", "timeframe", "fast_ma", "channel", "url", "to", "match", "at", "max_age", "rate"]),
    json_values.map(json.dumps) | st.text(max_size=20),
)


@given(content=toml_texts)
@example(content=b"\xff\xfe[strategies]")
@example(content=b"[strategies.A]\nfast_ma = " + b"9" * 5_000)
@example(content=b"a = " + b"[" * 5_000)
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_configuration_file_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ninja.toml"
    path.write_bytes(content)
    with suppress(ConfigError):
        load_settings({"NINJA_CONFIG": str(path), "HOME": str(tmp_path)}, tmp_path)


names_of_environment: Final = st.sampled_from(
    [
        *("REDIS_URL", "REDIS_PORT", "REDIS_DB", "REDIS_PASSWORD", "REDIS_URL_FILE", "CACHE_ENABLED"),
        *("CACHE_TTL_MA_STATE", "NINJA_NAMESPACE", "NINJA_CONFIG"),
        *("OANDA_API_URL", "OANDA_ENVIRONMENT", "OANDA_ACCESS_TOKEN", "OANDA_ACCOUNT_ID"),
    ]
)


@given(
    environment=st.dictionaries(names_of_environment, st.text(st.characters(exclude_characters="\x00"), max_size=40)),
    dotenv=st.binary(max_size=100),
)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_environment_is_read_or_refused(tmp_path: Path, environment: dict[str, str], dotenv: bytes) -> None:
    (tmp_path / ".env").write_bytes(dotenv)
    with suppress(ConfigError):
        load_settings({"HOME": str(tmp_path)} | environment, tmp_path)


# --- what is said ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["plain", "json", "console"])
@given(text=st.text(max_size=40).map(lambda text: text + HOSTILE))
@settings(max_examples=40, suppress_health_check=[HealthCheck.differing_executors])
def test_no_text_forges_a_line_whatever_it_is_said_in(form: Any, text: str) -> None:
    stream = io.StringIO()
    configure_logs(level="debug", stream=stream, form=form)
    try:
        log = structlog.get_logger("ninja.daemon")
        log.error(f"the broker says {text}", instrument=text, destination={text: [text]}, **{"x" + text: text})
        try:
            raise ValueError(text)  # noqa: TRY301 - a traceback is wanted
        except ValueError:
            log.exception("unexpected")
    finally:
        reset_logs()
    written = stream.getvalue()
    lines = written.split("\n")[:-1]
    indented = [line for line in lines if line.startswith("    ")]
    assert len(lines) - len(indented) == 2, "one line an event; a traceback's lines are indented"
    bare = written.replace("\n", "")
    if form == "console":
        for code in ("2", "31", "0"):
            bare = bare.replace(f"\x1b[{code}m", "")
    assert not any(letter < " " or "\x7f" <= letter <= "\x9f" or letter in "\u2028\u202e" for letter in bare)


# --- what is run -----------------------------------------------------------------------------------------------------

FORBIDDEN_MODULES: Final = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "yaml", "jsonpickle"}
BETWEEN_OURSELVES: Final = {"handover.py": ["pickle"]}
"""Settings, from a child that the process has just started, through a pipe; only names of a short list are loaded."""
FORBIDDEN_CALLS: Final = {"eval", "exec", "compile", "__import__", "execfile"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_that_is_read_is_run(path: Path) -> None:
    """No module that unpacks objects, no evaluation, no shell, and no format string that is not written right there."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=aliases):
                found += [alias.name for alias in aliases if alias.name.split(".")[0] in FORBIDDEN_MODULES]
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in FORBIDDEN_MODULES:
                found.append(module)
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                found.append(f"{name} in line {node.lineno}")
            case ast.Call(func=ast.Attribute(attr="format" | "format_map", value=value)) if not _is_ours(value, path):
                found.append(f"format in line {node.lineno}")
            case ast.BinOp(op=ast.Mod(), left=left) if isinstance(left, ast.JoinedStr):
                found.append(f"% in line {node.lineno}")
            case ast.keyword(arg="shell", value=ast.Constant(value=True)):
                found.append("shell=True")
            case _:
                pass
    assert found == BETWEEN_OURSELVES.get(path.name, [])


CHECKED_WHEN_LOADED: Final = ("template.py", "template")
"""The one format string from a configuration: it holds names of fields only, which tests/app/ sees to."""


def _is_ours(value: ast.expr, path: Path) -> bool:
    """Tell whether a format string is a literal, a constant of the module, or the one that is checked."""
    if isinstance(value, ast.Constant):
        return True
    if isinstance(value, ast.Attribute | ast.Call):
        return isinstance(value, ast.Attribute) and value.attr not in {"text", "template"}
    assert isinstance(value, ast.Name)
    is_constant = set(value.id) <= set(string.ascii_uppercase + "_")
    return is_constant or value.id in {"self", "meaning"} or (path.name, value.id) == CHECKED_WHEN_LOADED

"""Log records on their way to the journal, heard at a socket like journald's."""

from __future__ import annotations

import ast
import logging
import os
import re
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from ninja_daemon.adapters.telemetry import journal_handler, journald, logs
from ninja_daemon.adapters.telemetry.events import EVENTS
from ninja_daemon.adapters.telemetry.journald import JournalSocket, field_name, is_journal
from ninja_daemon.core.secret import Secret
from tests.processes import ROOT

Entry = dict[str, str]


class Journal:
    """Takes entries as journald does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(5)
        self.socket.bind(str(path))

    def entry(self) -> Entry:
        data, ancillary, _, _ = self.socket.recvmsg(1 << 20, socket.CMSG_SPACE(4))
        for _, _, handles in ancillary:
            (handle,) = struct.unpack("i", handles[:4])
            with os.fdopen(handle, "rb") as file:
                file.seek(0)
                data = file.read()
        return decoded(data)


def decoded(data: bytes) -> Entry:
    """Read the native protocol as its specification says."""
    entry: Entry = {}
    while data:
        line, _, rest = data.partition(b"\n")
        if b"=" in line:
            name, _, value = line.partition(b"=")
            data = rest
        else:
            name, (length,) = line, struct.unpack("<Q", rest[:8])
            value, data = rest[8 : 8 + length], rest[9 + length :]
        assert re.fullmatch(rb"[A-Z][A-Z0-9_]{0,63}", name), name
        entry[name.decode()] = value.decode()
    return entry


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal")
    monkeypatch.setattr(journal_handler, "JournalSocket", lambda: JournalSocket(str(made.path)))
    yield made
    logs.reset_logs()
    made.socket.close()


def test_an_event_is_an_entry_with_fields_that_can_be_asked_for(journal: Journal) -> None:
    logs.configure_logs(form="journal", identifier="ninja-daemon")
    structlog.get_logger("ninja.daemon").info(
        "EUR_USD_H4 SELL at 1.09259",
        event_id="signal.emitted",
        id="6f1c0e",
        strategy="EUR_USD_H4",
        instrument="EUR_USD",
        timeframe="H4",
        late=False,
    )
    entry = journal.entry()
    assert entry["MESSAGE"] == "EUR_USD_H4 SELL at 1.09259"
    assert entry["PRIORITY"] == "5"
    assert entry["SYSLOG_IDENTIFIER"] == "ninja-daemon"
    assert entry["MESSAGE_ID"] == EVENTS["signal.emitted"].message_id
    assert (entry["NINJA_EVENT"], entry["NINJA_INSTRUMENT"], entry["NINJA_TIMEFRAME"]) == (
        "signal.emitted",
        "EUR_USD",
        "H4",
    )
    assert (entry["NINJA_SIGNAL_ID"], entry["NINJA_STRATEGY"], entry["NINJA_LATE"]) == ("6f1c0e", "EUR_USD_H4", "false")
    assert entry["CODE_FUNC"] == "test_an_event_is_an_entry_with_fields_that_can_be_asked_for"
    assert entry["CODE_FILE"].endswith("test_journald.py")
    assert len(entry["NINJA_RUN"]) == 12


def test_a_traceback_is_one_entry_and_no_line_of_it_is_forged(journal: Journal) -> None:
    logs.configure_logs(form="journal")
    try:
        int("broken\nPRIORITY=0\nFORGED=yes")
    except ValueError:
        structlog.get_logger("ninja.daemon").critical("the end\nFORGED=yes", exc_info=True)
    entry = journal.entry()
    assert entry["PRIORITY"] == "2"
    assert "FORGED" not in entry
    assert entry["MESSAGE"].splitlines()[1].startswith("Traceback")
    assert "ValueError: " in entry["MESSAGE"]


def test_secrets_are_blanked_out_as_everywhere(journal: Journal) -> None:
    logs.configure_logs(form="journal", secrets=[Secret("hunter2-token")])
    structlog.get_logger("ninja.daemon").warning("token hunter2-token", url="https://x/hunter2-token")
    assert "hunter2" not in str(journal.entry())


@pytest.mark.parametrize(
    ("level", "event", "priority"),
    [
        ("info", "wake", "6"),
        ("info", "redis.up", "5"),
        ("warning", "redis.down", "4"),
        ("error", "redis.down", "3"),
        ("warning", "wake", "4"),
        ("error", "lane.suspended", "3"),
        ("info", "an.event.that.nobody.knows", "6"),
    ],
)
def test_priorities_are_the_events_unless_the_record_is_graver(
    journal: Journal, level: str, event: str, priority: str
) -> None:
    logs.configure_logs(form="journal", level="debug")
    getattr(structlog.get_logger("ninja.daemon"), level)("something", event_id=event)
    assert journal.entry()["PRIORITY"] == priority


def test_a_library_that_warns_is_heard_in_the_same_way(journal: Journal) -> None:
    logs.configure_logs(form="journal")
    logging.getLogger("urllib3").warning("pool is full")
    entry = journal.entry()
    assert (entry["MESSAGE"], entry["PRIORITY"], entry["NINJA_LIBRARY"]) == ("pool is full", "4", "urllib3")


def test_an_entry_that_is_too_large_for_a_datagram_goes_as_a_file(journal: Journal) -> None:
    sender = JournalSocket(str(journal.path))
    assert sender.send([("MESSAGE", "x" * 600_000), ("PRIORITY", "6")])
    assert len(journal.entry()["MESSAGE"]) == 600_000
    sender.close()


def test_a_journal_that_is_gone_or_full_blocks_nobody_and_the_line_is_not_lost(
    tmp_path: Path, journal: Journal, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure_logs(form="journal", stream=sys.stderr)
    log = structlog.get_logger("ninja.daemon")
    for number in range(40):  # more than a datagram socket holds
        log.info(f"entry {number}", event_id="wake")
    lines = capsys.readouterr().err.splitlines()
    assert journal.entry()["MESSAGE"] == "entry 0"
    assert 0 < len(lines) < 40
    assert lines[-1].startswith("<6>")
    assert "entry 39" in lines[-1]
    journal.socket.close()
    journal.path.unlink()
    log.warning("nobody there", event_id="redis.down")
    assert capsys.readouterr().err.startswith("<4>")
    assert not JournalSocket(str(tmp_path / "nowhere")).send([("MESSAGE", "x")])


def test_the_journal_is_recognised_by_what_systemd_says_of_the_stream(tmp_path: Path) -> None:
    with (tmp_path / "stream").open("w") as stream:
        found = os.fstat(stream.fileno())
        assert is_journal(stream, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": "1:2"})
        assert not is_journal(stream, {})


def test_names_are_what_the_journal_takes() -> None:
    assert field_name("hit_ratio") == "NINJA_HIT_RATIO"
    assert field_name("a b.ü") == "NINJA_A_B"
    assert len(field_name("x" * 200)) == 64
    assert journald.SOCKET == "/run/systemd/journal/socket"


# --- the closed list of events ---------------------------------------------------------------------------------------


def events_in_the_source() -> set[str]:
    """Every text that looks like an event and is given as ``event_id``, or to something that makes an event."""
    found: set[str] = set()
    for path in (ROOT / "ninja_daemon").rglob("*.py"):
        if path.name == "events.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                given = [keyword.value for keyword in node.keywords if keyword.arg == "event_id"]
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in {"Event", "DeliveryEvent", "_event", "event", "_failed"} and node.args:
                    given.append(node.args[0])
                texts = [each.value for value in given for each in ast.walk(value) if isinstance(each, ast.Constant)]
                found |= {text for text in texts if isinstance(text, str) and re.fullmatch(r"[a-z]+(\.[a-z_]+)?", text)}
    return found


DYNAMIC = {
    "broker.trouble",
    "signal.delivered",
    "outcome.shown",
    "notice.delivered",
    "journal.unavailable",
    "delivery.elsewhere",
    *(f"{what}.{how}" for what in ("alerts", "outcomes") for how in ("unavailable", "up")),
}
"""Named by something else than a literal at the call."""


def test_every_event_of_the_source_is_in_the_list_and_the_other_way_round() -> None:
    used = events_in_the_source() | DYNAMIC
    used.discard("")
    assert used - set(EVENTS) == set()
    assert set(EVENTS) - used == set()


def test_message_ids_are_ids_and_different() -> None:
    ids = [event.message_id for event in EVENTS.values()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)


def test_the_operators_page_has_every_event() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for event in EVENTS.values():
        assert f"| `{event.name}` | {event.priority} | {event.meaning} |" in page

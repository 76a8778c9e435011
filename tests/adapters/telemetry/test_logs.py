"""Logs are data here: what a line holds, what it never holds, and how a lasting failure is told."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from ninja_daemon.adapters.telemetry.logs import CLAMPED, configure_logs, reset_logs
from ninja_daemon.adapters.telemetry.recurring import Recurring
from ninja_daemon.adapters.telemetry.rendering import Form
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.words import duration
from tests.fakes.clock import FakeClock

TOKEN = "0123456789abcdef-token"


def fail(text: str) -> None:
    raise ValueError(text) from RuntimeError(f"Bearer {text}")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def after_each() -> Iterator[None]:
    yield
    reset_logs()


def logged(
    say: Callable[[Any], object], *, form: Form = "plain", level: str = "info", stream: io.StringIO | None = None
) -> str:
    stream = io.StringIO() if stream is None else stream
    configure_logs(level=level, secrets=[Secret(TOKEN)], stream=stream, form=form)
    say(structlog.get_logger())
    return stream.getvalue()


def test_a_line_is_a_time_in_utc_a_level_a_sentence_and_fields() -> None:
    line = logged(lambda log: log.info("3 new candles", event_id="wake", took=0.045, who="two words", none=None))
    time, _, rest = line.partition(" ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    assert rest == 'info    3 new candles event_id=wake took=0.045 who="two words" none=None\n'


def test_json_is_one_object_a_line() -> None:
    record = json.loads(logged(lambda log: log.warning("x\ny", prices=[1, "a"]), form="json"))
    assert list(record)[:3] == ["timestamp", "level", "event"]
    assert (record["level"], record["prices"]) == ("warning", [1, "a"])


def test_auto_is_for_people_on_a_terminal_and_plain_elsewhere() -> None:
    assert "\x1b[" in logged(lambda log: log.info("x"), form="auto", stream=Terminal())
    assert "\x1b[" not in logged(lambda log: log.info("x"), form="auto")


@pytest.mark.parametrize("form", ["plain", "console", "json"])
def test_no_secret_survives_in_sentence_field_or_traceback(form: Form) -> None:
    def say(log: Any) -> None:
        log.info(f"token {TOKEN}", url=f"https://h/?t={TOKEN}", deep={"x": [TOKEN]}, held=Secret("other-secret"))
        try:
            fail(TOKEN)
        except ValueError:
            log.exception("failed", error=ValueError(TOKEN))
        logging.getLogger("redis").warning("library says %s", TOKEN)

    text = logged(say, form=form)
    assert TOKEN not in text
    assert "other-secret" not in text
    assert text.count("***") >= 7
    assert "RuntimeError" in text


def test_no_value_can_forge_a_line_or_speak_to_the_terminal() -> None:
    evil = "x\n2026-01-01T00:00:00.000Z error   forged\r\x1b[2J\u2028y"
    text = logged(lambda log: log.info(evil, **{"a\nb": evil}, deep={evil: [evil]}), form="console", stream=Terminal())
    assert text.count("\n") == 1
    assert "\x1b[2J" not in text
    assert "\u2028" not in text


def test_the_lines_of_a_traceback_are_indented() -> None:
    def say(log: Any) -> None:
        try:
            fail("one\n2026-01-01T00:00:00.000Z error   forged\x1b[2J")
        except ValueError:
            log.exception("failed")

    first, *rest = logged(say).splitlines()
    assert first.endswith("failed")
    assert all(line.startswith("    ") for line in rest)
    assert "\x1b" not in "".join(rest)


def test_what_is_too_long_is_cut() -> None:
    line = logged(lambda log: log.info("s" * 20_000, field="f" * 20_000))
    assert 8_192 + 2_048 < len(line) < 8_192 + 2_048 + 100


@pytest.mark.parametrize("name", CLAMPED)
def test_libraries_are_never_heard_below_warning(name: str) -> None:
    library = logging.getLogger(f"{name}.somewhere")

    def say(_: Any) -> None:
        library.info("GET /v3/accounts/1/candles")
        library.debug("body")
        library.warning("pool is full")

    text = logged(say, level="debug")
    assert text.count("\n") == 1
    assert f"pool is full library={name}.somewhere" in text


def test_a_library_nobody_thought_of_is_not_heard_below_warning_either() -> None:
    def say(_: Any) -> None:
        logging.getLogger("someone.new").info("chatter")

    assert logged(say, level="debug") == ""


def test_the_level_is_the_lowest_that_is_shown() -> None:
    def say(log: Any) -> None:
        log.debug("fine")
        log.info("ordinary")
        log.error("grave")

    assert logged(say, level="error").split("   ")[1] == "grave\n"
    assert logged(say, level="debug").count("\n") == 3


def test_bound_context_stands_in_every_record() -> None:
    def say(log: Any) -> None:
        with structlog.contextvars.bound_contextvars(run="r1"):
            log.info("x")
            logging.getLogger("redis").warning("y")

    assert logged(say).count("run=r1") == 2


def test_configuring_again_replaces_what_was_before() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logs(stream=first)
    configure_logs(stream=second)
    structlog.get_logger().info("x")
    assert first.getvalue() == ""
    assert second.getvalue().count("\n") == 1


def test_a_reader_that_went_away_ends_nothing() -> None:
    stream = io.StringIO()
    configure_logs(stream=stream)
    stream.close()
    structlog.get_logger().info("to nobody")
    assert stream.closed


def test_an_uncaught_error_is_logged_like_any_other() -> None:
    stream = io.StringIO()
    configure_logs(stream=stream, secrets=[Secret(TOKEN)])
    error = ValueError(TOKEN)
    sys.excepthook(ValueError, error, None)
    thread = threading.Thread(target=fail, args=(TOKEN,), name="worker-7")
    thread.start()
    thread.join()
    text = stream.getvalue()
    assert "unexpected error, the process ends" in text
    assert "unexpected error in a thread thread=worker-7" in text
    assert TOKEN not in text


# --- a failure that lasts -------------------------------------------------------------------------------------------


def test_a_lasting_failure_is_said_first_then_once_a_minute_then_that_it_is_over() -> None:
    clock = FakeClock()
    with capture_logs() as records:
        recurring = Recurring(clock, structlog.get_logger())
        assert not recurring.recovered("redis", "Redis is back")
        for _ in range(150):
            recurring.failed("redis", "Redis is away", level="error", event_id="redis.down")
            clock.time += 1
        assert recurring.is_failing("redis")
        assert recurring.recovered("redis", "Redis is back", event_id="redis.up")
        assert not recurring.is_failing("redis")
        assert not recurring.recovered("redis", "Redis is back")
    down = {"event": "Redis is away", "log_level": "error", "event_id": "redis.down"}
    assert records == [
        down,
        {**down, "suppressed": 59, "lasting": "1 min"},
        {**down, "suppressed": 59, "lasting": "2 min"},
        {
            "event": "Redis is back",
            "log_level": "info",
            "event_id": "redis.up",
            "suppressed": 29,
            "lasted": "2 min 30 s",
        },
    ]


def test_failures_of_different_things_do_not_hide_each_other() -> None:
    with capture_logs() as records:
        recurring = Recurring(FakeClock(), structlog.get_logger())
        recurring.failed("redis", "Redis is away")
        recurring.failed("broker", "the broker is away")
        recurring.recovered("redis", "Redis is back")
        recurring.failed("redis", "Redis is away")
    assert [record["event"] for record in records] == [
        "Redis is away",
        "the broker is away",
        "Redis is back",
        "Redis is away",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0421, "0.0421 s"),
        (4.23, "4.23 s"),
        (42.4, "42 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7_500, "2 h 5 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations_are_written_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text

"""What the terminal shows."""

from __future__ import annotations

import io
from typing import Any

from ninja_daemon.adapters.channels.console import ConsoleChannel
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, Sent
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.signals.crossover import Side
from tests.fakes.messages import CLOSE_TIME, a_bundle, a_notice_entry, an_entry


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(*, policy: SendPolicy | None = None, stream: io.StringIO | None = None, **changes: Any) -> str:
    stream = stream or io.StringIO()
    channel = ConsoleChannel(Destination("console", "console", policy=policy or SendPolicy()), stream)
    assert channel.send(a_bundle(an_entry(1, **changes))) == Sent()
    return stream.getvalue()


def test_a_signal_is_one_line_with_what_a_reader_acts_on() -> None:
    line = shown()
    assert line.count("\n") == 1
    for fact in (
        "▼ SELL EUR/USD H4",
        "1.09259",
        "stop 1.10084 (82.5)",
        "target 1.08022 (123.7)",
        "2022-03-04 18:00 UTC",
    ):
        assert fact in line


def test_a_late_signal_says_so_and_how_late_it_is() -> None:
    line = shown(late=True, close_time=CLOSE_TIME - 11_520)
    assert line.startswith("⚠ LATE · ▼ SELL EUR/USD H4")
    assert "Late: 3 h 12 min after the close." in line


def test_times_are_in_the_readers_time_zone() -> None:
    assert "  2022-03-04 13:00 EST  " in shown(policy=SendPolicy(time_zone="America/New_York"))


def test_colours_are_for_terminals_only() -> None:
    assert "\x1b[" not in shown()
    assert "\x1b[1;32m" in shown(stream=_Terminal(), side=Side.BUY)


def test_a_template_is_the_whole_line() -> None:
    policy = SendPolicy(template="{arrow} {pair} {close} #{mark}")
    assert shown(policy=policy).startswith("▼ EUR/USD 1.09259 #")


def test_control_characters_cannot_reach_the_terminal() -> None:
    stream = io.StringIO()
    hostile = "red \x1b[31m and\nforged line\u202e"
    ConsoleChannel(Destination("console", "console"), stream).send(a_bundle(a_notice_entry(text=hostile)))
    assert stream.getvalue().count("\n") == 1
    assert not set(stream.getvalue()) & {"\x1b", "\u202e"}


def test_an_output_that_is_closed_is_a_failure_to_try_again() -> None:
    class Closed(io.StringIO):
        def isatty(self) -> bool:
            return False

        def write(self, text: str) -> int:
            raise BrokenPipeError(text)

    outcome = ConsoleChannel(Destination("console", "console"), Closed()).send(a_bundle())
    assert isinstance(outcome, Failure)
    assert outcome.fault is Fault.UNREACHED

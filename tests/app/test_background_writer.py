"""What is written behind the commit: an error of it is said once and ends nothing, and only so much waits."""

from __future__ import annotations

import threading

from structlog.testing import capture_logs

from ninja_daemon.app.background_writer import BackgroundWriter


def unexpected() -> None:
    raise OverflowError


def test_an_error_that_nobody_expected_is_said_once_and_the_next_thing_is_written() -> None:
    written: list[int] = []
    with capture_logs() as logs:
        writer = BackgroundWriter("notes", "nothing is noted", "noted again")
        writer.put(unexpected)
        writer.put(unexpected)
        writer.put(lambda: written.append(1))
        writer.close()
    assert written == [1]
    assert not writer.waiting - 1  # the end itself
    assert [entry["event"] for entry in logs] == ["nothing is noted: an error that nobody expected", "noted again"]
    assert isinstance(logs[0]["exc_info"], OverflowError)


def test_while_a_disk_hangs_only_so_much_waits_and_it_is_said() -> None:
    hangs, written = threading.Event(), []
    with capture_logs() as logs:
        writer = BackgroundWriter("notes", "nothing is noted", most=3)
        writer.put(hangs.wait)  # type: ignore[arg-type]
        for number in range(10):
            writer.put(lambda number=number: written.append(number))  # type: ignore[misc]
        assert writer.waiting <= 4
        hangs.set()
        writer.close()
    assert written == list(range(len(written)))
    assert len(written) in {2, 3}
    assert [entry["event"].partition(" wait ")[0][:-2] for entry in logs] == ["nothing is noted:"]

"""The calendar is read beside the wakes: a file when it has changed, an address once an hour; old ones are told."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ninja_daemon.adapters.news.place import CalendarPlace
from ninja_daemon.app.news.keeper import CalendarKeeper
from ninja_daemon.app.news.known import calendar_of_place, kept_calendar, known_calendar, news_file
from ninja_daemon.app.settings.environment import Environment, read_environment
from ninja_daemon.core.errors import CalendarUnreadable
from ninja_daemon.core.filters.quiet_around import Quiet
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.strategy import Strategy
from tests.fakes.clock import FakeClock
from tests.fakes.receiver import Answer, Receiver

NOW = 1_772_800_000
RATE = {"title": "Rate", "country": "USD", "date": format_instant(NOW + 7_200), "impact": "High"}
QUIET = Strategy("S", "EUR_USD", Granularity.H4, 1, 2, filters=(("quiet_around", Quiet(("high",), 0, 60)),))


@dataclass
class Desk:
    directory: Path
    place: CalendarPlace
    clock: FakeClock = field(default_factory=lambda: FakeClock(float(NOW)))
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keeper = self.begun()

    @property
    def environment(self) -> Environment:
        return read_environment({"HOME": "/", "NINJA_STATE_DIR": str(self.directory)}, self.directory)

    def begun(self) -> CalendarKeeper:
        made = CalendarKeeper(news_file(self.environment), self.clock, lambda kind, *_: self.told.append(kind))
        made.keeps(self.place)
        return made

    def look(self, after: float = 0.0) -> None:
        self.clock.time += after
        self.keeper.look()

    def write(self, text: str | list[dict[str, str]], age: int = 0) -> None:
        assert self.place.file is not None
        self.place.file.write_text(text if isinstance(text, str) else json.dumps(text))
        written = self.clock.time - age
        os.utime(self.place.file, (written, written))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, CalendarPlace(tmp_path / "news.json", None, max_age=86_400))
    yield made
    made.keeper.close()


def test_a_file_is_read_when_it_has_changed_and_what_it_said_is_kept(desk: Desk) -> None:
    desk.write([RATE], age=100)
    desk.look()
    assert [one.event.title for one in desk.keeper.calendar.events] == ["Rate"]
    first = desk.keeper.calendar
    desk.look(30)
    assert desk.keeper.calendar is first
    desk.clock.time += 30
    desk.write([{**RATE, "title": "Jobs"}])
    desk.look()
    assert [(one.event.title, one.until) for one in desk.keeper.calendar.events] == [("Jobs", None), ("Rate", NOW + 60)]
    kept = kept_calendar(desk.environment, 86_400)
    assert kept is not None
    assert (kept.events, kept.readings) == (desk.keeper.calendar.events, [(NOW, NOW - 100), (NOW + 60, NOW + 60)])


def test_an_old_calendar_is_told_once_and_when_it_is_new_again(desk: Desk) -> None:
    desk.look()
    assert (desk.told, desk.keeper.calendar.is_old(NOW)) == (["calendar_old"], True)
    desk.write([RATE], age=3_600)
    desk.look(30)
    assert (desk.told, desk.keeper.calendar.is_old(NOW + 30)) == (["calendar_old", "calendar_back"], False)
    desk.look(86_400)
    desk.look(86_400)
    assert desk.told == ["calendar_old", "calendar_back", "calendar_old"]
    fields = desk.keeper.fields()["calendar"]
    assert isinstance(fields, dict)
    assert (fields["is_old"], fields["events"]) == (True, 1)


def test_a_file_that_is_no_calendar_leaves_what_was_known(desk: Desk) -> None:
    desk.write([RATE])
    desk.look()
    desk.clock.time += 60
    desk.write("<html>")
    desk.look()
    assert (len(desk.keeper.calendar.events), "neither JSON" in desk.keeper.trouble) == (1, True)
    desk.clock.time += 60
    desk.write([])
    desk.look()
    assert desk.keeper.trouble == ""


def test_an_address_is_asked_once_an_hour_also_after_a_restart(tmp_path: Path) -> None:
    receiver, answers = Receiver(), [Answer.of(200, [RATE]), Answer(500), Answer(500)]
    receiver.script = lambda _: answers.pop(0)
    desk = Desk(tmp_path, CalendarPlace(None, Secret(f"{receiver.url}/week.json?key=k"), 7_200, insecure=True))
    again = desk.begun()
    for _ in range(3):
        desk.look(1_000)
    again.look()
    assert [(post.method, post.path) for post in receiver.posts] == [("GET", "/week.json?key=k")]
    assert [one.event.title for one in again.calendar.events] == ["Rate"]
    desk.look(3_600)
    assert (len(receiver.posts), desk.keeper.trouble, desk.told) == (2, "the server answered 500", [])
    desk.look(3_700)
    assert (len(receiver.posts), desk.told) == (3, ["calendar_old"])
    for keeper in (desk.keeper, again):
        keeper.close()
    receiver.stop()


def test_commands_judge_by_what_was_kept_and_before_that_by_the_file_as_it_stands(desk: Desk) -> None:
    desk.write([RATE])
    assert [one.event.title for one in calendar_of_place(desk.environment, desk.place).events] == ["Rate"]
    assert kept_calendar(desk.environment) is None
    desk.look()
    old = {**RATE, "title": "Old", "date": format_instant(NOW - 86_400)}
    desk.write([RATE, old])
    known = calendar_of_place(desk.environment, desk.place)
    by_title = {one.event.title: one for one in known.events}
    assert known.said(by_title["Old"], NOW - 86_400)
    assert not known.said(by_title["Old"], NOW + 60)
    assert known_calendar(desk.environment, [QUIET]).events == ()
    url = CalendarPlace(None, Secret("https://example.org"), 1)
    assert calendar_of_place(desk.environment, url).begun == NOW


def test_what_an_address_said_is_not_guessed_where_no_daemon_ran(tmp_path: Path) -> None:
    desk = Desk(tmp_path, CalendarPlace(None, Secret("https://example.org"), 1))
    with pytest.raises(CalendarUnreadable, match="name a file"):
        calendar_of_place(desk.environment, desk.place)

"""The daemon's own audit: when it may begin, what ends it, and what is told of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ninja_daemon.adapters.journal.history.audits import OWN, SqliteAudits
from ninja_daemon.app.audits.calm import is_calm, may_be_audited
from ninja_daemon.app.audits.own_audit import OwnAudit
from ninja_daemon.app.audits.results import summary_of
from ninja_daemon.app.checks.audits import check_audits
from ninja_daemon.app.checks.finding import Level
from ninja_daemon.app.queues.opening import audits_file
from ninja_daemon.app.settings.environment import inspect_environment
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.signals.strategy import Strategy
from tests.fakes.clock import FakeClock

FX = Strategy("A", "EUR_USD", Granularity.H4, 2, 4)
OTHER = replace(FX, name="B", instrument="GBP_JPY")
SATURDAY, TUESDAY = parse_instant("2026-11-21T12:00:00Z"), parse_instant("2026-11-24T12:00:00Z")
SUNDAY_EVENING = parse_instant("2026-11-22T21:55:00Z")
WEEK = 7 * 86_400.0
MISSING = {"strategy": "A", "kind": "missing", "time": "2026-11-20T10:00:00Z", "field": "id", "listed": "-"}
FOUND = MISSING | {"derived": "ab", "meaning": "it was removed"}


def always(granularity: Granularity) -> Strategy:
    return replace(FX, name=granularity.name, granularity=granularity, market_hours=MarketHours.ALWAYS)


@pytest.mark.parametrize(
    ("strategies", "at", "calm"),
    [
        ([FX], SATURDAY, True),
        ([FX], TUESDAY, True),
        ([FX], parse_instant("2026-11-24T13:51:00Z"), False),
        ([FX, always(Granularity.M1)], SATURDAY + 10, True),
        ([FX, always(Granularity.M1)], SATURDAY + 31, False),
        ([always(Granularity.S5)], SATURDAY + 1, True),
        ([always(Granularity.H1)], SATURDAY + 3_001, False),
    ],
)
def test_nothing_is_audited_near_a_close(strategies: list[Strategy], at: int, calm: bool) -> None:
    assert is_calm(strategies, at) is calm


def test_a_market_must_be_closed_and_stay_so_or_never_close() -> None:
    assert may_be_audited(FX, SATURDAY)
    assert not may_be_audited(FX, TUESDAY)
    assert not may_be_audited(FX, SUNDAY_EVENING)
    assert may_be_audited(always(Granularity.H1), TUESDAY)


@dataclass
class Watched:
    strategies: Sequence[Strategy] = (FX, OTHER)
    led_strategies: Sequence[Strategy] = (FX, OTHER)


@dataclass
class Auditing:
    """A child that finds what it is told, and how it was started and ended."""

    file: SqliteAudits
    clock: FakeClock
    finds: list[dict[str, str]] = field(default_factory=list)
    during: Callable[[], None] = lambda: None
    code: int | None = None
    ends_with: int | None = 0
    asked: list[list[str]] = field(default_factory=list)
    stopped: int = 0

    def __call__(self, names: Sequence[str]) -> Auditing:
        self.asked.append(list(names))
        self.code = None
        return self

    def start(self) -> None:
        self.during()
        self.code = self.ends_with
        for name in self.asked[-1] if self.code in (0, 1) else ():
            found = [one for one in self.finds if one["strategy"] == name]
            text = json.dumps({"strategy": name, "differences": found})
            self.file.keep(OWN, name, "hash", self.clock.time, text)

    def ask_to_stop(self) -> None:
        self.stopped += 1

    def wait(self) -> None:
        self.code = self.code or 0


@dataclass
class Scene:
    audit: OwnAudit
    child: Auditing
    daemon: Watched
    clock: FakeClock
    file: SqliteAudits
    alerts: list[str]

    def step(self, at: float) -> None:
        self.clock.time = max(at, self.clock.time)
        self.audit.step(self.file)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    environment, _ = inspect_environment({"NINJA_STATE_DIR": str(tmp_path), "HOME": str(tmp_path)}, tmp_path)
    clock, file, alerts, daemon = FakeClock(SATURDAY - WEEK), SqliteAudits(tmp_path / "e.sqlite3"), [], Watched()
    child = Auditing(file, clock)
    told: Callable[..., None] = lambda *told: alerts.append(told[2])  # noqa: E731
    audit = OwnAudit(environment, daemon, clock, told, WEEK, child)
    made = Scene(audit, child, daemon, clock, file, alerts)
    made.step(SATURDAY - WEEK)
    assert child.asked == []
    yield made
    file.close()


def test_it_comes_a_week_after_the_first_start_and_then_every_week(scene: Scene) -> None:
    scene.step(TUESDAY - WEEK)
    assert scene.child.asked == []
    scene.step(SATURDAY)
    scene.step(SATURDAY + 60)
    assert scene.child.asked == [["A", "B"]]
    scene.step(SATURDAY + WEEK)
    assert len(scene.child.asked) == 2
    scene.audit.every = None
    scene.step(SATURDAY + 3 * WEEK)
    assert len(scene.child.asked) == 2


def test_only_what_is_led_is_audited(scene: Scene) -> None:
    scene.daemon.led_strategies = (OTHER,)
    scene.step(SATURDAY)
    assert scene.child.asked == [["B"]]


def test_what_was_found_before_it_was_cut_short_stays(scene: Scene) -> None:
    def nearly_open() -> None:
        scene.file.keep(OWN, "A", "hash", SATURDAY, '{"strategy": "A", "differences": []}')
        scene.clock.time = SUNDAY_EVENING

    scene.child.during, scene.child.ends_with = nearly_open, None
    scene.step(SATURDAY)
    assert scene.child.stopped == 1
    scene.child.during, scene.child.ends_with = lambda: None, 0
    scene.step(SATURDAY + WEEK - 3_600)
    assert scene.child.asked == [["A", "B"], ["B"]]


def test_a_lost_lease_ends_it(scene: Scene) -> None:
    def lose() -> None:
        scene.daemon.led_strategies = ()

    scene.child.during, scene.child.ends_with = lose, None
    scene.step(SATURDAY)
    assert scene.child.stopped == 1


def test_one_that_fails_is_tried_again_an_hour_later(scene: Scene) -> None:
    scene.child.ends_with = 78
    scene.step(SATURDAY)
    scene.step(SATURDAY + 60)
    assert len(scene.child.asked) == 1
    scene.step(SATURDAY + 3_700)
    assert len(scene.child.asked) == 2


def test_a_difference_is_told_once_and_a_new_one_again(scene: Scene) -> None:
    scene.child.finds = [FOUND]
    scene.step(SATURDAY)
    scene.step(SATURDAY + WEEK)
    assert len(scene.alerts) == 1
    assert "1 new difference in 1 strategy" in scene.alerts[0]
    assert "A at 2026-11-20T10:00:00Z: missing" in scene.alerts[0]
    scene.child.finds = [FOUND, FOUND | {"strategy": "B"}]
    scene.step(SATURDAY + 2 * WEEK)
    assert len(scene.alerts) == 2
    found = summary_of(scene.file.kept(OWN))
    assert found == scene.audit.summary()
    assert found is not None
    assert (found.strategies, found.differences) == (2, {"missing": 2})


def test_check_warns_of_differences_and_of_audits_that_do_not_come(tmp_path: Path) -> None:
    environment, _ = inspect_environment({"NINJA_STATE_DIR": str(tmp_path), "HOME": str(tmp_path)}, tmp_path)
    assert list(check_audits(environment, [FX], WEEK, SATURDAY)) == []
    with closing(audits_file(environment)) as file:
        file.keep(OWN, "A", "hash", SATURDAY, json.dumps({"differences": []}))
        levels = [check_audits(environment, [FX], WEEK, SATURDAY + weeks * WEEK) for weeks in (1, 4)]
        assert [[(one.level, one.code) for one in each] for each in levels] == [
            [(Level.OK, "audit.differences")],
            [(Level.WARNING, "audit.late")],
        ]
        file.keep(OWN, "A", "hash", SATURDAY, json.dumps({"differences": [FOUND]}))
    (finding,) = check_audits(environment, [FX], WEEK, SATURDAY)
    assert (finding.level, finding.code) == (Level.WARNING, "audit.differences")
    assert "1 difference (1 × missing)" in finding.cause

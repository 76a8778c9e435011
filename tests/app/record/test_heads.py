"""Heads of the record: compared after a failover and a restoration, published, and proof of what came before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from ninja_daemon.adapters.journal.history.record import RecordEntry, SqliteRecord, entries_of, settings_entry
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.record_head import RedisRecordHead
from ninja_daemon.adapters.stored.open_signals import encode_terms
from ninja_daemon.adapters.stored.record import check
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.app.backups.record_part import RecordFate, record_fate, restore_record
from ninja_daemon.app.record.heads import break_with, encoded
from ninja_daemon.app.record.recording import Recorder
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import PriceSide, Series
from ninja_daemon.core.outcomes.open_signal import Terms
from ninja_daemon.core.signals.signal import signal_id
from ninja_daemon.core.signals.strategy import Strategy, settings_of
from tests.fakes.messages import a_signal

SERIES = Series("EUR_USD", Granularity.H4, PriceSide.MID)
STRATEGY = Strategy("EUR_USD_H4", "EUR_USD", Granularity.H4, 3, 5)


def histories(count: int, first: int = 0) -> tuple[list[str], list[str]]:
    """What the lists say after that many signals."""
    times = [a_signal().time + number * 14_400 for number in range(first, count)]
    signals = [a_signal(time=time, id=signal_id(STRATEGY, time, a_signal().side)) for time in times]
    terms = Terms(exit_on_reverse=False, max_candles=1_000, cost_pips=Decimal(0), pip_location=-4)
    return [encode_signal(one) for one in signals], [encode_terms(one.id, SERIES, terms) for one in signals]


def entries(count: int) -> list[RecordEntry]:
    return entries_of(*histories(count))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@dataclass
class Machines:
    """Several machines with a record each, one Redis, and what their operators were told."""

    directory: Path
    published: RedisRecordHead
    stack: ExitStack
    listed: tuple[Sequence[str], Sequence[str]] = ((), ())
    told: list[str] = field(default_factory=list)

    def record(self, machine: str) -> SqliteRecord:
        return self.stack.enter_context(closing(SqliteRecord(self.directory / machine / "record.sqlite3")))

    def starts(self, machine: str) -> Recorder:
        return Recorder(self.record(machine), lambda: self.listed, self.published, self.told.append)


@pytest.fixture
def machines(tmp_path: Path, redis_url: str, stack: ExitStack) -> Machines:
    client = stack.enter_context(closing(connect(redis_url, name="test")))
    return Machines(tmp_path, RedisRecordHead(client, Keys("t")), stack)


def test_a_machine_that_saw_the_same_lists_goes_on_with_the_same_head(machines: Machines) -> None:
    machines.listed = histories(5)
    machines.starts("a").catch_up([STRATEGY])
    machines.listed = histories(7)
    machines.starts("b").catch_up([STRATEGY])
    machines.starts("a").catch_up([STRATEGY])
    assert machines.record("a").head() == machines.record("b").head()
    assert not machines.told


def test_a_record_that_began_late_is_told_as_a_break_and_not_mended(machines: Machines) -> None:
    machines.listed = histories(9)
    machines.starts("a").catch_up([STRATEGY])
    machines.listed = histories(10, first=6)
    late = machines.starts("b")
    late.catch_up([STRATEGY])
    late.catch_up([STRATEGY])
    (sentence,) = machines.told
    assert "line 10 of the record that" in sentence
    assert "has 5 lines and ends before it" in sentence
    assert machines.record("b").head().lines == 5


def test_a_record_that_lost_its_end_is_told_at_the_next_start(machines: Machines) -> None:
    machines.listed = histories(4)
    machines.starts("a").catch_up([STRATEGY])
    with machines.record("a").session() as connection:
        connection.execute("DELETE FROM record WHERE n > 3")
    machines.listed = histories(6, first=5)
    machines.starts("a").catch_up([STRATEGY])
    (sentence,) = machines.told
    assert "line 5 of the record that" in sentence


@pytest.mark.parametrize("junk", ["", "{}", "not json", '{"lines":"x"}', "[]"])
def test_a_published_head_that_cannot_be_read_is_said(machines: Machines, junk: str) -> None:
    machines.published.publish(junk)
    said = break_with(machines.record("a"), machines.published.read())
    assert said == ("the head that was published last cannot be read" if junk else "")


def test_a_head_of_last_year_proves_a_record_that_has_grown(machines: Machines) -> None:
    record = machines.record("a")
    record.append(entries(3))
    old = record.head().chain
    record.append(entries(6))
    assert not [one for one in check(record.lines(), old).problems if "head" in one]
    shorter = machines.record("b")
    shorter.append(entries(2))
    assert [one for one in check(shorter.lines(), old).problems if f"must hold the head {old}" in one]
    assert break_with(record, encoded(record.head(), "a")) == ""


@pytest.mark.parametrize(
    ("here", "backup", "fate", "lines"),
    [
        (None, None, RecordFate.NONE, None),
        (None, 4, RecordFate.RESTORED, 4),
        (4, None, RecordFate.STAYS, 4),
        (6, 4, RecordFate.STAYS, 6),
        (4, 4, RecordFate.STAYS, 4),
        (2, 4, RecordFate.REPLACED, 4),
    ],
)
def test_of_two_records_the_one_that_goes_on_is_there_after_a_restoration(
    tmp_path: Path, stack: ExitStack, here: int | None, backup: int | None, fate: RecordFate, lines: int | None
) -> None:
    paths = [tmp_path / name / "record.sqlite3" for name in ("here", "backup")]
    for path, count in zip(paths, (here, backup), strict=True):
        if count is not None:
            with closing(SqliteRecord(path)) as record:
                record.append(entries(count))
    copy = None if backup is None else paths[1]
    assert record_fate(paths[0], copy) is fate
    aside = restore_record(paths[0], copy, fate, 1)
    assert (aside is not None) is (fate is RecordFate.REPLACED)
    if lines is not None:
        after = stack.enter_context(closing(SqliteRecord(paths[0])))
        assert after.head().lines == lines


def test_records_that_contradict_each_other_stay_where_they_are(tmp_path: Path) -> None:
    paths = [tmp_path / name / "record.sqlite3" for name in ("here", "backup")]
    for path, first in zip(paths, (0, 3), strict=True):
        with closing(SqliteRecord(path)) as record:
            record.append(entries_of(*histories(8, first)))
    assert record_fate(*paths) is RecordFate.BROKEN
    assert restore_record(paths[0], paths[1], RecordFate.BROKEN, 1) is None
    with closing(SqliteRecord(paths[0])) as record:
        assert record.head().lines == 8


def test_settings_may_be_recorded_behind_the_signal_of_another_member(tmp_path: Path) -> None:
    with closing(SqliteRecord(tmp_path / "record.sqlite3")) as record:
        record.append(entries(2))
        assert [problem.endswith("of EUR_USD_H4") for problem in check(record.lines()).problems] == [True, True]
        record.append([settings_entry(STRATEGY.name, STRATEGY.settings_hash, settings_of(STRATEGY))])
        found = check(record.lines())
    assert (found.problems, found.lines) == ([], 3)

"""A candle at which nothing happens is taken in by few steps, with the result that all the steps have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given, settings, strategies as st

from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.errors import CandleRejected
from ninja_daemon.core.market.source import Source
from ninja_daemon.core.outcomes.following import Book
from ninja_daemon.core.outcomes.open_signal import OpenSignal, Terms
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.stepper import advance_all
from ninja_daemon.usecases import catch_up as catching_up
from ninja_daemon.usecases.candle_ports import Fetched
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.changes import quiet_candle
from ninja_daemon.usecases.evaluation import Evaluator, Work
from ninja_daemon.usecases.ports import Change, CommitResult, Committed, Counts, Loaded
from ninja_daemon.usecases.standing import Standing
from ninja_daemon.usecases.wake_result import Start
from tests.adapters.redis.test_state_store import EUR_USD, STRATEGY, candles
from tests.fakes.broker import FakeBroker
from tests.fakes.clock import FakeClock

SEEN = 40


class Drawn(NamedTuple):
    """What a broker may show of a strategy, whatever it is."""

    seed: int
    kind: MovingAverageKind
    source: Source
    new: int
    skipped: int
    at_cursor: int | None
    before: Sequence[int]
    shown: Sequence[int]
    is_open: bool
    is_more: bool
    is_refused: bool
    start: Start


usual = st.builds(
    Drawn,
    seed=st.integers(0, 40),
    kind=st.sampled_from(MovingAverageKind),
    source=st.sampled_from(Source),
    new=st.sampled_from([1, 1, 1, 1, 1, 0, 2]),
    skipped=st.sampled_from([0, 0, 0, 0, 1]),
    at_cursor=st.sampled_from([None, 0, 0, 0, 1]),
    before=st.lists(st.sampled_from([0, 0, 0, 1]), max_size=2),
    shown=st.lists(st.sampled_from([0, 1]), max_size=2),
    is_open=st.booleans(),
    is_more=st.sampled_from([False, False, False, True]),
    is_refused=st.sampled_from([False, False, False, True]),
    start=st.sampled_from([Start.STORED, Start.STORED, Start.STORED, Start.REBUILT, Start.FIRST]),
)


def standing_of(drawn: Drawn) -> Standing:
    """A strategy behind forty candles, and what the broker has sent since."""
    made = candles(SEEN + 4, drawn.seed)
    rules = Rules(replace(STRATEGY, ma_type=drawn.kind, source=drawn.source), EUR_USD)
    state, _ = advance_all(rules, rules.empty_state(), made[:SEEN])
    last = made[SEEN - 1]
    one = OpenSignal(
        *("0" * 32, made[SEEN - 5].time, Side.BUY, last.close, last.close - 90, last.close + 30, 5),
        *(Terms(exit_on_reverse=False, max_candles=1_000, cost_pips=STRATEGY.cost_pips, pip_location=-4), 4),
        *(last.close, last.close),
    )
    book = Book(last.time, (one,) if drawn.is_open else ())
    closes = [made[SEEN - 2].close, made[SEEN - 3].close]
    counts = Counts(evaluated=9, shown_before=tuple(closes[place] + off for place, off in enumerate(drawn.shown)))
    loaded = Loaded(last.time, "=x", state, EUR_USD, last.time, counts, book=book)
    standing = Standing(rules.strategy, loaded, drawn.start, last.time, state, EUR_USD, fetched=drawn.new, book=book)
    standing.newer = Fetched(
        EUR_USD,
        made[SEEN + drawn.skipped :][: drawn.new],
        None if drawn.at_cursor is None else last._replace(high=last.high + drawn.at_cursor),
        [made[SEEN - 2 - place]._replace(close=closes[place] + off) for place, off in enumerate(drawn.before)],
        rejected=CandleRejected("it is no candle") if drawn.is_refused else None,
        more=drawn.is_more,
    )
    return standing


def plain(work: Work) -> object:
    """A result whose sequences are compared whatever they are made of."""
    run, change = work.outcome.run, work.change
    parts: list[object] = [tuple(part) if isinstance(part, list) else part for part in work.outcome[:-1]]
    parts += [str(parts.pop(work.outcome._fields.index("error")))]
    parts += [] if run is None else [run.instrument, run.before, tuple(run.candles)]
    if change is not None:
        parts += [*change[1:4], tuple(change.signals), *change[5:7], tuple(change.outcomes), change.trend]
    return parts


@given(usual)
@settings(max_examples=150)
def test_a_quiet_candle_gives_what_all_the_steps_give(drawn: Drawn) -> None:
    evaluation = Evaluator(FakeBroker({}, {}), FakeClock(2e9), hold_gaps=False)

    assert plain(evaluation.of(standing_of(drawn))) == plain(evaluation._any(standing_of(drawn)))


def test_most_candles_are_quiet_those_with_open_signals_included() -> None:
    usually = Drawn(0, MovingAverageKind.SMA, Source.CLOSE, 1, 0, 0, (), (), True, False, False, Start.STORED)
    found = [quiet_candle(standing_of(usually._replace(seed=seed))) for seed in range(40)]
    assert sum(one is not None for one in found) > 20
    assert quiet_candle(standing_of(usually._replace(skipped=1))) is None


class _Store:
    """Notes how many strategies each commit is of."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def supposed(self, _: Sequence[object]) -> dict[str, Loaded]:
        return {}

    def load(self, strategies: Sequence[object]) -> dict[str, Loaded]:
        return {one.name: Loaded(None, "", None, None, None, Counts()) for one in strategies}  # type: ignore[attr-defined]

    def commit(self, changes: Sequence[Change]) -> dict[str, Committed]:
        self.sizes.append(len(changes))
        return {one.rules.strategy.name: Committed(CommitResult.OK) for one in changes}

    def unfinished(self, _: Sequence[object]) -> dict[str, Sequence[OpenSignal]]:
        return {}


class _Journal:
    def __init__(self) -> None:
        self.noted: list[int] = []

    def marks(self) -> dict[str, int]:
        return {}

    def open_books(self, _: Sequence[object]) -> dict[str, Book]:
        return {}

    def remember(self, marks: dict[str, int], _: object = ()) -> None:
        self.noted.append(len(marks))


def test_the_first_of_many_do_not_wait_for_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catching_up, "_TOGETHER", 3)
    many = [replace(STRATEGY, name=f"S{place}") for place in range(8)]
    broker = FakeBroker({"EUR_USD": EUR_USD}, {STRATEGY.series: candles(60)})
    store, journal = _Store(), _Journal()

    catch_up(many, source=broker, store=store, journal=journal, clock=FakeClock(2e9))  # type: ignore[arg-type]

    assert store.sizes == [3, 3, 2]
    assert journal.noted == [8]

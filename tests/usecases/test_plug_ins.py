"""A plug-in that fails sets its own strategy aside; the others go on, and nothing is missed when it works again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from ninja_daemon.adapters.host.plug_ins import WatchedCall
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.state_store import LocalStateStore
from ninja_daemon.core.averages.plug_in import AveragePlugIn, PlugInKind
from ninja_daemon.core.errors import PlugInFailed
from ninja_daemon.core.filters.plug_in import FilterPlugIn, PlugInCross
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.testing import check_average, check_filter
from tests.usecases.test_catch_up import EUR_USD, STRATEGY, World, broker_of, candles_of, wandering

CANDLES = candles_of(wandering(600))


class Moody:
    """A filter that wants a higher close than five candles before, and may be ill."""

    def __init__(self) -> None:
        self.is_ill = False
        self.filter = FilterPlugIn("1", 6, WatchedCall("moody", self.compare), name="moody")

    def compare(self, cross: PlugInCross) -> tuple[Fraction, int]:
        if self.is_ill:
            message = "not today"
            raise RuntimeError(message)
        return Fraction(cross.candles[-1].close - cross.candles[0].close), 0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[World, Moody]]:
    moody, journal = Moody(), SqliteJournal(tmp_path / "journal.sqlite3")
    other = replace(STRATEGY, name="plain")
    strategies = (replace(STRATEGY, name="moody", plug_ins=(moody.filter,)), other)
    store = LocalStateStore(journal)
    yield World(store, journal, broker_of(CANDLES), strategies=strategies), moody
    store.close()
    journal.close()


def kept(name: str, *, only_higher: bool) -> list[int]:
    """Opens of the signals after candle 100 that an oracle of one line lets pass."""
    rules = Rules(replace(STRATEGY, name=name), EUR_USD)
    state, found = rules.empty_state(), []
    for number, candle in enumerate(CANDLES):
        state, cross = rules.advance(state, candle)
        is_signal = cross is not None and cross.rejected_by is None and number > 100
        if is_signal and (not only_higher or candle.close >= CANDLES[number - 5].close):
            found.append(candle.time)
    return found


def test_only_its_strategy_waits_and_misses_nothing(world: tuple[World, Moody]) -> None:
    place, moody = world
    place.wake(100)
    moody.is_ill = True
    at = [place.wake(number).results for number in range(101, 300, 7)]
    ill = [result for results in at for result in results if result.error is not None]
    assert {result.strategy.name for result in ill} == {"moody"}
    assert all(isinstance(result.error, PlugInFailed) and "moody" in str(result.error) for result in ill)
    moody.is_ill = False
    place.wake(599)
    everything = [time for _, time in place.listed()]
    assert sorted(everything) == sorted(kept("moody", only_higher=True) + kept("plain", only_higher=False))
    assert kept("moody", only_higher=True) != kept("plain", only_higher=False)


def test_a_history_that_is_rebuilt_with_an_average_that_raises_waits(tmp_path: Path) -> None:
    def raises(prices: object, period: int) -> int:
        del prices, period
        message = "not today"
        raise RuntimeError(message)

    kind = PlugInKind(AveragePlugIn("1", lambda period: period, WatchedCall("moody", raises), name="moody"))
    journal = SqliteJournal(tmp_path / "journal.sqlite3")
    strategies = (replace(STRATEGY, name="moody", ma_type=kind), replace(STRATEGY, name="plain"))
    place = World(LocalStateStore(journal), journal, broker_of(CANDLES), strategies=strategies)
    first, second = place.wake(100).results
    assert isinstance(first.error, PlugInFailed)
    assert (second.error, second.cursor) == (None, CANDLES[100].time)
    journal.close()


# --- what authors are told -------------------------------------------------------------------------------------------


def test_a_filter_that_counts_its_calls_is_found_out() -> None:
    calls: list[int] = []

    def counting(cross: PlugInCross) -> tuple[int, int]:
        del cross
        calls.append(1)
        return len(calls) % 2, 1

    with pytest.raises(AssertionError, match="the same arguments must give the same"):
        check_filter(FilterPlugIn("1", 1, counting))


def test_a_filter_that_looks_at_the_clock_is_found_out() -> None:
    import time  # noqa: PLC0415 - as a plug-in would

    with pytest.raises(AssertionError, match="no clock, no chance, no file, no network"):
        check_filter(FilterPlugIn("1", 1, lambda _: (int(time.time()), 0)))


def test_an_average_of_another_unit_is_found_out() -> None:
    with pytest.raises(AssertionError, match="must be in the unit of its prices"):
        check_average(
            AveragePlugIn("1", lambda period: period, lambda prices, _: Fraction(sum(prices), len(prices)) + 7),
            periods=(2,),
        )


def test_a_binary_float_is_found_out() -> None:
    wrong = AveragePlugIn("1", lambda period: period, lambda prices, _: sum(prices) / len(prices))  # type: ignore[arg-type, return-value]
    with pytest.raises(PlugInFailed, match="must return an exact number"):
        check_average(wrong, periods=(2,))

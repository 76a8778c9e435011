"""The stored average of a larger timeframe: read back whole, or refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.adapters.stored.state.trend_form import decode_trend, encode_trend, trend_fields
from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.averages.trend import TrendAverage
from ninja_daemon.core.errors import StateUnreadable
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from tests.core.series import walked

HOURLY = TrendAverage(Granularity.H1, MovingAverageKind.SMA, 5)


def hours(count: int) -> list[Candle]:
    return walked(count, seed=count, start=1_699_999_200, step=3_600)


@given(
    kind=st.sampled_from(MovingAverageKind),
    period=st.integers(1, 9),
    first=st.integers(0, 30),
    later=st.integers(0, 20),
)
def test_it_is_read_back_whole_also_when_only_what_is_new_was_written(
    kind: MovingAverageKind, period: int, first: int, later: int
) -> None:
    settings = replace(HOURLY, ma_type=kind, period=period)
    candles = hours(first + later)
    before = settings.empty_state(5).after_all(candles[:first])
    fields = encode_trend(before, None)
    assert decode_trend(settings, fields) == before
    after = before.after_all(candles[first:])
    fields |= encode_trend(after, before)
    assert decode_trend(settings, fields) == after
    assert fields == encode_trend(after, None)
    assert len(fields) == trend_fields(after)


def test_a_strategy_without_a_trend_stores_and_reads_nothing() -> None:
    assert encode_trend(None, None) == {}
    assert trend_fields(None) == 0
    assert decode_trend(None, {}) is None


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("trend", "5 9 ", "5 8 "),
        ("trend", ":00:00Z", ":30:00Z"),
        ("trend", "5 9 ", "x 9 "),
        ("trend", " 5 ", " 7 "),
        ("trend", "5 9 2", "5 9 - 2"),
        ("t4", "1", "2"),
        ("t4", "1", ""),
    ],
)
def test_whatever_was_changed_in_it_is_refused(field: str, old: str, new: str) -> None:
    fields = encode_trend(HOURLY.empty_state(5).after_all(hours(9)), None)
    assert old in fields[field]
    with pytest.raises(StateUnreadable):
        decode_trend(HOURLY, fields | {field: fields[field].replace(old, new, 1)})


@pytest.mark.parametrize("field", ["trend", "t0"])
def test_a_field_that_is_missing_is_named(field: str) -> None:
    fields = encode_trend(HOURLY.empty_state(5).after_all(hours(9)), None)
    del fields[field]
    with pytest.raises(StateUnreadable, match=f"the field {field} of ma_state must be there"):
        decode_trend(HOURLY, fields)

"""The form of answer that nearly all have is read by few steps, with the result of all of them."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from ninja_daemon.adapters.host.garbage import no_collection
from ninja_daemon.adapters.oanda import source as source_module
from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.market.instrument import Instrument, PriceSide, Series
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.candle_ports import Wanted
from tests.fakes.clock import FakeClock

HOUR = 3_600
CURSOR = 1_700_000_000 - 1_700_000_000 % HOUR
SERIES = Series("EUR_USD", Granularity.H1, PriceSide.MID)
PRICES = [
    *("1.10000", "1.1", "1.100001", "0.00001", "110000", ".10000", "1.1000", "-1.10000", "1_0.00000"),
    *("\u0663.10000", 1.1, None, "1.10000 "),
]
TIMES = [format_instant(CURSOR + place * HOUR) for place in range(4)]

prices = st.fixed_dictionaries({part: st.sampled_from([*["1.10000"] * 40, *PRICES]) for part in "ohlc"})
rows = st.fixed_dictionaries(
    {
        "complete": st.sampled_from([True, True, False, "true"]),
        "time": st.sampled_from([*TIMES, TIMES[1], TIMES[2], "nonsense", 7]),
        "mid": st.one_of(prices, prices, st.none()),
    },
    optional={"bid": prices, "ask": prices},
)
bodies = st.one_of(
    st.lists(rows, max_size=3),
    st.tuples(prices, prices).map(
        lambda two: [
            {"complete": done, "time": format_instant(CURSOR + place * HOUR), "mid": each}
            for place, (done, each) in enumerate(zip((True, False), two, strict=True), 1)
        ]
    ),
)


@contextmanager
def source_of_one() -> Iterator[OandaSource]:
    source = OandaSource(
        Secret("0123456789"), "http://127.0.0.1:1", account_id="a", clock=FakeClock(CURSOR + 2.0 * HOUR)
    )
    source._precisions._listed = {"EUR_USD": Instrument("EUR_USD", 5, -4)}
    source._precisions._again_at = float("inf")
    yield source
    source.close()


@given(bodies, st.booleans())
@settings(max_examples=200)
def test_the_usual_answer_is_read_as_any_other_is(candles: list[Any], with_spreads: bool) -> None:
    answer = {"instrument": "EUR_USD", "granularity": "H1", "candles": candles}
    wanted = Wanted(SERIES, CURSOR, with_spreads)
    with source_of_one() as source, pytest.MonkeyPatch.context() as patch:
        quickly = source._connected(None, wanted, answer)  # type: ignore[arg-type]  # which is not asked
        counted = source.traffic.candles
        patch.setattr(source_module, "next_candle", lambda *_: None)
        slowly = source._connected(None, wanted, answer)  # type: ignore[arg-type]

        assert repr(quickly).replace("mappingproxy({})", "{}") == repr(slowly)
        assert source.traffic.candles == 2 * counted


def test_garbage_waits_until_the_last_of_the_wakes_is_over() -> None:
    both, release = threading.Event(), threading.Event()

    def other() -> None:
        with no_collection():
            both.set()
            release.wait()

    thread = threading.Thread(target=other)
    with no_collection():
        thread.start()
        both.wait()
    assert not gc.isenabled()
    release.set()
    thread.join()
    assert gc.isenabled()

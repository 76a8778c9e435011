"""What a picture's candles show: averages as the rules have them, and the sessions that a strategy asks for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

from structlog.testing import capture_logs

from ninja_daemon.adapters.stored.picture_pack import decode_pack, encode_pack
from ninja_daemon.app.pictures.packing import PicturePacker
from ninja_daemon.app.pictures.signal_view import averaged, view_of
from ninja_daemon.core.filters.kinds import FILTERS
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import Fetched
from tests.app.stored import EUR_USD, M15, candles, closes_with_crosses
from tests.core.pictures.views import view_of as any_view


def with_sessions(*sessions: str) -> Strategy:
    (one,) = [each for each in FILTERS if each.name == "sessions"]
    assert one.key is not None
    return replace(M15, filters=(("sessions", one.key.read(list(sessions))),))


def test_candles_that_close_within_a_session_are_shaded_also_from_a_pack() -> None:
    shown = candles(closes_with_crosses(120))
    strategy = with_sessions("08:00-12:00 UTC")
    view = view_of(any_view().signal, strategy, Fetched(EUR_USD, shown))
    closes = [datetime.fromtimestamp(candle.time + 900, UTC) for candle in shown]
    assert list(view.shaded) == [8 <= close.hour < 12 for close in closes]
    assert any(view.shaded)
    assert decode_pack(encode_pack(view), view.signal).shaded == view.shaded
    assert not view_of(any_view().signal, M15, Fetched(EUR_USD, shown)).shaded


def test_crosses_and_the_states_around_the_last_candle_come_with_the_averages() -> None:
    shown = candles(closes_with_crosses(60))
    drawn = averaged(M15, EUR_USD, shown)
    before, after = drawn.states
    assert (before.last, after.last) == (shown[-2], shown[-1])
    assert drawn.fast.values[-1] == after.fast.ratio
    assert len(drawn.crosses) >= 5


def test_candles_that_cannot_be_packed_for_whatever_reason_end_no_later_pack() -> None:
    source = SimpleNamespace(history=lambda _: {})  # as no broker answers
    packer = PicturePacker(source, ())
    packer.is_wanted = True
    with capture_logs() as logs:
        for _ in range(2):
            found = SimpleNamespace(strategy=M15, signals=[any_view().signal])
            packer.after(SimpleNamespace(results=[found]))  # type: ignore[arg-type]
        packer.close()
    assert [entry["event_id"] for entry in logs] == ["picture.no_candles"] * 2
    assert isinstance(logs[0]["exc_info"], KeyError)

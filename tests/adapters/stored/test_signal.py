from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.adapters.stored.signal import MAX_SIGNAL_BYTES, decode_signal, encode_signal
from ninja_daemon.core.errors import SignalRejected
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import Signal, signal_of
from ninja_daemon.core.signals.state import Cross
from ninja_daemon.core.signals.strategy import Strategy
from tests.core.series import moment_of

OPENED = parse_instant("2022-03-04T14:00:00Z")
FOUND = OPENED + 4 * 3_600 + 2.113
CANDLE = Candle(OPENED, 109_300, 109_400, 109_200, 109_259)

SIGNAL = signal_of(
    Rules(
        Strategy("EUR_USD_H4", "EUR_USD", Granularity.H4, 40, 140, min_atr_value=Decimal("0.0002")),
        Instrument("EUR_USD", 5, -4),
    ),
    Cross(Side.SELL, CANDLE, moment_of(Side.SELL, CANDLE, (4_474_925, 40), (15_666_199, 140), 5_773), None),
    FOUND,
)
FIELDS: dict[str, Any] = json.loads(encode_signal(SIGNAL), parse_float=Decimal)

prices = st.decimals(0, 10**9, places=5)
signals = st.builds(
    Signal,
    id=st.text("0123456789abcdef", min_size=32, max_size=32),
    strategy=st.text("ABCdef019_.-", min_size=1, max_size=64),
    instrument=st.sampled_from(["EUR_USD", "SPX500_USD"]),
    timeframe=st.sampled_from([each.name for each in Granularity]),
    time=st.integers(0, 4 * 10**9),
    close_time=st.integers(0, 4 * 10**9),
    side=st.sampled_from(Side),
    close=prices,
    fast_ma=st.decimals(0, 10**9, places=10),
    slow_ma=st.decimals(0, 10**9, places=10),
    atr=prices,
    stop_loss=st.decimals(-(10**9), 10**9, places=5),
    take_profit=st.decimals(-(10**9), 10**9, places=5),
    sl_pips=prices,
    tp_pips=prices,
    risk_reward_ratio=prices,
    late=st.booleans(),
    created_at=st.integers(0, 4 * 10**12).map(lambda milliseconds: milliseconds / 1000),
    spread_pips=st.none() | prices,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def written(**changes: object) -> str:
    """The signal as JSON with some fields changed; a change to ``...`` takes the field out."""
    changed = {name: value for name, value in {**FIELDS, **changes}.items() if value is not ...}
    return json.dumps(changed, default=float)


def test_a_signal_is_written_as_the_contract_shows_it() -> None:
    assert encode_signal(SIGNAL) == (
        f'{{"schema":1,"id":"{SIGNAL.id}","strategy":"EUR_USD_H4","instrument":"EUR_USD","timeframe":"H4",'
        '"time":"2022-03-04T14:00:00Z","close_time":"2022-03-04T18:00:00Z","signal":-1,"side":"SELL",'
        '"close":1.09259,"fast_ma":1.1187312500,"slow_ma":1.1190142143,"atr":0.0041235714,'
        '"stop_loss":1.10084,"take_profit":1.08022,"sl_pips":82.5,"tp_pips":123.7,"risk_reward_ratio":1.5,'
        '"late":false,"created_at":"2022-03-04T18:00:02.113Z"}'
    )


@given(signals)
def test_a_signal_written_is_read_back_digit_for_digit(signal: Signal) -> None:
    again = decode_signal(encode_signal(signal))
    assert again == signal
    assert encode_signal(again) == encode_signal(signal)


def test_a_spread_is_a_field_more_where_it_is_known() -> None:
    text = encode_signal(SIGNAL._replace(spread_pips=Decimal("1.40")))
    assert text == encode_signal(SIGNAL)[:-1] + ',"spread_pips":1.40}'
    assert decode_signal(text).spread_pips == Decimal("1.4")
    assert decode_signal(encode_signal(SIGNAL)).spread_pips is None


@given(st.binary(max_size=300))
def test_any_bytes_raise_only_our_error(content: bytes) -> None:
    with pytest.raises(SignalRejected):
        decode_signal(content)


@given(st.text(max_size=300))
def test_any_text_raises_only_our_error(content: str) -> None:
    with pytest.raises(SignalRejected):
        decode_signal(content)


@given(st.sampled_from(sorted(FIELDS)), json_values)
def test_any_value_in_any_field_is_a_signal_or_our_error(name: str, value: object) -> None:
    text = written(**{name: value})
    try:
        signal = decode_signal(text)
    except SignalRejected as error:
        assert str(error)  # noqa: PT017 - or there is no error at all
        return
    assert isinstance(signal, Signal)
    assert encode_signal(decode_signal(encode_signal(signal))) == encode_signal(signal)


@given(st.integers(0, len(encode_signal(SIGNAL))), st.binary(max_size=3))
def test_a_signal_with_damaged_bytes_is_a_signal_or_our_error(at: int, damage: bytes) -> None:
    content = encode_signal(SIGNAL).encode()
    damaged = content[:at] + damage + content[at + len(damage) :]
    try:
        signal = decode_signal(damaged)
    except SignalRejected as error:
        assert str(error)  # noqa: PT017 - or there is no error at all
        return
    assert isinstance(signal, Signal)


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "schema"])
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(SignalRejected, match=f"'{name}' must be there"):
        decode_signal(written(**{name: ...}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, "schema must be 1, was 2"),
        ({"schema": ...}, "schema must be 1"),
        ({"id": "6F1C" * 8}, "id must be 32 hex digits"),
        ({"strategy": "a b"}, "strategy must be a name"),
        ({"strategy": "x" * 65}, "strategy must be a name"),
        ({"instrument": "EURUSD"}, "instrument must be a name like EUR_USD"),
        ({"timeframe": "H5"}, "timeframe must be one of"),
        ({"time": "yesterday"}, "instant must look like"),
        ({"signal": 1}, "side must be BUY for signal 1, was 'SELL'"),
        ({"signal": 0}, "signal must be 1 or -1, was 0"),
        ({"signal": "BUY"}, "signal must be a number"),
        ({"close": "1.09"}, "close must be a number"),
        ({"close": None}, "close must be a number"),
        ({"close": True}, "close must be a number"),
        ({"late": "false"}, "late must be true or false"),
        ({"created_at": "2022-03-04T18:00:02Z"}, "created_at must look like"),
    ],
)
def test_a_wrong_field_is_refused_with_what_it_must_be(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SignalRejected, match=message):
        decode_signal(written(**changes))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "null",
        "[]",
        "7",
        '"text"',
        "{",
        "\ufeff{}",
        "[" * 5_000,
        '{"a":' * 1_000,
        b"\xff\xfe",
        b"\xed\xa0\x80",
        " " * (MAX_SIGNAL_BYTES + 1),
    ],
)
def test_what_is_no_json_object_is_refused(content: str | bytes) -> None:
    with pytest.raises(SignalRejected, match=r"signal must be|schema must be"):
        decode_signal(content)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999999", "1" * 41, "0." + "1" * 5_000])
def test_a_number_out_of_all_proportion_is_refused(number: str) -> None:
    text = encode_signal(SIGNAL).replace('"close":1.09259', f'"close":{number}')
    with pytest.raises(SignalRejected, match=r"number must|JSON object"):
        decode_signal(text)


def test_a_fraction_of_a_direction_is_refused() -> None:
    with pytest.raises(SignalRejected, match=r"signal must be 1 or -1, was -1\.5"):
        decode_signal(encode_signal(SIGNAL).replace('"signal":-1', '"signal":-1.5'))


def test_fields_that_a_later_version_adds_are_left_alone() -> None:
    assert decode_signal(encode_signal(SIGNAL)[:-1] + ',"note":"new"}') == SIGNAL

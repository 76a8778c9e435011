"""Bodies for other systems, held to what they document; and that an order is never sent too late or twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ninja_daemon.adapters.channels.registry import KINDS, open_channel
from ninja_daemon.adapters.channels.wording.body_template import body_complaint, filled_body
from ninja_daemon.adapters.channels.wording.presets import PRESETS
from ninja_daemon.adapters.channels.wording.told import Told
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, PostResult, Sent
from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.crossover import Side
from tests.fakes.messages import CLOSE_TIME, a_bundle, a_notice_entry, a_signal, an_entry
from tests.fakes.receiver import Answer, Receiver, receiver

LICENSE = "60123456789012"
FIELDS: dict[str, dict[str, Any]] = {
    "pineconnector": {"license": Secret(LICENSE), "vol_lots": Decimal("0.1"), "secret": Secret("HappyTrader501")},
    "traderspost": {"quantity": Decimal(2)},
    "copyfactory": {"volume": Decimal("0.01")},
    "3commas": {"secret": Secret("t0ken"), "bot_uuid": Secret("b0t")},
    "coinrule": {"secret": Secret("s3cret")},
}
ID = a_signal(1).id
BODIES = {
    "pineconnector": f"{LICENSE},sell,EURUSD,sl_pips=82.5,tp_pips=123.7,vol_lots=0.1,secret=HappyTrader501",
    "traderspost": '{"ticker":"EURUSD","action":"sell","price":1.09259,"stopLoss":{"type":"stop","stopPrice":1.10084},'
    '"takeProfit":{"limitPrice":1.08022},"quantity":2}',
    "copyfactory": '{"symbol":"EURUSD","type":"POSITION_TYPE_SELL","time":"2022-03-04T18:00:00.000Z",'
    '"stopLoss":1.10084,"takeProfit":1.08022,"volume":0.01}',
    "3commas": '{"secret":"t0ken","max_lag":"300","timestamp":"2022-03-04T18:00:00Z","trigger_price":"1.09259",'
    '"tv_exchange":"OANDA","tv_instrument":"EURUSD","action":"enter_short","bot_uuid":"b0t"}',
    "coinrule": f'{{"id":"{ID}","secret":"s3cret","symbol":"EURUSD","side":"sell","price":1.09259}}',
}


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def destination(url: str, policy: SendPolicy | None = None, **options: Any) -> Destination:
    made = Destination("desk", "webhook", {"url": Secret(url), "insecure": True, **options}, policy or SendPolicy())
    assert not KINDS["webhook"].complaints(made)
    return made


def sent(server: Receiver, bundle: Bundle, policy: SendPolicy | None = None, **options: Any) -> PostResult:
    channel = open_channel(destination(server.url, policy, **options))
    outcome = channel.send(bundle)
    channel.close()
    return outcome


@pytest.mark.parametrize("preset", PRESETS)
def test_a_body_is_the_documented_one_with_our_id_as_the_key(server: Receiver, preset: str) -> None:
    assert isinstance(sent(server, a_bundle(), preset=preset, fields=FIELDS[preset]), Sent)
    (post,) = server.posts
    assert post.body.decode() == BODIES[preset]
    assert post.headers["idempotency-key"] == ID
    assert post.headers["content-type"] == (
        "text/plain; charset=utf-8" if preset == "pineconnector" else "application/json"
    )


@pytest.mark.parametrize(
    ("preset", "word"),
    [
        ("pineconnector", ",buy,"),
        ("traderspost", '"buy"'),
        ("copyfactory", "_BUY"),
        ("3commas", "_long"),
        ("coinrule", '"buy"'),
    ],
)
def test_the_other_side_is_the_other_word(preset: str, word: str) -> None:
    told = Told(a_signal(side=Side.BUY), SendPolicy(), CLOSE_TIME + 1.0)
    fields = {name: value.reveal() if isinstance(value, Secret) else value for name, value in FIELDS[preset].items()}
    assert word in PRESETS[preset].body(told, fields)


@pytest.mark.parametrize("preset", PRESETS)
def test_symbols_are_the_receivers_own(server: Receiver, preset: str) -> None:
    sent(server, a_bundle(), SendPolicy(symbols=(("EUR_USD", "EURUSD.r"),)), preset=preset, fields=FIELDS[preset])
    assert "EURUSD.r" in server.posts[0].text


@pytest.mark.parametrize("preset", PRESETS)
def test_an_order_that_is_late_or_may_be_a_second_one_is_not_sent(server: Receiver, preset: str) -> None:
    late = sent(server, a_bundle(an_entry(late=True)), preset=preset, fields=FIELDS[preset])
    assert isinstance(late, Failure)
    assert late.fault is Fault.REFUSED
    assert "another price" in late.text
    again = sent(server, a_bundle(repeat=True), preset=preset, fields=FIELDS[preset])
    assert isinstance(again, Sent if preset == "coinrule" else Failure)
    assert len(server.posts) == (preset == "coinrule")


def test_an_order_older_than_the_receivers_own_limit_is_not_sent(server: Receiver) -> None:
    for seconds, limit, is_sent in ((300.0, None, True), (301.0, None, False), (59.0, 60, True), (61.0, 60, False)):
        fields = FIELDS["3commas"] | ({} if limit is None else {"max_lag": Decimal(limit)})
        outcome = sent(server, a_bundle(sent_at=CLOSE_TIME + seconds), preset="3commas", fields=fields)
        assert isinstance(outcome, Sent) == is_sent, (seconds, outcome)
    assert len(server.posts) == 2


def test_an_alert_has_no_body_there(server: Receiver) -> None:
    for options, policy in (
        ({"preset": "coinrule", "fields": FIELDS["coinrule"]}, None),
        ({}, SendPolicy(template="{id}")),
    ):
        outcome = sent(server, a_bundle(a_notice_entry()), policy, **options)
        assert isinstance(outcome, Failure)
        assert outcome.fault is Fault.REFUSED
    assert not server.posts


def test_what_the_receiver_sends_back_of_secrets_and_headers_is_blanked(server: Receiver) -> None:
    headers = {"Authorization": Secret("Bearer letmein-letmein")}
    server.answers(Answer(400, f"bad {LICENSE} HappyTrader501 Bearer letmein-letmein".encode()))
    failure = sent(server, a_bundle(), preset="pineconnector", fields=FIELDS["pineconnector"], headers=headers)
    assert isinstance(failure, Failure)
    for secret in (LICENSE, "HappyTrader501", "letmein"):
        assert secret not in failure.text
    assert server.posts[0].headers["authorization"] == "Bearer letmein-letmein"


# --- templates as bodies ---------------------------------------------------------------------------------------------

JSON = '{"ticker": "{symbol}", "nested": {"a": [{close}, "{reason}"]}, "late": "{late}", "{mark}x": 1}'


def test_a_template_is_the_body_and_is_escaped_as_json(server: Receiver) -> None:
    template = '{"pair": "{pair}", "prices": {"sl": {stop_loss}}, "strategy": "{strategy}"}'
    bundle = a_bundle(an_entry(1, strategy="A.b-c_1"))
    assert isinstance(sent(server, bundle, SendPolicy(template=template)), Sent)
    assert isinstance(sent(server, bundle, SendPolicy(template="{side} {symbol}: {close}!")), Sent)
    first, second = server.posts
    assert first.body == b'{"pair": "EUR/USD", "prices": {"sl": 1.10084}, "strategy": "A.b-c_1"}'
    assert (first.headers["content-type"], first.headers["idempotency-key"]) == ("application/json", ID)
    assert second.body == b"SELL EURUSD: 1.09259!"
    assert second.headers["content-type"] == "text/plain; charset=utf-8"


@given(strategy=st.text(min_size=1), reason=st.text())
def test_no_value_leaves_its_quotes(strategy: str, reason: str) -> None:
    told = Told(a_signal(strategy=strategy), SendPolicy(), CLOSE_TIME + 1.0, (reason, reason))
    body = json.loads(filled_body('{"s": "{strategy}", "r": "{reason}"}', told))
    assert body == {"s": strategy, "r": f"{reason} crossed below {reason}"}


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ('{"a": "{close}"}', ""),
        ('[{"a": {close}, "b": "{session}!"}]', ""),
        ("{side},{symbol}", ""),
        ('{"a": "{close:.2f}"}', "neither ! nor :"),
        ('{"a": {reason}}', "must be JSON with every field filled"),
        ('{{"a": "{close}"}}', "braces of JSON are not doubled"),
        ('{"a": "{clsoe}"}', "{clsoe} is none of"),
        ('{"a": 1}', "at least one {field}"),
        ('{"a": {close}', "must be JSON"),
        ('{"a": "{close}", "{reason}": 1}', "inside of values"),
        ("[" * 100_000 + "{close}", "JSON"),
    ],
)
def test_a_body_is_proven_with_hostile_values_when_it_is_loaded(template: str, complaint: str) -> None:
    found = body_complaint(template)
    assert complaint in found
    assert bool(found) == bool(complaint)

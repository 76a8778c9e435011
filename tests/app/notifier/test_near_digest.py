"""The digest of near crosses before a close."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.queue.lanes import RedisQueueStore
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.adapters.stored.alert import decode_notice
from ninja_daemon.app.notifier.near_digest import NearReporter
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.messages.timed_report import NearDigest
from ninja_daemon.core.signals.rules import rules_of
from ninja_daemon.core.signals.stepper import advance_all
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.delivery.stored_queue import StoredQueue
from ninja_daemon.usecases.ports import Counts, Loaded

H4 = Strategy("EUR_USD_H4", "EUR_USD", Granularity.H4, 2, 4, atr_period=2)
EUR_USD = Instrument("EUR_USD", 5, -4)
CURSOR, CLOSE = parse_instant("2026-11-24T10:00:00Z"), parse_instant("2026-11-24T18:00:00Z")
DIGEST = NearDigest(Decimal(5), 900.0, ("desk",))


def stored(strategy: Strategy, step: int, cursor: int = CURSOR) -> Loaded:
    """A rise by ``step`` a candle: the gap of averages of 2 and 4 candles is one step."""
    rules = rules_of(strategy, EUR_USD)
    closes = [110_000 + step * number for number in range(8)]
    made = [Candle(cursor - 14_400 * (7 - number), *(close,) * 4) for number, close in enumerate(closes)]
    state, _ = advance_all(rules, rules.empty_state(), made)
    return Loaded(cursor, "", state, EUR_USD, cursor, Counts())


@pytest.fixture
def queue(redis_url: str) -> Iterator[StoredQueue]:
    client = connect(redis_url, name="test")
    yield StoredQueue(RedisQueueStore(client, QueueKeys("t")))
    client.close()


def alerts(redis_url: str) -> list[str]:
    client = connect(redis_url, name="test")
    texts = [str(text) for text in client.lrange("{t}:alerts", 0, -1)]
    client.close()
    return texts


def test_before_a_close_those_that_are_near_are_named_once(queue: StoredQueue, redis_url: str) -> None:
    near, far, behind = (replace(H4, name=name) for name in ("near", "far", "behind"))
    quick = replace(H4, name="quick", granularity=Granularity.M15)
    known = {"near": stored(near, 21), "far": stored(far, -90), "behind": stored(behind, 1, CURSOR - 14_400)}
    asked: list[list[str]] = []

    def load(strategies: Sequence[Strategy]) -> dict[str, Loaded]:
        asked.append([one.name for one in strategies])
        return {one.name: known[one.name] for one in strategies}

    reporter = NearReporter(DIGEST, (near, far, behind, quick), load, queue)
    assert not reporter.tick(CLOSE - 901)
    assert reporter.tick(CLOSE - 900)
    assert not reporter.tick(CLOSE - 600)
    assert asked == [["near", "far", "behind"]]
    (text,) = alerts(redis_url)
    notice = decode_notice(text)
    assert (notice.id, notice.topic) == ("near-2026-11-24T18:00:00Z", "near")
    assert notice.text.splitlines() == [
        "1 of 3 within 5 pips of a cross before the close of 2026-11-24 18:00 UTC.",
        "near: fast average 2.1 pips above the slow one",
        "By the last complete candles; this is no signal.",
    ]
    assert not {"BUY", "SELL"} & set(notice.text.split())


def test_nothing_near_is_nothing_said(queue: StoredQueue, redis_url: str) -> None:
    reporter = NearReporter(DIGEST, (H4,), lambda _: {H4.name: stored(H4, 90)}, queue)
    assert not reporter.tick(CLOSE - 300)
    assert alerts(redis_url) == []

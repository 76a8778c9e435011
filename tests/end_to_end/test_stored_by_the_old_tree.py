"""Data that version 0.1.0 stored is read, shown, gone on with and delivered; see tests/stored/README.md.

Everything goes through commands, so that the tests outlive the tree that made the data. What is expected, and why, is
in tests/stored/expected.py.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from math import isqrt
from typing import Any

import pytest

from tests.fakes.receiver import Answer
from tests.processes import Workplace
from tests.servers import RedisServer
from tests.stored.expected import (
    COUNTERS,
    DUE,
    FIRST_ATTEMPT,
    LEASE_ENDS,
    LEFT,
    LEFT_WITH_JOURNAL,
    NOBODY,
    OVER,
    REFUSED,
    STAYS,
    STAYS_IN_JOURNAL,
    TOO_OLD,
    UNDRAINED,
    UNDRAINED_WITH_JOURNAL,
    WAITING,
    WAS_DUE,
    WAS_DUE_IN_JOURNAL,
)
from tests.stored.load import WITH_REDIS
from tests.stored.old import Old, labels, old_place
from tests.stored.scene import FIRST, KINDS, STRATEGIES, candle_time, message


@pytest.fixture(params=[True, False], ids=["redis", "journal"])
def old(request: pytest.FixtureRequest, workplace: Workplace, fresh_redis: RedisServer) -> Iterator[Old]:
    with old_place(workplace, fresh_redis, has_redis=request.param) as made:
        yield made


@pytest.fixture
def in_redis(workplace: Workplace, fresh_redis: RedisServer) -> Iterator[Old]:
    with old_place(workplace, fresh_redis, has_redis=True) as made:
        yield made


def history(old: Old) -> list[str]:
    """The daemon's signals that are shown, after a look at their order: newest last."""
    found = old.shows("signals", "--limit", "0", *(f"--strategy={name}" for name in STRATEGIES))
    times = [one["close_time"] for one in found]
    assert times == sorted(times)
    return sorted(labels(found))


def listed(*steps: int) -> list[str]:
    """The daemon's signals: each average has crossed once in each step."""
    return sorted(f"{kind} +{step}" for step in steps for kind in KINDS)


def without_time(signals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in one.items() if name != "created_at"} for one in signals]


def outbox() -> list[dict[str, Any]]:
    """The signals of the journal in the stored data."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript((WITH_REDIS / "journal.sql").read_text(encoding="utf-8"))
        return without_time([json.loads(row[0]) for row in connection.execute("SELECT signal FROM outbox")])


def waiting(old: Old) -> dict[str, int]:
    """How many messages wait where."""
    return {name: lane["waiting"] for name, lane in old.lanes().items() if lane["waiting"]}


def of(old: Old, values: tuple[float, float]) -> float:
    return values[0] if old.has_redis else values[1]


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_queue_shows_every_lane_as_it_was_left(old: Old) -> None:
    old.was_made(WAITING)
    shown = old.shows("queue")
    names = ("state", "waiting", "dead", "attempts", "delivered", "repeats", "failures", "error")
    lanes = {lane["destination"]: tuple(lane[name] for name in names) for lane in shown["destinations"]}
    assert lanes == (LEFT_WITH_JOURNAL if old.has_redis else LEFT)
    assert (shown["signals"], shown["alerts"]) == (9, 1)
    assert {name: shown["counters"][name] for name in COUNTERS} == {**COUNTERS, "drained": 48 if old.has_redis else 40}
    assert shown["counters"]["unreadable"] == (3 if old.has_redis else 2)
    silences = [(one["match"], one["comment"]) for one in shown["silences"]]
    expected = [({"strategy": ["hushed"]}, "a holiday")]
    assert silences == expected + [({"strategy": ["hushed_later"]}, "")] * old.has_redis


def test_waits_go_on_where_they_were(old: Old) -> None:
    old.was_made(WAITING)
    before = time.time()
    lanes = old.lanes()
    after = time.time()
    for name, seconds in DUE.items():
        ends = old.moment + of(old, seconds)
        assert ends - after - 0.01 <= lanes[name]["due_in"] <= ends - before + 0.01, name


def test_dead_letters_are_listed_with_their_causes(old: Old) -> None:
    old.was_made(WAITING)
    names = ("destination", "cause", "status", "attempts", "cut", "reason")
    found = [tuple(letter[name] for name in names) for letter in old.shows("queue", "dead")]
    assert [letter for letter in found if letter[1] == "unreadable"] == [
        ("", "unreadable", None, 0, False, "a signal must be a JSON object, was 'no signal'"),
        ("", "unreadable", None, 0, False, "it must be UTF-8, was not"),
        *[("", "unreadable", None, 0, True, "it must be at most 8192 bytes, was 9000")] * old.has_redis,
    ]
    assert [letter for letter in found if letter[1] != "unreadable"] == [
        ("", "unrouted", None, 0, False, "no route takes it"),
        ("refused", "refused", 400, 1, False, REFUSED),
        ("expired", "expired", None, 1, False, TOO_OLD),
        *[("away_refused", "refused", 400, 1, False, REFUSED)] * old.has_redis,
    ]


def test_status_shows_strategies_queue_and_both_processes(old: Old) -> None:
    old.was_made(0)
    status = old.shows("status")
    assert status["notifier"]["destinations"] == len(LEFT)
    assert status["daemon"]["state"] == "active"
    assert (status["queued"], status["delivery"]["alerts"]) == (9, 1)
    assert {one["last_candle"] for one in status["strategies"]} == {candle_time(FIRST + 20)}
    if not old.has_redis:
        return  # Averages and counts were in the memory of the process.
    for one in status["strategies"]:
        kind = one["strategy"].removesuffix("_M15")
        fast, slow = (average_of("sma" if kind == "filtered" else kind, period) for period in (3, 8))
        assert abs(one["fast_ma"] - fast) < 2e-10, kind
        assert abs(one["slow_ma"] - slow) < 2e-10, kind
        assert (one["close"], one["atr"], one["evaluated"]) == (1.1, 0.0004, 20)
        # The triple average is late by so much that it crosses at the turns of the market, the first start included.
        assert (one["side"], one["crosses"]) == (("BUY", 3) if kind == "tema" else ("SELL", 2)), kind
        assert (one["signals"], one["rejected"]) == ((0, {"min_rr_ratio": 2}) if kind == "filtered" else (2, {})), kind


def average_of(kind: str, period: int) -> float:
    """The average after the candle twenty behind the first start, from its definition."""
    closes = [1.1 + 0.0002 * min(place % 20, 20 - place % 20) for place in range(FIRST + 21)]

    def weighted(values: list[float], count: int) -> list[float]:
        weights = range(1, count + 1)
        windows = zip(*(values[start:] for start in range(count)), strict=False)
        return [sum(map(float.__mul__, map(float, weights), window)) / sum(weights) for window in windows]

    def smoothed(values: list[float], share: float) -> list[float]:
        made = values[:1]
        for value in values[1:]:
            made.append(made[-1] + share * (value - made[-1]))
        return made

    if kind == "sma":
        return sum(closes[-period:]) / period
    if kind == "wma":
        return weighted(closes, period)[-1]
    if kind == "hma":
        short, long = weighted(closes, period // 2), weighted(closes, period)
        both = [2 * near - far for near, far in zip(short[-len(long) :], long, strict=True)]
        return weighted(both, isqrt(period))[-1]
    share = 1 / period if kind == "smma" else 2 / (period + 1)
    once = smoothed(closes, share)
    twice = smoothed(once, share)
    thrice = smoothed(twice, share)
    return {
        "ema": once[-1],
        "smma": once[-1],
        "dema": 2 * once[-1] - twice[-1],
        "tema": 3 * once[-1] - 3 * twice[-1] + thrice[-1],
    }[kind]


def test_the_history_is_shown_in_its_order(old: Old) -> None:
    old.was_made(WAITING)
    assert history(old) == listed(10, 20)


# --- what is delivered -----------------------------------------------------------------------------------------------


def test_what_was_told_to_wait_waits_and_all_else_is_delivered(old: Old) -> None:
    old.was_made(WAITING)
    old.does("queue", "pause", "rated")  # A single pass would sit its wait out.
    before = {
        name: count for name, count in waiting(old).items() if name not in {"leased", "suspended", "away_suspended"}
    }
    assert old.drains() == (UNDRAINED_WITH_JOURNAL if old.has_redis else UNDRAINED)
    # The messages of the daemon that are held, from Redis and from the journal.
    held = {"away_paused": 3, "away_unsure": 3} if old.has_redis else {}
    assert waiting(old) == {**before, **held}
    healed = ["healed-away_suspended", "healed-suspended"] if old.has_redis else ["healed-suspended"]
    assert old.told == ["dead--", *healed], "and of dead letters that never had a destination"


def test_what_was_due_is_delivered_in_order_and_marked_where_it_may_repeat(old: Old) -> None:
    old.was_made(OVER)
    old.does("queue", "pause", "rated")
    more = {**UNDRAINED_WITH_JOURNAL, **WAS_DUE_IN_JOURNAL} if old.has_redis else UNDRAINED
    assert old.drains() == {**more, **WAS_DUE}
    follower, leader = ([post.at for post in old.got if post.to == name] for name in ("follower", "unsure"))
    assert follower[0] > leader[0]
    assert follower[1] > leader[1]
    assert waiting(old) == {**STAYS, **(STAYS_IN_JOURNAL if old.has_redis else {})}
    assert old.drains() == {}
    lanes = old.lanes()
    assert (lanes["unsure"]["repeats"], lanes["grouped"]["repeats"], lanes["leased"]["repeats"]) == (1, 2, 1)
    assert (lanes["unreached"]["repeats"], lanes["unreached"]["attempts"]) == (0, 0)


def test_lanes_know_without_the_ledger_what_may_have_been_sent(old: Old) -> None:
    old.was_made(OVER)
    old.loses_the_ledger()
    old.does("queue", "pause", "rated")
    more = {**UNDRAINED_WITH_JOURNAL, **WAS_DUE_IN_JOURNAL} if old.has_redis else UNDRAINED
    assert old.drains() == {**more, **WAS_DUE}


def test_a_lane_that_was_suspended_or_paused_goes_on_when_it_is_resumed(old: Old) -> None:
    old.was_made(OVER)
    resumed = {"suspended": ["suspended 1", "suspended 2", "suspended 3"], "paused": ["paused 1", "paused 2"]}
    if old.has_redis:
        resumed["away_suspended"] = ["tema +30", "tema +40", "tema +20"]
        resumed["away_paused"] = ["hma +30", "hma +40", "hma +20"]
    for name in resumed:
        assert f"{name} goes on" in old.does("queue", "resume", name).out
    old.does("queue", "pause", "rated")
    came = old.drains()
    assert {name: came[name] for name in resumed} == resumed
    assert not waiting(old).keys() & resumed.keys()


def test_dead_letters_are_sent_again_when_a_person_says_so(old: Old) -> None:
    old.configures(policy={"expired": ""}, routes={"nobody": "desk"})
    old.was_made(WAITING)
    dead = 7 if old.has_redis else 5
    old.does("queue", "pause", "rated")
    said = old.does("queue", "retry").out
    # One was cut, since it was absurdly long, and stays.
    assert f"on their way again: {dead - old.has_redis} of {dead} dead letters" in said
    came = old.drains()
    assert came["refused"] == ["refused 1"]
    assert came["expired"] == ["expired 1 ?"], "the answer before was 500"
    assert came["desk"].count("nobody 1") == 1
    # Lanes that waited for a retry try at once, too.
    assert came["unreached"] == WAS_DUE["unreached"]
    if old.has_redis:
        # It was brought back to the journal's lane, in front of the signal that had not been drained.
        assert came["away_refused"] == ["dema +30", "dema +40", "dema +20"]
    causes = sorted(letter["cause"] for letter in old.shows("queue", "dead"))
    # What cannot be read cannot be read again either, and nor can what had not been drained.
    assert causes == ["unreadable"] * (4 if old.has_redis else 3)


def test_without_its_redis_the_notifier_goes_on_with_the_journal(in_redis: Old) -> None:
    in_redis.was_made(OVER)
    in_redis.server.stop()
    # Of the journal's alone: the those that wait for a person stay, and so does everything that is in Redis.
    assert in_redis.drains() == {
        "away_refused": ["dema +40"],
        "away_suspended": ["tema +30", "tema +40"],
        "away_unsure": ["smma +30 ?", "smma +40"],
        "desk": ["sma +40", "ema +40", "wma +40"],
    }


# --- what goes on ----------------------------------------------------------------------------------------------------


def test_attempts_are_counted_on(old: Old) -> None:
    old.was_made(OVER)
    old.answers["unreached"] = Answer(500, headers={"Retry-After": "600"})
    old.does("queue", "pause", "rated")
    assert "unreached" not in old.drains()
    lane = old.lanes()["unreached"]
    assert (lane["attempts"], lane["failures"], lane["waiting"], lane["state"]) == (10, 10, 2, "retry")


def test_the_first_attempt_is_remembered(old: Old) -> None:
    old.configures(policy={"unreached": 'max_age = "10 s"\n'})
    old.was_made(OVER)
    old.does("queue", "pause", "rated")
    old.drains()
    first = next(letter for letter in old.shows("queue", "dead") if letter["destination"] == "unreached")
    assert (first["cause"], first["attempts"]) == ("expired", 9)
    assert first["reason"] == f"older than max_age after 9 attempts; the last said: {NOBODY}"
    at = datetime.fromisoformat(first["first"]).timestamp()
    # Whole seconds are shown.
    assert at <= old.moment + of(old, FIRST_ATTEMPT) + 0.01 < at + 1.02


def test_the_lease_of_a_dead_notifier_is_waited_for(old: Old) -> None:
    ends = of(old, LEASE_ENDS)
    old.was_made(ends - 3)
    old.loses_the_ledger()  # which knows of the post, too
    old.does("queue", "pause", "rated")
    assert old.drains()["leased"] == ["leased 1 ?", "leased 2"]
    assert min(post.at for post in old.got if post.to == "leased") >= old.moment + ends - 0.01


def test_a_rate_goes_on_where_it_was(old: Old) -> None:
    ends = of(old, DUE["rated"])
    old.was_made(ends - 3)
    notifier = old.place.start("notify")
    notifier.until(lambda: "rated" in old.came(), "the second message")
    (second,) = [post for post in old.got if post.to == "rated"]
    assert second.messages == ("rated 2",)
    assert second.at >= old.moment + ends - 0.01
    notifier.until(lambda: old.lanes()["rated"]["state"] == "rate", "the next wait")
    assert old.lanes()["rated"]["due_in"] <= 600
    assert old.lanes()["rated"]["due_in"] > 600 - (time.time() - second.at) - 1
    notifier.terminate().exited(0)


def test_quiet_hours_hold_until_they_were_to_end_or_a_person_says_so(old: Old) -> None:
    old.configures(policy={"quiet": ""})
    old.was_made(OVER)
    old.does("queue", "pause", "rated")
    assert "quiet" not in old.drains()
    old.does("queue", "retry", "quiet")
    assert old.drains() == {"quiet": ["quiet 1"]}


def test_a_wait_that_was_asked_for_has_made_no_message_too_old(old: Old) -> None:
    old.configures(policy={"quiet": ""})
    # The quiet hours ended less than half an hour before; everything else has waited for two hours.
    old.was_made(of(old, DUE["quiet"]) + 120)
    came = old.drains()
    assert came["quiet"] == ["quiet 1"]
    too_old = {letter["destination"] for letter in old.shows("queue", "dead") if letter["cause"] == "expired"}
    assert {"unreached", "unsure", "paused_a_while", "digest", "rated"} <= too_old
    assert not too_old & {"quiet", "suspended", "paused"}


def test_ids_that_were_seen_and_silences_hold(in_redis: Old) -> None:
    in_redis.configures(routes={"hushed_later": "desk"})
    in_redis.was_made(OVER)
    in_redis.does("queue", "pause", "rated")
    with in_redis.redis() as client:
        client.rpush("{ninja}:signals", message("desk", 1), message("hushed", 2), message("hushed_later", 1))
    assert in_redis.drains()["desk"] == UNDRAINED_WITH_JOURNAL["desk"]
    counters = in_redis.shows("queue")["counters"]
    assert (counters["repeated"], counters["silenced"]) == (2, 3)


def test_stored_averages_go_on_from_the_cursor(in_redis: Old) -> None:
    in_redis.was_made(WAITING, with_state=False)
    said = in_redis.runs_at(30)
    assert "100.0%" in said, "every strategy found its averages"
    assert history(in_redis) == listed(10, 20, 30)
    # Their ids and numbers are those that the journal found without these averages.
    newest = sorted(outbox()[:7], key=lambda one: str(one["close_time"]))
    assert without_time(in_redis.shows("signals", "--limit", "7")) == newest


def test_marks_of_the_journal_go_on_from_the_cursor(workplace: Workplace, fresh_redis: RedisServer) -> None:
    with old_place(workplace, fresh_redis, has_redis=False) as old:
        old.was_made(WAITING)
        old.runs_at(30)
        assert history(old) == listed(10, 20, 30)


def test_commits_that_waited_for_redis_are_made_and_nothing_is_sent_twice(in_redis: Old) -> None:
    in_redis.was_made(OVER)
    in_redis.runs_at(40)
    assert {one["last_candle"] for one in in_redis.shows("status")["strategies"]} == {candle_time(FIRST + 40)}
    assert history(in_redis) == listed(10, 20, 30, 40)
    created = [datetime.fromisoformat(one["created_at"]) for one in in_redis.shows("signals", "--limit", "0")]
    assert max(created).timestamp() < in_redis.moment + WAITING, "the kept commits were made, not derived again"
    in_redis.does("queue", "pause", "rated")
    # What the journal's lane has given up is listed in Redis for the first time, and tried there.
    expected = {**UNDRAINED_WITH_JOURNAL, **WAS_DUE_IN_JOURNAL, **WAS_DUE}
    assert in_redis.drains() == {**expected, "away_refused": ["dema +40", "dema +20", "dema +30"]}

"""The one verdict of a scheduled close."""

from __future__ import annotations

from dataclasses import replace

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import parse_instant
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.proof.evaluations import (
    NO_DAEMON,
    NO_PRICES,
    NOT_NOTED,
    NOT_YET,
    SEEN_EVERY,
    Became,
    CloseJudge,
    CloseVerdict,
)
from ninja_daemon.usecases.proof.noted import Absence, Evaluation, Notes, Presence

START = 1_600_000_200
FIFTEEN = Strategy("A", "EUR_USD", Granularity.M15, 2, 4, atr_period=2, market_hours=MarketHours.ALWAYS)
HERE = [Presence("one:1", START, START + 900 * 100)]


def noted(*numbers: int) -> dict[int, Evaluation]:
    opens = [START + 900 * number for number in numbers]
    return {time: Evaluation("A", time, time + 901.0, "one:1", "stored") for time in opens}


def verdict(notes: Notes, number: int, cursor: int | None, known: set[int] | None = None) -> CloseVerdict:
    close = START + 900 * (number + 1)
    at = None if cursor is None else START + 900 * cursor
    (made,) = CloseJudge(FIFTEEN, notes, at, known).each(close - 900, close)
    assert (made.time, made.close) == (close - 900, close)
    return made


def test_a_noted_candle_was_evaluated() -> None:
    made = verdict(Notes(noted(3, 4)), 4, cursor=4)
    assert (made.became, made.why) == (Became.EVALUATED, "")
    assert made.evaluation == noted(4)[START + 3_600]


def test_a_hole_between_noted_candles_had_no_price() -> None:
    made = verdict(Notes(noted(3, 5)), 4, cursor=5)
    assert (made.became, made.why) == (Became.NO_CANDLE, NO_PRICES)


def test_a_candle_that_the_broker_has_was_taken_in_without_a_note() -> None:
    made = verdict(Notes(noted(3, 5)), 4, cursor=5, known={START + 900 * each for each in range(6)})
    assert (made.became, made.why) == (Became.EVALUATED, NOT_NOTED)


def test_before_the_first_note_a_candle_was_taken_in_by_a_version_without_notes() -> None:
    assert verdict(Notes(noted(5)), 4, cursor=5).became is Became.EVALUATED
    assert verdict(Notes({}), 4, cursor=5).why == NOT_NOTED


def test_an_absence_gives_its_reason_and_its_beginning() -> None:
    since = START + 900 * 5
    away = Notes(noted(3), [Absence("A", since, None, "the broker is away")], HERE)
    assert verdict(away, 4, 3) == CloseVerdict(
        START + 3_600, since, Became.NOT_EVALUATED, None, "the broker is away", since
    )
    over = Notes(noted(3), [Absence("A", since, since + 900.0, "the broker is away")], HERE)
    assert verdict(over, 4, 3).why == "the broker is away"
    assert verdict(over, 5, 3).why == NOT_YET


def test_without_a_daemon_the_last_sign_of_one_is_named() -> None:
    notes = Notes(noted(3), (), [Presence("one:1", START, START + 900.0)])
    made = verdict(notes, 4, 3)
    assert (made.became, made.why, made.since) == (Became.NOT_EVALUATED, NO_DAEMON, START + 900)
    just = Notes(noted(3), (), [Presence("one:1", START, START + 900 * 5 - SEEN_EVERY)])
    assert verdict(just, 4, 3).why == NOT_YET
    assert verdict(Notes({}), 4, None).since is None


def test_a_closed_market_has_no_closes() -> None:
    four = replace(FIFTEEN, granularity=Granularity.H4, market_hours=MarketHours.FX)
    friday, monday = parse_instant("2026-11-20T12:00:00Z"), parse_instant("2026-11-23T03:00:00Z")
    closes = [each.close for each in CloseJudge(four, Notes({}), None).each(friday, monday)]
    assert closes == [parse_instant(f"2026-11-{at}:00:00Z") for at in ("20T14", "20T18", "20T22", "23T02")]

"""What people see fits their window: one line a strategy, whole columns dropped, and what is hidden counted."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console
from rich.text import Text

from ninja_daemon.app.status.fields import status_fields
from ninja_daemon.app.status.picture import Status
from ninja_daemon.app.status.rows.ranked_table import Column, fitting
from ninja_daemon.app.status.shared.averages import Averages
from ninja_daemon.app.status.strategy_figures import StrategyFigures
from ninja_daemon.app.status.terminal import TALLER, status_view
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.usecases.ports import Counts
from tests.app.stored import M15

START = 1_600_000_200
NOW = START + 7_000.0
SIZES = [(60, 20), (80, 24), (120, 40), (160, 50)]
LONG = "the broker refuses the token (401); put a new one into OANDA_ACCESS_TOKEN and restart"


def figures(number: int, *, condition: str = "up to date", cross_is_far: bool = False) -> StrategyFigures:
    """One of many strategies, each with a name of its own."""
    averages = Averages(
        close=Decimal("187.123"),
        fast=Decimal("187.10012"),
        slow=Decimal("186.99991"),
        atr=Decimal("0.1"),
        gap_pips=Decimal("10.0"),
        cross_price=Decimal("1000.578"),
        cross_pips=Decimal("84696.9"),
        cross_is_far=cross_is_far,
        cross_above=True,
        warm=9,
    )
    return StrategyFigures(
        strategy=replace(M15, name=f"GBP_JPY_H4_{number:02}"),
        last_candle=START,
        last_close=START + 900,
        next_close=START + 1_800,
        behind=0,
        condition=condition,
        is_stale=condition != "up to date",
        side=Side.BUY,
        averages=averages,
        counts=Counts(evaluated=9, crosses=3, signals=2, rejected={"atr": 1}, last_signal_time=START - 9_000),
        notes=(),
    )


def a_status(*strategies: StrategyFigures) -> Status:
    beat = {"state": "active", "started": "2020-09-13T12:00:00.000Z", "at": "2020-09-13T14:26:30.000Z", "evaluated": 7}
    return Status(
        at=NOW,
        redis="/a/long/path/to/the/socket/of/redis.sock/0",
        namespace="ninja",
        daemon={**beat, "last_wake": "2020-09-13T14:00:00.000Z", "signals": 4, "hit_ratio": 0.5},
        notifier={"started": "2020-09-13T12:00:00.000Z", "delivered": 7, "retries": 0, "dead": 0},
        queued=0,
        delivery=None,
        strategies=strategies,
    )


def drawn(status: Status, width: int, height: int | None = None, first: int = 0) -> list[str]:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    with console.capture() as shown:
        console.print(status_view(status, width, height, first=first))
    return shown.get().splitlines()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_strategy_is_one_line_that_fits(width: int, height: int) -> None:
    del height
    lines = drawn(a_status(*(figures(number, condition=LONG) for number in range(12))), width)
    rows = [line for line in lines if line.startswith("GBP_JPY")]
    assert len(rows) == 12
    assert max(map(len, lines)) <= width
    assert all("▲ BUY" in row and "+10.0" in row and "the broker" in row for row in rows)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("count", [1, 12, 40])
def test_the_picture_is_no_higher_than_the_window_and_counts_what_it_hides(width: int, height: int, count: int) -> None:
    lines = drawn(a_status(*(figures(number) for number in range(count))), width, height)
    rows = sum(line.startswith("GBP_JPY") for line in lines)
    assert len(lines) <= height
    assert rows == count or f"{count - rows} more: {TALLER[:10]}" in "\n".join(lines)


def test_hidden_strategies_in_trouble_are_counted() -> None:
    rows = [
        figures(number, condition="up to date" if number < 30 else "stale: 2 candles behind") for number in range(40)
    ]
    assert "10 of them not up to date" in "\n".join(drawn(a_status(*rows), 80, 24))


def test_scrolling_reaches_the_last_strategy() -> None:
    rows = [figures(number) for number in range(40)]
    shown = drawn(a_status(*rows), 80, 24, first=39)
    assert any(line.startswith("GBP_JPY_H4_39") for line in shown)
    assert not any(line.startswith("GBP_JPY_H4_00") for line in shown)


def test_a_long_reason_is_told_once_in_full() -> None:
    text = " ".join(
        "".join(f"{line} " for line in drawn(a_status(*(figures(n, condition=LONG) for n in range(3))), 80)).split()
    )
    assert text.count(LONG) == 1
    assert f"! 3 strategies: {LONG}" in text


def test_a_cross_that_no_ordinary_candle_reaches_is_far() -> None:
    assert "1000.578▲ +84696.9" in "\n".join(drawn(a_status(figures(1)), 160))
    shown = "\n".join(drawn(a_status(figures(1, cross_is_far=True)), 160))
    assert "far" in shown
    assert "1000.578" not in shown


def test_a_signal_is_shown_by_the_close_of_its_candle() -> None:
    shown = "\n".join(drawn(a_status(figures(1)), 160))
    assert "today 10:15" in shown
    assert "today 10:00" not in shown


@pytest.mark.parametrize("width", [120, 160])
@pytest.mark.parametrize("condition", ["waiting for the candle to complete", "up to date, market closed"])
def test_the_state_is_not_cut_where_another_column_can_go(width: int, condition: str) -> None:
    assert condition in "\n".join(drawn(a_status(figures(1, condition=condition)), width))


def test_a_strategy_that_is_not_enabled_has_no_next_close() -> None:
    waiting = figures(1, condition="not enabled")
    off = replace(waiting, strategy=replace(waiting.strategy, enabled=False))
    rows = [line for line in drawn(a_status(off), 160) if line.startswith("GBP_JPY")]
    assert "in 0 s" not in rows[0]
    assert status_fields(a_status(off))["strategies"][0]["next_close"] is None  # type: ignore[index]


def test_a_sign_of_life_says_how_old_it_is() -> None:
    assert "heard 10 s ago" in "\n".join(drawn(a_status(figures(1)), 120))


def test_the_least_important_column_goes_first() -> None:
    cells = [[Text(text)] for text in ("a" * 10, "b" * 10, "c" * 10)]
    columns = [Column(name, rank, cell) for name, rank, cell in zip("xyz", (0, 2, 1), cells, strict=True)]
    assert [[column.title for column in fitting(columns, width)] for width in (34, 33, 21, 9)] == [
        ["x", "y", "z"],
        ["x", "z"],
        ["x"],
        ["x"],
    ]

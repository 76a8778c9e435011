"""A sweep: every cell is the replay of its pair alone, and what is said of many tries is what it says it is."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from ninja_daemon.core.averages.kinds import MovingAverageKind
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.candle_columns import CandleColumns
from ninja_daemon.core.outcomes.history import outcomes_over
from ninja_daemon.core.outcomes.open_signal import Result
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.sweeps import crossing, luck, shared
from ninja_daemon.core.sweeps.cell import Cell, cell_of_outcomes
from ninja_daemon.core.sweeps.luck import luck_of, neighbours_of, spread_of
from ninja_daemon.usecases.replay import Span, replay
from ninja_daemon.usecases.sweep import Grid, sweep
from tests.core.series import EUR_USD, START, drawn_candles, real_candles, rules_of, walked
from tests.end_to_end.settings import SHIPPED, oracle
from tests.oracle import read_candles
from tests.outcome_oracle import expected_outcomes

WHOLE = Span()
GRID = Grid((2, 3, 5, 8, 13), (3, 5, 8, 21))
WALKED = walked(900, seed=41)
ENDINGS: Sequence[dict[str, Any]] = (
    {},
    {"exit_on_reverse": True},
    {"max_candles": 3, "cost_pips": Decimal("1.2")},
    {"exit_on_reverse": True, "max_candles": 9, "cost_pips": Decimal("0.7"), "min_atr_value": Decimal("0.0003")},
    {"sl_atr_multiplier": Decimal("0.5"), "tp_atr_multiplier": Decimal("0.75"), "cost_pips": Decimal(1) / 8},
    {"sl_atr_multiplier": Decimal(90), "tp_atr_multiplier": Decimal(140), "max_candles": 5_000},
)
OF_EACH_PAIR: Sequence[dict[str, Any]] = (
    {"ma_type": MovingAverageKind.EMA},
    {"filters": (("min_gap_pips", Decimal("0.5")),)},
    {"filters": (("min_candles_between", 5),)},
)


def alone(rules: Rules, pair: tuple[int, int], candles: Sequence[Candle], span: Span = WHOLE) -> Cell:
    """What the product's replay of one pair gives, its outcomes followed one by one."""
    fast, slow = pair
    own = Rules(replace(rules.strategy, fast_ma=fast, slow_ma=slow), rules.instrument)
    (report,) = replay([own], [CandleColumns.of(candles)], span)
    known = [one for one in candles if span.until is None or one.time <= span.until]
    followed = outcomes_over(own.strategy, own.instrument, CandleColumns.of(known), report.signals)
    return cell_of_outcomes(pair, len(report.signals), followed.outcomes)


def plain(cell: Cell) -> tuple[Any, ...]:
    columns = (cell.closed, *cell.multiples)
    figures = (cell.pair, cell.signals, cell.open, dict(cell.results), cell.ambiguous, cell.r, cell.net_r)
    return (*figures, cell.drawdown_r, cell.hit_rate, *(column.tolist() for column in columns))


def assert_as_alone(rules: Rules, candles: Sequence[Candle], grid: Grid = GRID, span: Span = WHOLE) -> Sequence[Cell]:
    cells = sweep(rules, grid, [CandleColumns.of(candles)], span).cells
    for pair, cell in zip(grid.pairs, cells, strict=True):
        assert plain(cell) == plain(alone(rules, pair, candles, span)), pair
    return cells


@pytest.mark.parametrize("options", [*ENDINGS, *OF_EACH_PAIR], ids=str)
def test_each_cell_is_the_replay_of_its_pair_alone(options: dict[str, Any]) -> None:
    cells = assert_as_alone(rules_of(**options), WALKED)
    assert sum(cell.signals for cell in cells) > 300


def test_a_span_is_warmed_up_before_and_followed_to_its_end() -> None:
    span = Span(WALKED[200].time, WALKED[777].time)
    made = sweep(rules_of(exit_on_reverse=True), GRID, [CandleColumns.of(WALKED)], span)
    assert made.candles == 578
    assert_as_alone(rules_of(exit_on_reverse=True), WALKED, span=span)


@given(drawn_candles(most=90), st.integers(1, 40), st.sampled_from(ENDINGS))
@settings(max_examples=60, deadline=None)
def test_ties_and_blocks_of_any_length_change_no_cell(
    candles: list[Candle], length: int, options: dict[str, Any]
) -> None:
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setattr(crossing, "_BLOCK", length)
        patch.setattr(shared, "_AT_ONCE", length)
        made = sweep(rules_of(**options), GRID, [CandleColumns.of(candles)], Span(), pool.map)
    for cell in made.cells:
        assert plain(cell) == plain(alone(made.rules, cell.pair, candles))


def test_pairs_that_are_none_are_left_out_and_counted() -> None:
    assert GRID.pairs[:3] == [(2, 3), (2, 5), (2, 8)]
    assert (len(GRID.pairs), GRID.left_out) == (11, 9)


@pytest.mark.parametrize(
    ("name", "decimals", "pairs", "total"),
    [
        ("EUR_USD_H4", 5, ((40, 140), (39, 141)), (147, 53, 94, "-15.3572")),
        ("GBP_JPY_H4", 3, ((10, 70),), (293, 140, 153, "56.9478")),
    ],
)
def test_cells_over_ten_real_years_are_the_oracles(
    candles_dir: Path, name: str, decimals: int, pairs: Sequence[tuple[int, int]], total: tuple[int, int, int, str]
) -> None:
    path, shipped = candles_dir / f"{name}.csv", SHIPPED[name]
    rules = rules_of(
        replace(EUR_USD, name=shipped.instrument, decimals=decimals, pip_location=1 - decimals),
        atr_period=14,
        min_atr_value=shipped.min_atr_value,
    )
    grid = Grid(sorted(fast for fast, _ in pairs), sorted(slow for _, slow in pairs))
    cells = sweep(rules, grid, [CandleColumns.of(real_candles(path, decimals))], Span()).cells
    by_pair = {cell.pair: cell for cell in cells}
    for fast, slow in pairs:
        signals = oracle(path, replace(shipped, fast_ma=fast, slow_ma=slow)).signals
        outcomes = expected_outcomes(read_candles(path), signals)
        cell = by_pair[fast, slow]
        assert (cell.signals, cell.signals - cell.open) == (len(signals), len(outcomes))
        assert Fraction(cell.r) == sum(one["r"] for one in outcomes)
        assert [Fraction(one, 10_000) for one in cell.multiples[0].tolist()] == [one["r"] for one in outcomes]
    first = by_pair[pairs[0]]
    assert (first.signals, first.results[Result.TARGET], first.results[Result.STOP], str(first.r)) == total


# --- what is said of many tries ---------------------------------------------------------------------------------------


def cell(pair: tuple[int, int], r: Sequence[int], keys: Sequence[int], cost: int = 0) -> Cell:
    """A cell whose signals are named by their keys."""
    units, net = (np.array([one - off for one in r], dtype=np.int64) for off in (0, cost))
    total = Decimal(int(net.sum())).scaleb(-4)
    return Cell(pair, len(r), 0, {}, 0, total, total, Decimal(0), np.array(keys, dtype=np.int64), (units, net))


@given(st.lists(st.integers(-20_000, 20_000), min_size=1, max_size=6), st.integers(0, 500))
@settings(max_examples=25, deadline=None)
def test_luck_turns_each_signal_alike_in_all_pairs_and_leaves_the_costs(r: list[int], cost: int) -> None:
    keys = list(range(0, 2 * len(r), 2))
    cells = [cell((1, 2), r, keys, cost), cell((1, 3), r[::-1], keys[::-1], cost), cell((1, 4), r[:1], keys[:1], cost)]
    signs = np.random.default_rng(luck.SEED).integers(0, 2, (len(r), luck.SHUFFLES), dtype=np.int8) * 2 - 1
    drawn = sorted(
        max(sum(s * one - cost for s, one in zip(column, r, strict=True)), int(column[0]) * r[0] - cost)
        for column in signs.T.tolist()
    )
    found = luck_of(cells)
    assert found == luck_of(cells)
    assert (found.middle, found.one_in_twenty) == (Decimal(drawn[499]).scaleb(-4), Decimal(drawn[949]).scaleb(-4))
    most = max(int(each.net_r.scaleb(4)) for each in cells)
    assert found.share == Decimal(sum(one >= most for one in drawn)) / 1_000


def test_luck_says_the_same_however_many_signs_are_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = assert_as_alone(rules_of(), WALKED)
    once = luck_of(cells)
    assert once.one_in_twenty > once.middle > 0
    monkeypatch.setattr(luck, "_AT_ONCE", 1)
    assert abs(luck_of(cells).middle - once.middle) < once.middle / 4


def test_neighbours_are_the_eight_around_and_the_spread_is_by_rank() -> None:
    sums = {(fast, slow): fast * slow % 7 for fast in (1, 2, 3) for slow in (4, 5, 6) if (fast, slow) != (2, 4)}
    cells = [cell(pair, [value * 10_000], [2 * START]) for pair, value in sums.items()]
    middles = neighbours_of(cells)
    assert middles[2, 5] == median(Decimal(value) for value in sums.values())
    assert middles[1, 4] == median([Decimal(sums[1, 4]), Decimal(sums[1, 5]), Decimal(sums[2, 5])])
    ranked = sorted(sums.values())
    spread = spread_of(cells)
    assert [spread.lowest, spread.lower_quarter, spread.middle, spread.upper_quarter, spread.highest] == [
        ranked[place] for place in (0, 1, 3, 5, 7)
    ]

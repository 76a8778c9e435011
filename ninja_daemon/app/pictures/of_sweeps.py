"""What the map of a sweep shows."""

from __future__ import annotations

from ninja_daemon.core.pictures.results.sweep_map import SweepView
from ninja_daemon.core.sweeps.luck import luck_of, spread_of
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.sweep import Swept


def view_of(swept: Swept) -> SweepView:
    """Return what is drawn of a sweep; no pair is called the best."""
    strategy, spread, luck = swept.rules.strategy, spread_of(swept.cells), luck_of(swept.cells)
    pairs = counted(len(swept.cells), "pair")
    return SweepView(
        f"{strategy.instrument.replace('_', '/')} {strategy.granularity.name}",
        strategy.name,
        swept.grid.fast,
        swept.grid.slow,
        {cell.pair: cell.net_r for cell in swept.cells},
        (
            f"net R of {pairs}: {spread.lowest:+.2f} to {spread.highest:+.2f}, middle {spread.middle:+.2f}",
            f"by luck the highest is {luck.middle:+.2f}, once in twenty above {luck.one_in_twenty:+.2f}",
        ),
    )

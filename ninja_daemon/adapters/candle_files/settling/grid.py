"""Opens of candles on their grid."""

from __future__ import annotations

from typing import Final

import numpy as np

from ninja_daemon.adapters.candle_files.settling.parts import CandlePart, FileToSettle
from ninja_daemon.adapters.candle_files.settling.progress import Progress
from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.spans import HOUR

_MOST_MOVED: Final = 20
"""At most one stamp in this many may be that of a candle's first trade."""


class Gridding:
    """The last step: where each candle opens."""

    def __init__(self, at: Progress) -> None:
        """Begin with the first candle."""
        self._at = at
        self._moved: list[tuple[str, int, str]] = []

    def finish(self, rows: int) -> None:
        """Say what only the end shows, when all rows are known."""
        if len(self._moved) * _MOST_MOVED > rows:
            where, number, message = self._moved[0]
            self._at.faults.add("grid", where, number, message, self._cure(), len(self._moved))
        elif self._moved:
            self._at.count("stamps of the first trade, moved to the candle's open", len(self._moved))

    def on_grid(self, part: CandlePart, number: Integers, file: FileToSettle) -> CandlePart:
        """Keep the candles that open on the grid; a stamp of the first trade moves to the open."""
        if not self._at.step or not self._at.knows_zone:
            return part
        if self._at.step <= HOUR:
            rest = part.time % self._at.step
            return part if not rest.any() else self._moved_to_open(part, number, rest, file)
        if self._at.granularity is None:
            return part
        off = np.array([not self._at.granularity.is_border(at) for at in part.time.tolist()], dtype=np.bool_)
        if off.any():
            bad = np.flatnonzero(off)
            message = self._off_grid(int(part.time[bad[0]]))
            self._at.faults.add("grid", file.spool.name, int(number[bad[0]]), message, self._cure(), len(bad))
        return part.where(~off)

    def _moved_to_open(self, part: CandlePart, number: Integers, rest: Integers, file: FileToSettle) -> CandlePart:
        opens = part.time - rest
        before = np.concatenate(([opens[0] - 1 if self._at.last is None else self._at.last], part.time[:-1]))
        after = np.concatenate((part.time[1:], [part.time[-1] + self._at.step]))
        moves = (rest > 0) & (opens > before) & (after >= opens + self._at.step)
        stays = (rest > 0) & ~moves
        if file.layout.is_fine:
            moves, stays = np.zeros_like(moves), rest > 0
        for at in np.flatnonzero(moves).tolist():
            self._moved.append((file.spool.name, int(number[at]), self._off_grid(int(part.time[at]))))
        if stays.any():
            bad = np.flatnonzero(stays)
            message = self._off_grid(int(part.time[bad[0]]))
            self._at.faults.add("grid", file.spool.name, int(number[bad[0]]), message, self._cure(), len(bad))
        return CandlePart(opens, part.prices, part.volume).where(~stays)

    def _off_grid(self, at: int) -> str:
        if self._at.granularity is None:
            return f"a candle must open on a multiple of {self._at.step} s, was {format_instant(at)}"
        nearest = format_instant(self._at.granularity.open_at(at))
        return (
            f"a {self._at.granularity.name} candle must open on the 17:00 New York grid, was {format_instant(at)} "
            f"(the border before it is {nearest})"
        )

    def _cure(self) -> str:
        name = "H4" if self._at.granularity is None else self._at.granularity.name
        if self._at.step <= HOUR:
            return "say the zone of the file: --zone"
        return f"candles of another grid cannot be turned into these; give hours or minutes of this feed: --join {name}"

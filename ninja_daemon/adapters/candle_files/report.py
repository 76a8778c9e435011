"""The closing paragraph: what was recognised, mended and dropped, with counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ninja_daemon.adapters.candle_files.clocks.closed_time import closed_before
from ninja_daemon.adapters.candle_files.settling.parts import CandlePart
from ninja_daemon.core.market.instant import format_instant

_LONGEST_LIST = 12


@dataclass(slots=True)
class Holes:
    """Candles that are missing while the market is open.

    Attributes:
        step: seconds of a candle.
        is_always_open: the market knows no weekend.
        count: runs of missing candles.
        missing: candles missing in all.
        longest: candles missing in the longest run.
        longest_at: where that begins.
    """

    step: int
    is_always_open: bool = False
    count: int = 0
    missing: int = 0
    longest: int = 0
    longest_at: int = 0
    _last: int | None = None

    def take(self, part: CandlePart) -> None:
        """Look at some more candles."""
        times = part.time if self._last is None else np.concatenate(([self._last], part.time))
        self._last = int(times[-1])
        if not self.step:
            return
        wide = np.flatnonzero(np.diff(times) > self.step)
        if not len(wide):
            return
        starts, ends = times[wide] + self.step, times[wide + 1]
        closed = 0 if self.is_always_open else closed_before(ends) - closed_before(starts)
        missing = (ends - starts - closed) // self.step
        found = missing > 0
        self.count += int(found.sum())
        self.missing += int(missing[found].sum())
        if found.any() and int(missing.max()) > self.longest:
            self.longest = int(missing.max())
            self.longest_at = int(starts[int(missing.argmax())])


@dataclass(slots=True)
class ImportReport:
    """What was made of some files.

    Attributes:
        names: the files.
        format: the format's name.
        zone: the zone and why.
        stamp: which end of a candle a time is.
        decimals: digits after the point.
        step: name of the timeframe that came in.
        joined: name of the timeframe made of it; None when it is the same.
        rows: rows read.
        candles: candles that came out.
        first: open of the first.
        last: open of the last.
        counts: what was mended or dropped.
        notes: further sentences.
    """

    names: Sequence[str]
    format: str
    zone: str
    stamp: str
    decimals: int
    step: str
    counts: Mapping[str, int]
    holes: Holes
    joined: str | None = None
    rows: int = 0
    candles: int = 0
    first: int | None = None
    last: int | None = None
    left_out: Sequence[int] = ()
    notes: Sequence[str] = field(default=())

    def take(self, part: CandlePart) -> None:
        """Count some candles."""
        self.candles += len(part.time)
        self.first = int(part.time[0]) if self.first is None else self.first
        self.last = int(part.time[-1])

    def paragraph(self) -> str:
        """Return it as one paragraph."""
        files = ", ".join(self.names[:_LONGEST_LIST]) + (" …" if len(self.names) > _LONGEST_LIST else "")
        sentences = [
            (
                f"{files}: format {self.format}; zone {self.zone}; times are the {self.stamp} of a candle; "
                f"{self.decimals} digits; step {self.step}{f', joined to {self.joined}' if self.joined else ''}."
            ),
            f"{self.rows:,} rows read, {self.candles:,} candles taken{self._span()}.",
        ]
        if self.counts:
            sentences.append(
                "Mended or dropped: " + ", ".join(f"{n:,} {what}" for what, n in self.counts.items()) + "."
            )
        else:
            sentences.append("Nothing mended, nothing dropped.")
        if self.left_out:
            opens = " and ".join(format_instant(at) for at in self.left_out)
            sentences.append(f"Incomplete and left out: the candle of {opens}.")
        sentences.append(self._holes())
        sentences += [f"{note[0].upper()}{note[1:]}." for note in self.notes]
        return " ".join(sentences)

    def joined_sentence(self) -> str:
        """Return what differs when the same files are joined once more."""
        left = f", incomplete and left out: {len(self.left_out)}" if self.left_out else ""
        return f"Joined to {self.joined or self.step} as well: {self.candles:,} candles{self._span()}{left}."

    def _span(self) -> str:
        if self.first is None or self.last is None:
            return ""
        return f", from {format_instant(self.first)} to {format_instant(self.last)}"

    def _holes(self) -> str:
        if not self.holes.count:
            return "No holes."
        where = format_instant(self.holes.longest_at)
        runs = "hole" if self.holes.count == 1 else "holes"
        longest = f"the longest {self.holes.longest:,} from {where}"
        return f"{self.holes.count:,} {runs}, {self.holes.missing:,} candles missing, {longest}."

"""The time zone of a file, from the weeks in it: they end at 17:00 in New York, wherever the server stands.

The opening of a week does not tell the zone, as many servers leave Sunday's hours out; the close does, above all in the
weeks in which only one side of the Atlantic has summer time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from ninja_daemon.adapters.candle_files.clocks.weeks import GOOD, Score, Weeks, score
from ninja_daemon.adapters.candle_files.clocks.zones import Zone, fixed, zone_named
from ninja_daemon.core.spans import DAY, HOUR

CANDIDATES: Final = (
    "UTC", "America/New_York", "America/New_York+7", "EET", "CET", "Europe/London", "Europe/Moscow", "America/Santiago",
    *(fixed(hours).name for hours in (*range(-12, 0), *range(1, 15))),
)  # fmt: skip
_YEAR: Final = 360 * DAY
"""HistData's years begin with the first Sunday of January and end with the last Friday of December."""
_SHOWN: Final = 4
_FIRST_YEAR, _LAST_YEAR = 1970, 2200
_PLAIN_WEEKS: Final = 10
_BAD: Final = 0.5


@dataclass(frozen=True, slots=True)
class ZoneFinding:
    """What the data say about the zone.

    Attributes:
        parts: the zone found, or several, each with the wall clock time until which it holds; empty when it is open.
        reason: why, or what is open, as part of a sentence.
        scores: the candidates, best first.
        suggestion: what ``--zone`` might be; None when that cannot be said.
    """

    parts: Sequence[tuple[int | None, Zone]]
    reason: str
    scores: Sequence[Score] = ()
    suggestion: str | None = None


def find_zone(weeks: Weeks) -> ZoneFinding:
    """Find the zone among all candidates, or say which are left (see the file's facts in docs/candle-files.md)."""
    if not len(weeks.last):
        return ZoneFinding((), "the file shows no weekend, so nothing tells its zone")
    scores = _scores(weeks, map(zone_named, CANDIDATES))
    best = scores[0]
    if weeks.step > HOUR:
        return ZoneFinding((), "candles longer than an hour do not tell their zone", scores)
    if not best.is_plausible:
        return _changing(weeks, scores)
    rivals = [each for each in scores[1:] if each.good >= best.good]
    if rivals:
        names = ", ".join(each.zone.name for each in [best, *rivals[: _SHOWN - 1]])
        return ZoneFinding((), f"{names} fit equally well", scores)
    if weeks.span < _YEAR:
        return ZoneFinding((), "less than a year does not tell summer time", scores, best.zone.name)
    for year, part in _by_year(weeks):
        others = _scores(part, [each.zone for each in scores])
        own = next(each for each in others if each.zone == best.zone)
        if others[0].good > own.good:
            return _changing(weeks, scores, f"{year} is {others[0].zone.name} and not {best.zone.name}")
    share = f"{100 * best.share:.0f} % of {len(best.ends)} weeks end at 17:00 New York"
    return ZoneFinding([(None, best.zone)], f"found by the data: {share}, next best {scores[1]}", scores)


def choose_zone(weeks: Weeks, zones: Sequence[Zone]) -> ZoneFinding:
    """Choose among the zones that a format allows, each calendar year by itself."""
    parts: list[tuple[int | None, Zone]] = []
    years = _by_year(weeks)
    for year, part in years:
        scores = _scores(part, zones)
        best, others = scores[0], scores[1:]
        rivals = [each for each in others if each.good >= best.good and not _is_same(part, best.zone, each.zone)]
        if len(part.last) and (rivals or best.share < GOOD):
            listed = ", ".join(map(str, scores))
            return ZoneFinding((), f"in {year} the data do not show one of its zones ({listed})", scores)
        if not len(part.last) and rivals:
            if not parts:
                listed = ", ".join(zone.name for zone in zones)
                return ZoneFinding((), f"{year} shows no weekend that tells {listed} apart", scores)
            best = Score(parts[-1][1], best.ends, 0, 0)
        # A year that fits several goes with its neighbour: all give the same times.
        zone = parts[-1][1] if parts and _is_same(part, best.zone, parts[-1][1]) else best.zone
        if parts and parts[-1][1] == zone:
            continue
        if parts:
            parts[-1] = (_wall(year, 1, 1), parts[-1][1])
        parts.append((None, zone))
    start = _wall(_FIRST_YEAR, 1, 1)
    shown = []
    for until, zone in parts:
        own = score(weeks.since(start, until or _wall(_LAST_YEAR, 1, 1)), zone)
        shown.append(f"{100 * own.share:.0f} % of {len(own.ends)} weeks")
        start = until or start
    return ZoneFinding(parts, f"found by the data: {', '.join(shown)} end at 17:00 New York")


def check_zone(weeks: Weeks, zone: Zone) -> ZoneFinding | None:
    """Contradict the zone that a format prescribes when the data plainly show another; None when they do not."""
    if len(weeks.last) < _PLAIN_WEEKS or weeks.step > HOUR:
        return None
    own = score(weeks, zone)
    scores = _scores(weeks, map(zone_named, CANDIDATES))
    if own.share < _BAD and scores[0].is_plausible:
        return ZoneFinding((), f"its format says {zone.name}, the data say otherwise", scores, scores[0].zone.name)
    return None


def is_stamped_at_close(weeks: Weeks, zones: Sequence[Zone]) -> bool:
    """Tell whether the weeks end as they should only when times are taken for the ends of candles."""
    if not len(weeks.last) or weeks.step > HOUR or weeks.step < 60:  # noqa: PLR2004 - the rule looks at minutes
        return False
    as_open = max(score(weeks, zone).share for zone in zones)
    as_close = max(score(weeks, zone, at_close=True).share for zone in zones)
    return as_open < _BAD and as_close >= GOOD


def _scores(weeks: Weeks, zones: Iterable[Zone]) -> list[Score]:
    """Judge zones, best first; of those that give the file the same times only the first is kept."""
    found: list[Score] = []
    for zone in zones:
        if not any(_is_same(weeks, zone, other.zone) for other in found):
            found.append(score(weeks, zone))
    return sorted(found, key=lambda each: (-each.good, each.closed))


def _is_same(weeks: Weeks, one: Zone, other: Zone) -> bool:
    return bool((one.utc(weeks.hours) == other.utc(weeks.hours)).all())


def _by_year(weeks: Weeks) -> list[tuple[int, Weeks]]:
    if not len(weeks.hours):
        return []
    first, last = (datetime.fromtimestamp(int(weeks.hours[at]), UTC).year for at in (0, -1))
    parts = ((year, weeks.since(_wall(year, 1, 1), _wall(year + 1, 1, 1))) for year in range(first, last + 1))
    return [(year, part) for year, part in parts if len(part.hours)]


def _wall(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


def _changing(weeks: Weeks, scores: Sequence[Score], reason: str = "") -> ZoneFinding:
    """Look for a change of the zone inside of the file: each year's own zone, and the week between two of them."""
    runs: list[tuple[int, Zone]] = []
    for year, part in _by_year(weeks):
        own = _scores(part, [each.zone for each in scores])
        if len(part.last) < _PLAIN_WEEKS or own[0].share < GOOD:
            continue
        if runs and (runs[-1][1] == own[0].zone or _good(part, runs[-1][1]) >= own[0].good):
            continue
        runs.append((year, own[0].zone))
    if len(runs) < 2:  # noqa: PLR2004 - a change needs two
        return ZoneFinding((), reason or "no candidate explains the weeks of this file", scores)
    parts = []
    for (_, one), (year, other) in itertools.pairwise(runs):
        parts.append((_change(weeks, one, other, year), one))
    names = [f"{zone.name} until {_day(until)}" for until, zone in parts] + [f"then {runs[-1][1].name}"]
    text = ",".join([f"{_day(until)}:{zone.name}" for until, zone in parts] + [runs[-1][1].name])
    return ZoneFinding((), f"the zone changes inside of the file: {', '.join(names)}", scores, text)


def _good(weeks: Weeks, zone: Zone) -> int:
    return score(weeks, zone).good


def _change(weeks: Weeks, one: Zone, other: Zone, year: int) -> int:
    """Return the first wall clock time of the other zone, at the weekend that parts the two best."""
    near = weeks.since(_wall(year - 2, 1, 1), _wall(year + 1, 1, 1))
    first, second = score(near, one).ends.astype(int), score(near, other).ends.astype(int)
    sums = np.concatenate(([0], np.cumsum(first))) + np.concatenate((np.cumsum(second[::-1])[::-1], [0]))
    at = int(np.flatnonzero(sums == sums.max())[-1])
    start = int(near.first[max(0, at - 1)])
    end = int(near.last[min(at, len(near.last) - 1)])
    new_year = _wall(year, 1, 1)
    # Within the week nothing tells the day; servers change with the year.
    return new_year if start <= new_year <= end else start - start % DAY


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")

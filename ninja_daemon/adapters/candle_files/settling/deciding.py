"""The time zone of files: written in them, given by the user, found in the data, or asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from ninja_daemon.adapters.candle_files.clocks.closed_time import is_weekend
from ninja_daemon.adapters.candle_files.clocks.weeks import Weeks, score, weeks_of
from ninja_daemon.adapters.candle_files.clocks.zone_finding import (
    CANDIDATES,
    ZoneFinding,
    check_zone,
    choose_zone,
    find_zone,
    is_stamped_at_close,
)
from ninja_daemon.adapters.candle_files.clocks.zones import UnknownZone, Zone, fixed, zone_named
from ninja_daemon.adapters.candle_files.faults import Faults
from ninja_daemon.adapters.candle_files.layout import Layout, Options
from ninja_daemon.adapters.candle_files.settling.parts import FileToSettle
from ninja_daemon.adapters.candle_files.survey import decided
from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.spans import HOUR

_SHOWN: Final = 4
_OPEN_WEEKENDS: Final = 0.05
_DAY: Final = Granularity.D.seconds


@dataclass(frozen=True, slots=True)
class ZoneDecision:
    """The zone of some files.

    Attributes:
        zones: each until a wall clock time; empty when it is not known.
        text: the zone and why, for the closing paragraph.
        is_known: candles can be put on the grid.
        is_always_open: the market trades on weekends.
        notes: further sentences for the paragraph.
    """

    zones: Sequence[tuple[int | None, Zone]]
    text: str
    is_known: bool
    is_always_open: bool = False
    notes: Sequence[str] = ()


def decide_zones(files: Sequence[FileToSettle], step: int, options: Options, faults: Faults) -> ZoneDecision:
    """Decide the zone of files, or take down what must be said."""
    weeks = weeks_of(_traded(files), step or 1)
    if options.zone is not None:
        return _said(options, weeks, files, faults)
    if all(file.spool.is_utc for file in files):
        zone = fixed(0)
        return _known([(None, zone)], "UTC, by the offsets in the text", weeks, files, options, faults)
    layout = files[0].layout
    if step >= _DAY and all(file.survey.is_midnight for file in files) and layout.zone != "UTC":
        # What a date means is not a matter of the clock; labels_for decides it.
        return ZoneDecision((), "America/New_York: a date is the day of the close", is_known=layout.day)
    finding = _found(weeks, layout)
    if finding.parts:
        text = f"{_names(finding.parts)}, {finding.reason}"
        return _known(finding.parts, text, weeks, files, options, faults)
    _ask(finding, files[0].spool.name, weeks, options, faults)
    return ZoneDecision((), "unknown", is_known=False)


def _found(weeks: Weeks, layout: Layout) -> ZoneFinding:
    """Find the zone in what the format says and what the data show."""
    if len(layout.zones) == 1 and not len(weeks.last):
        return ZoneFinding([(None, zone_named(layout.zones[0]))], "as its folder says")
    if layout.zones and (len(layout.zones) == 1 or weeks.step <= HOUR):
        return choose_zone(weeks, [zone_named(each) for each in layout.zones])
    if layout.zone is not None:
        zone = zone_named(layout.zone)
        return check_zone(weeks, zone) or ZoneFinding([(None, zone)], "as its format says")
    finding = find_zone(weeks)
    if layout.finds_zone:
        return finding
    return ZoneFinding((), "a file of this format does not say its zone", finding.scores, finding.suggestion)


def _names(parts: Sequence[tuple[int | None, Zone]]) -> str:
    return ", ".join(zone.name if until is None else f"{zone.name} until {_day(until)}" for until, zone in parts)


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _known(
    parts: Sequence[tuple[int | None, Zone]],
    text: str,
    weeks: Weeks,
    files: Sequence[FileToSettle],
    options: Options,
    faults: Faults,
) -> ZoneDecision:
    zones = [zone for _, zone in parts]
    stamp = options.stamp or files[0].layout.stamp
    if options.stamp is None and stamp == "open" and is_stamped_at_close(weeks, zones):
        cure = "say so: --stamp close (or --stamp open, when they are not)"
        message = "its times look like the ends of candles: no week ends at 17:00 New York unless they are"
        faults.add("stamp", files[0].spool.name, None, message, cure)
    share = int(weeks.counts[is_weekend(zones[0].utc(weeks.hours))].sum()) if len(weeks.hours) else 0
    is_always_open = bool(share > _OPEN_WEEKENDS * max(1, int(weeks.counts.sum())))
    notes = ["trades on weekends"] if is_always_open else []
    return ZoneDecision(parts, text, is_known=True, is_always_open=is_always_open, notes=notes)


def _ask(finding: ZoneFinding, name: str, weeks: Weeks, options: Options, faults: Faults) -> None:
    listed = ", ".join(map(str, finding.scores[:_SHOWN]))
    shown = f"; weeks that end at 17:00 New York by zone: {listed}" if listed and len(weeks.last) else ""
    message = f"the time zone must be known, was not: {finding.reason}{shown}"
    # The likeliest is named first, and is still asked about.
    likeliest = [each.zone.name for each in finding.scores[:1] if each.is_plausible]
    like = finding.suggestion or next(iter(likeliest), "EET")
    cure = f"say it: --zone {like}" + (
        "" if finding.suggestion else " (or UTC, America/New_York, America/New_York+7 …)"
    )
    zones = [zone_named(each) for each in CANDIDATES]
    if options.stamp is None and is_stamped_at_close(weeks, zones):
        cure += "; its times look like the ends of candles: --stamp close"
    faults.add("zone", name, None, message, cure)


def _said(options: Options, weeks: Weeks, files: Sequence[FileToSettle], faults: Faults) -> ZoneDecision:
    try:
        parts = parse_zones(options.zone or "")
    except UnknownZone as error:
        faults.add("zone", files[0].spool.name, None, f"--zone: {error}")
        return ZoneDecision((), "unknown", is_known=False)
    text = f"{_names(parts)}, as said"
    if len(parts) == 1 and len(weeks.last) and weeks.step <= HOUR:
        share = score(weeks, parts[0][1], at_close=options.stamp == "close").share
        text += f" ({100 * share:.0f} % of {len(weeks.last)} weeks end at 17:00 New York)"
    return _known(parts, text, weeks, files, options, faults)


def parse_zones(text: str) -> list[tuple[int | None, Zone]]:
    """Read a zone, or several as ``UNTIL:ZONE,…``; the time of UNTIL is that of the file and no longer belongs to it.

    Raises:
        UnknownZone: a part is no zone, has no date, or they are not in order.
    """
    parts: list[tuple[int | None, Zone]] = []
    pieces = [piece.strip() for piece in text.split(",")]
    for index, piece in enumerate(pieces):
        until, rest = _until(piece)
        if until is None and index + 1 < len(pieces):
            message = f"a zone before another must say until when, like 2015-01-01:CET,EET, was {piece[:40]!r}"
            raise UnknownZone(message)
        if parts and until is not None and until <= (parts[-1][0] or 0):
            message = f"the dates of zones must ascend, {piece[:40]!r} does not"
            raise UnknownZone(message)
        parts.append((until, zone_named(rest)))
    return parts


def _until(piece: str) -> tuple[int | None, str]:
    if len(piece) < len("2015-01-01:") or piece[4] != "-" or piece[7] != "-":
        return None, piece
    for length in (19, 16, 10):
        if piece[length : length + 1] == ":":
            try:
                until = datetime.fromisoformat(piece[:length]).replace(tzinfo=UTC)
            except ValueError:
                continue
            return int(until.timestamp()), piece[length + 1 :]
    return None, piece


def _traded(files: Sequence[FileToSettle]) -> Iterator[Integers]:
    """Go through the wall clock times of rows that are not filling: flat at the close before, or without volume."""
    close = 0
    for file in files:
        for rows in file.spool.rows(turned=file.survey.is_turned):
            times, fits = decided(rows.time, file.day_first)
            kept = fits.copy()
            if len(rows.prices) == 4:  # noqa: PLR2004 - candles of one side
                before = np.concatenate(([close], rows.prices[3][:-1]))
                flat = rows.prices[1] == rows.prices[2]
                if flat.any():
                    kept &= ~(flat & ((rows.volume == 0) & file.layout.drops_flat | (rows.prices[3] == before)))
                close = int(rows.prices[3][-1])
            yield times if kept.all() else times[kept]

"""Decides what dates alone mean, or says what must be known of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ninja_daemon.adapters.candle_files.clocks.labels import Labels
from ninja_daemon.adapters.candle_files.faults import Faults
from ninja_daemon.adapters.candle_files.layout import Options
from ninja_daemon.adapters.candle_files.settling.deciding import ZoneDecision
from ninja_daemon.adapters.candle_files.settling.parts import FileToSettle
from ninja_daemon.adapters.candle_files.survey import decided
from ninja_daemon.adapters.candle_files.text.tokens import Integers
from ninja_daemon.core.market.granularity import Granularity


def labels_for(
    files: Sequence[FileToSettle],
    granularity: Granularity | None,
    options: Options,
    decision: ZoneDecision,
    faults: Faults,
) -> Labels | None:
    """Decide what dates mean, or take down what must be said; None where times are written."""
    name, layout = files[0].spool.name, files[0].layout
    if granularity is None or granularity.seconds < Granularity.D.seconds or files[0].spool.is_utc:
        return None
    if options.zone is None and decision.zones:
        return None
    if not all(file.survey.is_midnight for file in files):
        return None
    days = [sum(file.survey.weekdays[day] for file in files) for day in range(7)]
    is_new_york = options.zone is not None and [zone.name for _, zone in decision.zones] == ["America/New_York"]
    if options.zone is not None and not is_new_york:
        return None
    if not is_new_york and not layout.day:
        _ask_for_days(name, granularity, days, layout.format, faults)
        return None
    if granularity is not Granularity.D:
        return _longer(name, granularity, files, faults)
    return _daily(name, days, options, faults, says_close=layout.day and options.stamp is None)


def _daily(name: str, days: Sequence[int], options: Options, faults: Faults, *, says_close: bool) -> Labels | None:
    friday, saturday, sunday = days[4:]
    total = sum(days)
    has_sundays, has_fridays = sunday * 50 > total, friday * 50 > total
    if says_close or options.stamp is not None:
        is_close = says_close or options.stamp == "close"
    elif has_sundays == has_fridays and not saturday:
        message = "a date may be the day of the open or of the close at 17:00 New York: no Friday and no Sunday tells"
        faults.add("days", name, None, message, "say it: --stamp close or --stamp open")
        return None
    else:
        is_close = has_fridays
    if saturday * 50 > total or (has_sundays if is_close else has_fridays):
        _has_sundays(name, faults)
        return None
    return Labels(Granularity.D, is_close)


def _longer(name: str, granularity: Granularity, files: Sequence[FileToSettle], faults: Faults) -> Labels | None:
    if granularity is Granularity.M and not all(map(_are_firsts, (times for file in files for times in _wall(file)))):
        message = "a month must be named by its first day, was not"
        faults.add("month", name, None, message, "give days or hours of this feed: --join M")
        return None
    return Labels(granularity, is_close=False)


def _are_firsts(times: Integers) -> bool:
    days = times.astype("M8[s]").astype("M8[D]")
    return bool((days == days.astype("M8[M]").astype("M8[D]")).all())


def _wall(file: FileToSettle) -> Iterator[Integers]:
    for times in file.spool.times():
        yield decided(times, file.day_first)[0]


def _has_sundays(name: str, faults: Faults) -> None:
    message = (
        "days must be those of 17:00 New York, five a week; these have a Sunday, so they are days of UTC or of a server"
    )
    faults.add("days", name, None, message, "give hours or minutes of this feed: --join D")


def _ask_for_days(name: str, granularity: Granularity, days: Sequence[int], format_name: str, faults: Faults) -> None:
    total = sum(days)
    if granularity is Granularity.D and (days[5] + days[6]) * 50 > total:
        _has_sundays(name, faults)
        return
    what = {"stooq": "Stooq's are days of Warsaw", "yahoo": "Yahoo's are days of London or of the exchange"}
    known = f" ({what[format_name]})" if format_name in what else ""
    message = f"a date alone does not say when its candle opens{known}: a time zone must be known"
    cure = (
        f"give hours or minutes of this feed: --join {granularity.name}; or, if its days close at 17:00 New York or "
        "shall be taken so: --zone America/New_York --stamp close (the date is the day of the close) or open"
    )
    faults.add("zone", name, None, message, cure)

"""Any other text with separated columns: columns by their names or by ``--columns``, the rest said by options.

Nothing is guessed: a zone is taken from the text of the times, or must be given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ninja_daemon.adapters.candle_files.layout import CANDLE, CLOCKS, Head, Layout, NamedFormat, columns_of, has_prices
from ninja_daemon.adapters.candle_files.text.time_forms import matching, typed_form

_TIMES: Final = (
    "", "date", "time", "datetime", "date_time", "dt", "timestamp", "open_time", "gmt", "utc", "timestamp_utc",
    "time_utc", "datetime_utc", "time (utc)",
)  # fmt: skip
_SHORT: Final = {"o": "open", "h": "high", "max": "high", "l": "low", "min": "low", "c": "close", "last": "close"}
_NAMES: Final = {
    **dict.fromkeys(_TIMES, "time"),
    **{name: name for name in (*CANDLE, "volume", "bid", "ask", "clock")},
    **_SHORT,
    **dict.fromkeys(("v", "vol"), "volume"),
}
_PLAIN_DATES: Final = ("%Y-%m-%d", "%Y.%m.%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%d-%b-%Y", "%d-%b-%y")
_DATES: Final = (*_PLAIN_DATES, "%1/%2/%Y", "%1-%2-%Y")
FORMS: Final = (
    "%s",
    "%s.%f",
    *(
        f"{date}{between}{clock}{zone}"
        for date in _DATES
        for between in " T"
        for clock in CLOCKS
        for zone in ("", "%z")
    ),
    "%Y%m%d %H%M%S",
    *_DATES,
)
_SEPARATORS: Final = ",;\t|"
_NUMBER: Final = re.compile(r"-?\d+(?:[.,]\d+)?", re.ASCII)
_SEARCHED: Final = 4


def _recognise(head: Head) -> Layout | None:
    options = head.options
    forms = (typed_form(options.time_format),) if options.time_format else FORMS
    for separator in _separators(head):
        found = _described(head, separator, forms) if options.columns is not None else _header(head, separator)
        if found is None:
            continue
        skip, names = found
        columns = _columns(names)
        # A name like timestamp_utc or "Time (GMT)" says the zone.
        says_utc = any(word in names[columns["time"]].casefold() for word in ("utc", "gmt"))
        return Layout(
            "csv", columns, len(names), forms, separator=separator, skip=skip, finds_zone=False,
            point="," if options.decimal_comma else ".", zone="UTC" if says_utc else None,
        )  # fmt: skip
    return None


def _described(head: Head, separator: str, forms: Sequence[str]) -> tuple[int, list[str]] | None:
    """Return how many lines stand above the rows, and the columns that ``--columns`` names."""
    names = [name.strip().casefold() for name in head.options.columns or ()]
    columns = _columns(names)
    if "time" not in columns or not has_prices(columns):
        message = f"--columns must name time or date, and open,high,low,close or bid,ask, was {','.join(names)[:80]!r}"
        raise ValueError(message)
    first = next((at for at, line in enumerate(head.lines) if _is_data(line, separator, names, forms)), None)
    return None if first is None else (first, names)


def _columns(names: Sequence[str]) -> dict[str, int]:
    columns = columns_of(names, _NAMES)
    folded = [name.strip().strip('"<>').casefold() for name in names]
    if "date" in folded and "time" in folded:
        columns["time"], columns["clock"] = folded.index("date"), folded.index("time")
    return columns


def _header(head: Head, separator: str) -> tuple[int, list[str]] | None:
    """Return how many lines stand above the rows, and the names of the columns; a title may come first."""
    for at, line in enumerate(head.lines[:_SEARCHED]):
        names = [name.strip().strip('"') for name in line.split(separator)]
        columns = columns_of(names, _NAMES)
        if "time" in columns and has_prices(columns):
            return at + 1, names
    return None


def _is_data(line: str, separator: str, names: Sequence[str], forms: Sequence[str]) -> bool:
    fields = [field.strip().strip('"') for field in line.split(separator)]
    columns = _columns(names)
    if len(fields) < len(names) or "time" not in columns:
        return False
    time = fields[columns["time"]] + (f" {fields[columns['clock']]}" if "clock" in columns else "")
    priced = [fields[place] for role, place in columns.items() if role in {*CANDLE, "bid", "ask"}]
    return matching(forms, time) or all(_NUMBER.fullmatch(price) for price in priced)


def _separators(head: Head) -> Sequence[str]:
    """Return what may part the fields, the likeliest first."""
    given = head.options.separator
    if given:
        return [{"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}.get(given, given)]
    lines = [line for line in head.lines[:_SEARCHED] if line.strip()]
    last = lines[-1] if lines else ""
    candidates = _SEPARATORS[1:] if head.options.decimal_comma else _SEPARATORS
    return sorted(candidates, key=last.count, reverse=True)


CSV: Final = NamedFormat("csv", _recognise)

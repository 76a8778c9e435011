#!/usr/bin/env bash
# dukascopy-python 4.0.1: live_fetch() of months stamps each candle by the first of the month AFTER it, hours and days by their beginning.
# The candle of June is called 1 July; put beside months of another origin each stands a month late, with no warning. A tick of
# December is an error (month must be in 1..12), so a program runs for eleven months before anything is seen.
# Expected by a reader: a candle's time is its beginning, as in its hours and days. Seen on 2026-11-28, Python 3.11.
# The answers of Dukascopy's server are made up here: ticks of time, bid, ask and two volumes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install dukascopy-python==4.0.1 pandas==2.3.3 numpy==2.4.6

"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import json
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from types import SimpleNamespace

import dukascopy_python

ticks = [[int(datetime(2026, 6, day, 12, tzinfo=UTC).timestamp() * 1_000), 1.1, 1.1002, 1.0, 1.0] for day in (1, 15, 30)]


def answer(_url: str, *, params: dict[str, str], **_others: object) -> SimpleNamespace:
    """What the server says: the ticks from a time on, in a call of the function that was asked for."""
    rest = [tick for tick in ticks if tick[0] >= int(params["last_update"])]
    return SimpleNamespace(text=f"{params['jsonp']}({json.dumps(rest)});")


dukascopy_python.requests.get = answer
begin, end = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
told: dict[str, list[str]] = {}
for unit in (dukascopy_python.TIME_UNIT_HOUR, dukascopy_python.TIME_UNIT_DAY, dukascopy_python.TIME_UNIT_MONTH):
    for frame in dukascopy_python.live_fetch("EUR/USD", 1, unit, dukascopy_python.OFFER_SIDE_BID, begin, end):
        candles = frame
    told[unit] = [f"{at:%d %B %H:%M}" for at in candles.index]
print(f"dukascopy-python {version('dukascopy-python')}: ticks at 12:00 on 1, 15 and 30 June 2026, joined to candles: {told}")
by_hour, by_day = ([f"{day} June {clock}" for day in ("01", "15", "30")] for clock in ("12:00", "00:00"))
sys.exit(0 if list(told.values()) == [by_hour, by_day, ["01 July 00:00"]] else 1)
PYTHON

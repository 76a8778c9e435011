#!/usr/bin/env bash
# pandas 2.3.3: resample("4h") of an index in America/New_York keeps four hours of elapsed time from the first day on, not
# of the wall clock. Where a series begins in winter, its candles open at 17:00 New York until March and at 18:00 from then
# on, with no warning. Expected by a reader: bins of a time zone's index lie on that zone's clock, as those of "1D" do.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install pandas==2.3.3 numpy==2.4.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys

import pandas

hours = pandas.date_range("2020-03-02 17:00", "2020-03-13 16:59", freq="h", tz="America/New_York")
prices = pandas.Series(range(len(hours)), index=hours)
change = pandas.Timestamp("2020-03-08 03:00", tz="America/New_York")


def opens(freq: str, offset: str) -> tuple[list[int], list[int]]:
    """Hours of the wall clock at which bins begin before and after the clock is set forward."""
    bins = prices.resample(freq, offset=offset).first().index
    return tuple(sorted({at.hour for at in some}) for some in (bins[bins < change], bins[bins >= change]))


before, after = opens("4h", "1h")
days_before, days_after = opens("1D", "17h")
print(f"pandas {pandas.__version__}, clock set forward on 2020-03-08")
print(f'"4h": bins begin at {before} before, at {after} after')
print(f'"1D": bins begin at {days_before} before, at {days_after} after')
is_as_stated = before == [1, 5, 9, 13, 17, 21] and after == [2, 6, 10, 14, 18, 22] and days_before == days_after == [17]
sys.exit(0 if is_as_stated else 1)
PYTHON

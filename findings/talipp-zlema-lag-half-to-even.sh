#!/usr/bin/env bash
# talipp 2.7.0: ZLEMA(period) looks round((period - 1) / 2) candles back, and Python rounds halves to the even number. So periods of
# 20 and of 22 have the same lag of 10, while 18 has 8 and 20 has 10. Every second even period differs from what charting
# platforms and other libraries compute, which cut the half off. Expected by a reader: a lag that grows by one.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install talipp==2.7.0

"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

from talipp.indicators import ZLEMA

periods = (18, 20, 22, 24)
lags = {period: ZLEMA(period).lag for period in periods}
print(f"talipp {version('talipp')}: lags of ZLEMA by period: {lags}, cut off they would be {[(one - 1) // 2 for one in periods]}")
closes = [float(number * number % 17) for number in range(80)]
weight = 2 / 21


def exponential(values: list[float]) -> float:
    """The last one of an average that begins with the mean of the first twenty."""
    now = sum(values[:20]) / 20
    for value in values[20:]:
        now += weight * (value - now)
    return now


theirs = ZLEMA(20, input_values=closes)[-1]
nine, ten = (exponential([2 * closes[at] - closes[at - lag] for at in range(lag, 80)]) for lag in (9, 10))
print(f"ZLEMA(20) ends with {theirs:.6f}; with a lag of 9 it would be {nine:.6f}, with one of 10 {ten:.6f}")
sys.exit(0 if lags == {18: 8, 20: 10, 22: 10, 24: 12} and abs(theirs - ten) < 1e-9 < abs(theirs - nine) else 1)
PYTHON

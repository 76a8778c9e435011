#!/usr/bin/env bash
# hexital 4.1.0: cross(candles, fast, slow), with its default length of 1 ("compares the latest with the previous"), is true at
# the candle of a cross and at the candle after it. The same holds for crossover and crossunder. Expected by a reader: true
# once, as a crossing function of any other library; whoever acts on it at each candle acts twice on every cross.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install hexital==4.1.0

"$folder/venv/bin/python" - <<'PYTHON'
import sys
from datetime import datetime, timedelta
from importlib.metadata import version

from hexital import Candle, Hexital
from hexital.analysis import crossover
from hexital.indicators import SMA

closes = [10, 9, 8, 7, 6, 5, 9, 12, 13, 14, 15]
start = datetime(2024, 1, 1)
candles = [Candle(one, one, one, one, 1, timestamp=start + number * timedelta(hours=1)) for number, one in enumerate(closes)]
whole = Hexital("made up", candles, [SMA(period=2), SMA(period=4)])
whole.calculate()
readings = [(one.indicators["SMA_2"], one.indicators["SMA_4"]) for one in whole.candles()]
turned = [
    number
    for number in range(4, len(closes))
    if readings[number - 1][0] <= readings[number - 1][1] and readings[number][0] > readings[number][1]
]
told = [number for number in range(4, len(closes)) if crossover(whole, "SMA_2", "SMA_4", index=number)]
print(f"hexital {version('hexital')}: the averages cross upwards at candle {turned}, crossover() is true at {told}")
sys.exit(0 if len(turned) == 1 and told == [turned[0], turned[0] + 1] else 1)
PYTHON

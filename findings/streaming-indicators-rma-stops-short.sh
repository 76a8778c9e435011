#!/usr/bin/env bash
# streaming-indicators 0.1.8: RMA(period) rounds its value to four decimals after each step and goes on from there. Once a step is
# below 0.00005 it does not move any more: RMA(14) of EUR/USD at 1.1006 for ever stays at 1.1000, seven pips away, and smoothed
# true ranges of quiet minutes become 0, so PLUS_DI and MINUS_DI, which divide by them, become NaN. SuperTrend and HeikinAshi round likewise.
# Expected by a reader: Wilder's average as TradingView has it, to which its documentation refers; it comes as near as one likes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install streaming-indicators==0.1.8 pandas==2.3.3 numpy==2.4.6

"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import math
import sys
from importlib.metadata import version

import streaming_indicators

average, meant = streaming_indicators.RMA(14), 1.1
average.update(1.1)
for _ in range(10_000):
    average.update(1.1006)
    meant += (1.1006 - meant) / 14
direction = streaming_indicators.PLUS_DI(14)
for minute in range(1_000):  # a range of a third of a pip, and a fifth of a pip upwards each minute
    low = 1.1 + minute * 0.00002
    direction.update({"open": low, "high": low + 0.00003, "low": low, "close": low + 0.00002})
print(f"streaming-indicators {version('streaming-indicators')}: RMA(14), 10,000 closes of 1.1006 after one of 1.1: {average.value}")
print(f"unrounded it is {meant:.6f}; PLUS_DI(14) of steadily rising minutes is {direction.value}, their range {direction.RMA_TR.value}")
sys.exit(0 if average.value == 1.1 and direction.RMA_TR.value == 0 and math.isnan(direction.value) else 1)
PYTHON

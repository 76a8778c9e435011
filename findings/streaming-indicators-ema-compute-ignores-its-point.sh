#!/usr/bin/env bash
# streaming-indicators 0.1.8: EMA.compute(point), "the value with a new data point, without updating the state", does not look at the
# point. It returns the plain mean of the last period + 1 closes that update() had. Who asks at every tick what the average of the
# unfinished candle is gets one number all candle long, another one than update() gives a moment later, with no warning.
# Expected by a reader: compute(x) is what update(x) would return, as SMA and WMA of the same package have it.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install streaming-indicators==0.1.8 pandas==2.3.3 numpy==2.4.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

from streaming_indicators import EMA, SMA, WMA

told: dict[str, list[float]] = {}
for kind in (SMA, WMA, EMA):
    average = kind(3)
    for close in (1.0, 2.0, 3.0, 4.0, 5.0):
        average.update(close)
    told[kind.__name__] = [round(float(one), 6) for one in (average.compute(0), average.compute(100), average.update(100))]
print(f"streaming-indicators {version('streaming-indicators')}, period 3 after 1, 2, 3, 4, 5: compute(0), compute(100), update(100)")
print(told)
agree = all(told[name][1] == told[name][2] and told[name][0] != told[name][1] for name in ("SMA", "WMA"))
sys.exit(0 if agree and told["EMA"] == [3.5, 3.5, 52.0] else 1)
PYTHON

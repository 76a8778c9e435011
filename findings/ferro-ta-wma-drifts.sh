#!/usr/bin/env bash
# ferro-ta 1.6.0 (2026), "a TA-Lib-compatible API": WMA carries two sums of floats from the first candle to the last and never makes them
# anew, so its error grows faster than the history. After five million minutes, and in a market that then stands still, WMA(10)
# and WMA(20) of one constant price differ, for ever: a state of a cross that no price made. Expected by a reader: what TA-Lib says, which had
# this fault and mended it (TA-Lib/ta-lib 254 and 255, August 2026): both are the price. HULL_MA is made of WMA. Cure: the last
# 1,000 candles only, or each window by itself. Seen on 2026-11-28 with TA-Lib 0.8.2, Python 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install ferro-ta==1.6.0 TA-Lib==0.8.2 numpy==2.4.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys

import ferro_ta
import numpy
import talib

steps = numpy.random.default_rng(1).normal(0, 1e-5, 5_000_000)
closes = numpy.concatenate([numpy.round(1.1 + numpy.cumsum(steps), 5), numpy.full(1_000, 1.1)])
gaps: dict[str, list[float]] = {}
for name, wma in (("ferro-ta", ferro_ta.WMA), ("TA-Lib", talib.WMA)):
    ends = {count: wma(closes[-count:], 10)[-500:] - wma(closes[-count:], 20)[-500:] for count in (10_000, len(closes))}
    gaps[name] = [float(numpy.abs(gap).max()) for gap in ends.values()]
print(f"ferro-ta {ferro_ta.__version__}, TA-Lib {talib.__version__}: largest gap of WMA(10) and WMA(20), the price being 1.1 for 500 candles")
print(f"of the last 10,000 candles, and of all {len(closes):,}: {gaps}")
short, long = gaps["ferro-ta"]
sys.exit(0 if short < 1e-9 and long > 1e-8 and max(gaps["TA-Lib"]) < 1e-12 else 1)
PYTHON

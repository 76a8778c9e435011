#!/usr/bin/env bash
# technical 1.7.0 (of freqtrade): tv_wma(dataframe, length) does not look at the newest close, nor at the last two of its length.
# It weighs the closes 1 to length − 2 candles back, so it is one candle late and length − 2 long. tv_hma is made of it.
# Expected by a reader: TradingView's weighted average, as the docstring says: weights length … 1 from the newest close back.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install technical==1.7.0 pandas==2.3.3 numpy==2.4.6

"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import pandas
from technical.indicators.indicators import tv_wma

closes = pandas.Series([1.0, 2.0, 4.0, 7.0, 11.0, 16.0, 22.0, 29.0])
other = closes.copy()
other.iloc[-1] = 1_000.0
length = 5
found, changed = (tv_wma(one, length).iloc[-1] for one in (closes, other))
weights = range(1, length + 1)
meant = sum(weight * close for weight, close in zip(weights, closes[-length:])) / sum(weights)
shifted = (4 * closes.iloc[-2] + 3 * closes.iloc[-3] + 2 * closes.iloc[-4]) / 9
print(f"technical {version('technical')}: tv_wma of {length} closes that end in 22, 29 is {found:.4f}, a weighted mean {meant:.4f}")
print(f"with 1,000 as the newest close it is {changed:.4f}")
sys.exit(0 if found == changed and abs(found - shifted) < 1e-9 else 1)
PYTHON

#!/usr/bin/env bash
# backtesting 0.6.6 (2026) on pandas 3.1.1 (2026): resample_apply("W" or "ME", …) on hours looks up to 23 hours ahead. pandas labels a
# week or a month by midnight at the BEGINNING of its last day, so all hours of that day see the close of the week, which comes
# at its end. Its documentation says that label="right" is there against look-ahead; that holds for "4h", "1D" and "2D" only.
# Expected by a reader: no bar knows a later close, whatever the rule. Cure: shift the weekly series by a day before use.
# Seen on 2026-11-28, Python 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install backtesting==0.6.6 pandas==3.1.1 numpy==2.4.6

"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import backtesting
import pandas
from backtesting import Backtest, Strategy
from backtesting.lib import resample_apply

# Each hour closes one higher than the one before, so a larger number is a later close.
hours = pandas.date_range("2026-01-05", "2026-03-30", freq="h", inclusive="left")
closes = pandas.Series(range(1, len(hours) + 1), index=hours, dtype=float)
candles = pandas.DataFrame({"Open": closes, "High": closes, "Low": closes, "Close": closes})
ahead: dict[str, int] = {}


class Watch(Strategy):
    rule = ""

    def init(self) -> None:
        self.longer = resample_apply(self.rule, None, self.data.Close, plot=False)

    def next(self) -> None:
        ahead[self.rule] = max(ahead.get(self.rule, 0), int(self.longer[-1] - self.data.Close[-1]))


for rule in ("4h", "1D", "W", "ME"):
    Backtest(candles, Watch).run(rule=rule)
print(f"backtesting {backtesting.__version__}, pandas {pandas.__version__}: hours that a bar knows in advance, by rule: {ahead}")
sys.exit(0 if ahead == {"4h": 0, "1D": 0, "W": 23, "ME": 23} else 1)
PYTHON

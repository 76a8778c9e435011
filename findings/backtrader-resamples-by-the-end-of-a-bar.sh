#!/usr/bin/env bash
# backtrader 1.9.78.123: resampledata() takes a bar's time for its end. Nearly every file of hours (MetaTrader, Dukascopy,
# HistData, OANDA, Binance) stamps an hour by its beginning. Joined to four hours, the first candle then holds one hour and
# every other one the hours 1, 2, 3 and 4 in place of 0, 1, 2 and 3: each is an hour late, with no warning. Expected by a
# reader: the candle of 00:00 to 04:00 holds the four hours that are stamped 00:00 to 03:00. Seen on 2026-11-28, Python 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install backtrader==1.9.78.123

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from datetime import datetime, timedelta
from pathlib import Path

import backtrader

# The open of each hour is its number, counted from midnight; its volume is one.
rows = [f"{datetime(2020, 1, 6) + timedelta(hours=hour)},{hour}.0,{hour}.5,{hour}.0,{hour}.5,1" for hour in range(24)]
Path("hours.csv").write_text("time,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
made: list[tuple[str, int, int]] = []


class Watch(backtrader.Strategy):
    def next(self) -> None:
        four = self.datas[1]
        if len(four) > len(made):
            made.append((f"{four.datetime.datetime(0):%H:%M}", int(four.open[0]), int(four.volume[0])))


cerebro = backtrader.Cerebro()
hours = backtrader.feeds.GenericCSVData(
    dataname="hours.csv", dtformat="%Y-%m-%d %H:%M:%S", openinterest=-1, timeframe=backtrader.TimeFrame.Minutes,
    compression=60, time=-1, open=1, high=2, low=3, close=4, volume=5,
)
cerebro.adddata(hours)
cerebro.resampledata(hours, timeframe=backtrader.TimeFrame.Minutes, compression=240)
cerebro.addstrategy(Watch)
cerebro.run()
print(f"backtrader {backtrader.__version__}: candles of four hours, each with its time, first hour and number of hours")
print(made)
sys.exit(0 if made[:4] == [("00:00", 0, 1), ("04:00", 1, 4), ("08:00", 5, 4), ("12:00", 9, 4)] else 1)
PYTHON

#!/usr/bin/env bash
# polars 2.1.0 and duckdb 2.0.1 (2026): a file of monthly candles with dates as MM/DD/YYYY, as Investing.com has them, is read as
# candles of the first days of each January. Every date is the first of a month, so every row can be read as a day, and both take
# the day first, with no warning; pandas 3.1.1 takes the month first. With a date like 02/13/2018 in the file duckdb turns to the month
# and polars leaves text, so daily files of the same origin are right, or seen to be wrong. Expected by a reader: text where all
# rows may be either. Cure: %m/%d/%Y, told to each. Seen on 2026-11-28, Python 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install polars==2.1.0 duckdb==2.0.1 pandas==3.1.1 numpy==2.4.6

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from pathlib import Path

import duckdb
import pandas
import polars

rows = [f"{month:02}/01/{year},1.{month:02}" for year in (2018, 2019) for month in range(1, 13)]
Path("months.csv").write_text("Date,Price\n" + "\n".join(rows) + "\n")
read = {
    "polars": polars.read_csv("months.csv", try_parse_dates=True)["Date"].to_list(),
    "duckdb": [row[0] for row in duckdb.sql("SELECT Date FROM read_csv('months.csv')").fetchall()],
    "pandas": pandas.read_csv("months.csv", parse_dates=["Date"])["Date"].dt.date.to_list(),
}
told = {name: f"{dates[1]:%d %B %Y}, {len({date.month for date in dates})} months" for name, dates in read.items()}
print(f"polars {polars.__version__}, duckdb {duckdb.__version__}, pandas {pandas.__version__}: {rows[1].split(',')[0]} and the months of 24 rows")
print(told)
day_first, month_first = "02 January 2018, 1 months", "01 February 2018, 12 months"
sys.exit(0 if told == {"polars": day_first, "duckdb": day_first, "pandas": month_first} else 1)
PYTHON

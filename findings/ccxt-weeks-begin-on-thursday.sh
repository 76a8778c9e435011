#!/usr/bin/env bash
# ccxt 4.5.90: build_ohlcvc(trades, "1w") makes weeks that begin on Thursday: a candle's time is the trade's, rounded down
# to whole multiples of a timeframe's length since 1970, and 1 January 1970 was a Thursday. Expected by a reader: weeks that
# begin on Monday, as the exchanges' own weekly candles do, which fetch_ohlcv() returns for the same "1w".
# Seen on 2026-11-28, Python 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install ccxt==4.5.90

"$folder/venv/bin/python" - <<'PYTHON'
import sys
from datetime import UTC, datetime, timedelta

import ccxt

monday = datetime(2020, 1, 6, tzinfo=UTC)
days = [monday + timedelta(days=day) for day in range(21)]
trades = [{"timestamp": int(day.timestamp() * 1_000), "price": 100.0, "amount": 1.0} for day in days]
weeks = ccxt.Exchange().build_ohlcvc(trades, "1w")
begun = [f"{datetime.fromtimestamp(week[0] / 1_000, UTC):%A %d %B %Y}" for week in weeks]
print(f"ccxt {ccxt.__version__}: a trade a day from Monday 6 to Sunday 26 January 2020, built to 1w")
print(", ".join(f"{each} ({int(week[5])} days)" for each, week in zip(begun, weeks, strict=True)))
sys.exit(0 if len(begun) == 4 and all(each.startswith("Thursday") for each in begun) else 1)
PYTHON

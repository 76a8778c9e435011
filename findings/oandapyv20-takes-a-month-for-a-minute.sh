#!/usr/bin/env bash
# oandapyV20 0.7.2: InstrumentsCandlesFactory takes OANDA's granularity "M", a month, for a minute. The twelve monthly candles of a year
# become 1,052 requests over pieces of 8 hours and 20 minutes each, nearly all of which hold no candle, and cost the broker's
# limit of requests. S5, H4, D and W are right, and a loop over the requests ends well. Expected by a reader: one request, for the
# factory says that it works out from the granularity how many are needed. Cure: InstrumentsCandles itself, with count.
# Seen on 2026-11-28, Python 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install oandapyV20==0.7.2 requests==2.34.2 six==1.17.0

"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

from oandapyV20.contrib.factories import InstrumentsCandlesFactory

year = {"from": "2019-01-01T00:00:00Z", "to": "2020-01-01T00:00:00Z"}
spans: dict[str, list[tuple[str, str]]] = {}
for granularity in ("H4", "D", "W", "M"):
    made = InstrumentsCandlesFactory("EUR_USD", {**year, "granularity": granularity})
    spans[granularity] = [(one.params["from"], one.params["to"]) for one in made]
counts = {granularity: len(them) for granularity, them in spans.items()}
print(f"oandapyV20 {version('oandapyV20')}: requests for the candles of 2019, of at most 500 each: {counts}")
print(f"the first and the last for months: {spans['M'][0]}, {spans['M'][-1]}")
first = ("2019-01-01T00:00:00Z", "2019-01-01T08:20:00Z")
sys.exit(0 if counts == {"H4": 5, "D": 1, "W": 1, "M": 1_052} and spans["M"][0] == first else 1)
PYTHON

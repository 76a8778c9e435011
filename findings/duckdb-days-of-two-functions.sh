#!/usr/bin/env bash
# duckdb 2.0.1: of a TIMESTAMPTZ, date_trunc('day') cuts by the session's TimeZone and time_bucket(INTERVAL '1 day') by UTC.
# With TimeZone set to New York, candles made by the one begin at 00:00 there, and by the other at 19:00 in winter and 20:00
# in summer; no warning. Expected by a reader: both take the session's zone, in which both show their results.
# Cure: time_bucket's third argument, the name of the zone. Seen on 2026-11-28, Python 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install duckdb==2.0.1

"$folder/venv/bin/python" - <<'PYTHON'
import sys

import duckdb

session = duckdb.connect()
session.execute("SET TimeZone = 'America/New_York'")
by: dict[str, list[tuple[str, ...]]] = {}
for name, call in {
    "date_trunc": "date_trunc('day', noon)",
    "time_bucket": "time_bucket(INTERVAL '1 day', noon)",
    "time_bucket with the zone": "time_bucket(INTERVAL '1 day', noon, 'America/New_York')",
}.items():
    query = f"SELECT strftime({call}, '%H:%M') FROM (SELECT unnest([?::TIMESTAMPTZ, ?::TIMESTAMPTZ]) AS noon)"
    by[name] = [row[0] for row in session.execute(query, ["2020-01-15 12:00:00Z", "2020-07-15 12:00:00Z"]).fetchall()]
    print(f"duckdb {duckdb.__version__}, TimeZone America/New_York, {name}: a day begins at {by[name]} (January, July)")
expected = {
    "date_trunc": ["00:00", "00:00"], "time_bucket": ["19:00", "20:00"], "time_bucket with the zone": ["00:00", "00:00"],
}
sys.exit(0 if by == expected else 1)
PYTHON

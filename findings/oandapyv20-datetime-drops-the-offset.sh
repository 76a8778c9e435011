#!/usr/bin/env bash
# oandapyV20 0.7.2: types.DateTime(datetime) writes the clock of a time that knows its zone and puts Z behind it. 17:00 in New York becomes
# 17:00 UTC, four or five hours early; the same instant given in UTC becomes another string. So an order that is good till the
# day's end in New York expires at one in the afternoon there. Expected by a reader: the instant kept, or an error; the type is
# made for OANDA's RFC 3339 times and its documentation gives it a datetime. The project's pull request 127 warns of local times
# in gtdTime; of ones with a zone nothing is said. Cure: .astimezone(UTC) first. Seen on 2026-11-28, Python 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install oandapyV20==0.7.2 requests==2.34.2 six==1.17.0 tzdata==2026.6

"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from zoneinfo import ZoneInfo

from oandapyV20.types import DateTime

close = datetime(2026, 6, 5, 17, tzinfo=ZoneInfo("America/New_York"))
told = [DateTime(at).value for at in (close, close.astimezone(UTC))]
print(f"oandapyV20 {version('oandapyV20')}: {close.isoformat()} is {told[0]}; as {close.astimezone(UTC).isoformat()} it is {told[1]}")
sys.exit(0 if told == ["2026-06-05T17:00:00.000000Z", "2026-06-05T21:00:00.000000Z"] else 1)
PYTHON

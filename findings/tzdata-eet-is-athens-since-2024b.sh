#!/usr/bin/env bash
# tzdata 2024.1 and 2024.2 (IANA 2024a, 2024b): the zone EET, like other names without a place, became a link, to Athens.
# The same clock time in a file of the 1970s is another instant in UTC after an upgrade of tzdata. A reader expects
# news of a zone to change the future, and old candles of "EET" to stay where they are.
# Cure: name a place, which says whose history is meant. Seen on 2026-11-28, Python 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 2024.1 2024.2; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" --quiet --disable-pip-version-check install "tzdata==$version"
  PYTHONTZPATH='' "$folder/$version/bin/python" - <<'PYTHON'
from datetime import UTC, datetime
from importlib.metadata import version
from zoneinfo import ZoneInfo

times = [datetime(1975, 7, 1, 12, tzinfo=ZoneInfo("EET")), datetime(1976, 7, 1, 12, tzinfo=ZoneInfo("EET"))]
print(version("tzdata"), ", ".join(f"{at:%Y-%m-%d %H:%M} EET is {at.astimezone(UTC):%H:%M} UTC" for at in times))
PYTHON
done | tee "$folder/seen"
cat > "$folder/expected" <<'EXPECTED'
2024.1 1975-07-01 12:00 EET is 10:00 UTC, 1976-07-01 12:00 EET is 10:00 UTC
2024.2 1975-07-01 12:00 EET is 09:00 UTC, 1976-07-01 12:00 EET is 09:00 UTC
EXPECTED
cmp -s "$folder/seen" "$folder/expected"

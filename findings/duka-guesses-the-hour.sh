#!/usr/bin/env bash
# duka 0.2.0: which hour a Dukascopy tick belongs to is guessed. A file holds an hour and its ticks count from that hour's beginning; duka
# joins the 24 files of a day, forgets their names, and begins a new hour where the minute of a tick is lower than that of the one
# before. An hour without ticks, as on a holiday, puts the rest of the day an hour early, and of two quiet hours that do not go
# back in minutes the second is told as the first. No warning. Expected by a reader: the hour of the file's name.
# What the script gives is what Dukascopy's files hold: LZMA over milliseconds, ask, bid and two volumes. Seen on 2026-11-28, Python 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install duka==0.2.0

"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import lzma
import struct
import sys
from datetime import date
from importlib.metadata import version

from duka.core.processor import decompress


def hour(*minutes: int) -> bytes:
    """A file of Dukascopy for an hour with one tick in each of these minutes; an empty one for none."""
    ticks = b"".join(struct.pack("!IIIff", minute * 60_000, 110_002, 110_000, 1.0, 1.0) for minute in minutes)
    return lzma.compress(ticks, format=lzma.FORMAT_ALONE) if ticks else b""


def times(files: list[bytes]) -> list[str]:
    return [f"{tick[0]:%H:%M}" for tick in decompress(date(2026, 6, 10), memoryview(b"".join(files)))]


full = times([hour(10, 50)] * 4)
holed = times([hour(10, 50), b"", hour(10, 50), hour(10, 50)])
quiet = times([hour(10), hour(20), hour(30), hour(40)])
print(f"duka {version('duka')}: ticks at 10 and 50 past in the hours 0 to 3: {full}")
print(f"the same without those of hour 1: {holed}; one tick an hour, at 00:10, 01:20, 02:30, 03:40: {quiet}")
right = full == ["00:10", "00:50", "01:10", "01:50", "02:10", "02:50", "03:10", "03:50"]
sys.exit(0 if right and holed == full[:6] and quiet == ["00:10", "00:20", "00:30", "00:40"] else 1)
PYTHON

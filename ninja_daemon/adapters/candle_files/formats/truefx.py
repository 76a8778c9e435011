"""TrueFX's ticks: pair, time, bid, ask. Prices went through binary floats of 32 bits, which digits are lost in."""

from __future__ import annotations

import re
from typing import Final

from ninja_daemon.adapters.candle_files.layout import Head, Layout, NamedFormat

_LINE: Final = re.compile(r"([A-Z]{3})/([A-Z]{3}),\d{8} \d\d:\d\d:\d\d\.\d{3},[\d.]+,[\d.]+", re.ASCII)


def _recognise(head: Head) -> Layout | None:
    match = _LINE.fullmatch(head.first.strip())
    if match is None:
        return None
    columns = {"time": 1, "bid": 2, "ask": 3}
    return Layout(
        "truefx", columns, 4, ("%Y%m%d %H:%M:%S.%f",), zone="UTC", rounds_to=3 if match[2] == "JPY" else 5
    )  # fmt: skip


TRUEFX: Final = NamedFormat("truefx", _recognise)

"""What the name of a file says: ``EUR_USD_H4.csv`` is a series."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instrument import is_instrument_name

ENDINGS: Final = (".csv", ".txt", ".json", ".jsonl", ".gz", ".zip")
_FILE_NAME: Final = re.compile(
    r"(?P<instrument>[A-Z0-9]+_[A-Z0-9]+)_(?P<granularity>[SMHDW]\d*)(?:\.csv)?(?:\.gz|\.zip|\.csv)", re.ASCII
)


def named_series(path: Path) -> tuple[str, Granularity] | None:
    """Return instrument and granularity that a file's name gives, as ``EUR_USD_H4.csv`` does; None for other names."""
    match = _FILE_NAME.fullmatch(path.name)
    if match is None or not is_instrument_name(match["instrument"]):
        return None
    granularity = Granularity.__members__.get(match["granularity"])
    return None if granularity is None else (match["instrument"], granularity)

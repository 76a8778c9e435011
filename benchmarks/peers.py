"""The libraries that people would use instead. They are installed for the benchmarks alone, and may be missing."""

from __future__ import annotations

import warnings
from functools import cache
from importlib import import_module, metadata
from types import ModuleType
from typing import Final

DISTRIBUTIONS: Final = {
    "backtesting": "backtesting",
    "hexital": "hexital",
    "matplotlib": "matplotlib",
    "nautilus_trader": "nautilus_trader",
    "pandas": "pandas",
    "talib": "TA-Lib",
    "talipp": "talipp",
    "vectorbt": "vectorbt",
}
"""Names as they are imported, and as they are installed."""


@cache
def peer(module: str) -> ModuleType | None:
    """Import a peer; None where it is not installed or does not work here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return import_module(module)
        except (ImportError, ValueError):
            return None


def missing() -> list[str]:
    """Return the peers that cannot be measured here."""
    return [distribution for module, distribution in DISTRIBUTIONS.items() if peer(module) is None]


def version(distribution: str) -> str:
    """Return the version of what is installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"

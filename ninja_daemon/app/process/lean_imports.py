"""What a library loads without need, left out: half of a second matters to ``run --once`` in a crontab."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

_TABLES: Final = "rich"


def import_structlog() -> None:
    """Load structlog without rich, which it takes along for tracebacks that our logs do not print."""
    if "structlog" in sys.modules or _TABLES in sys.modules:
        return
    # What the import system itself takes for "there is no such module".
    sys.modules[_TABLES] = None  # type: ignore[assignment]
    try:
        import_module("structlog")
    finally:
        del sys.modules[_TABLES]

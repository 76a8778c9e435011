"""The level of the logs."""

from __future__ import annotations

from enum import StrEnum


class LogLevel(StrEnum):
    """The lowest level that is shown, as the command line names it."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

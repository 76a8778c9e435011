"""Options that several commands have, with one help text each."""

from __future__ import annotations

from typing import Annotated

import typer

from ninja_daemon.adapters.telemetry.log_level import LogLevel

STRATEGIES = Annotated[
    list[str] | None, typer.Option("--strategy", "-s", metavar="NAME", help="Only this one; may be repeated.")
]
AS_JSON = Annotated[bool, typer.Option("--json", help="The same figures for another program.")]
LOG_LEVEL = Annotated[LogLevel, typer.Option(case_sensitive=False, help="Lowest level that is shown.")]

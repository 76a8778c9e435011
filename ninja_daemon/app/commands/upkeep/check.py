"""``ninja-daemon check``: what is wrong with configuration and surroundings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated

import typer

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.app.checks.everything import Check, all_checks
from ninja_daemon.app.checks.finding import Finding, Level, exit_code
from ninja_daemon.app.process.running import running_environ, say_found
from ninja_daemon.app.status.exact_json import exact_json

_LOOK = {
    Level.ERROR: ("✗ error  ", "bold red"),
    Level.WARNING: ("! warning", "yellow"),
    Level.INFO: ("· info   ", "dim"),
    Level.OK: ("✓ ok     ", "green"),
}


def check(
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Look at the configuration alone; no network.")] = False,
    host: Annotated[
        bool, typer.Option("--host", help="Look at this machine as well: firewall, ssh, updates, clock, modes, disk.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings make the exit code 1.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Findings for another program.")] = False,
) -> None:
    """Find what is wrong with configuration and surroundings."""
    environ, product = running_environ()
    say_found(product)
    findings = _run(all_checks(SystemClock(), offline=offline, host=host, environ=environ), quiet=as_json)
    code = exit_code(findings, strict=strict)
    if as_json:
        typer.echo(exact_json({"schema": 1, "exit_code": code, "findings": [_fields(each) for each in findings]}))
    else:
        _show(findings)
    raise typer.Exit(code)


def _run(checks: Iterable[Check], *, quiet: bool) -> Sequence[Finding]:
    from rich.console import Console

    console = Console(stderr=True)
    findings: list[Finding] = []
    for each in checks:
        watching: AbstractContextManager[object] = nullcontext()
        if console.is_terminal and not quiet:
            watching = console.status(f"looking at {each.about} …")
        with watching:
            findings += each.look()
    return findings


def _fields(finding: Finding) -> dict[str, object]:
    return {
        "level": finding.level.name.lower(),
        "code": finding.code,
        "subject": finding.subject,
        "cause": finding.cause,
        "cure": finding.cure or None,
    }


def _show(findings: Sequence[Finding]) -> None:
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from ninja_daemon.adapters.network.redaction import escaped

    console = Console()
    for finding in findings:
        mark, style = _LOOK[finding.level]
        line = Text(f"{mark}  ", style=style).append(escaped(finding.subject), style="bold not dim")
        console.print(line)
        body = Text(escaped(finding.cause))
        if finding.cure:
            body.append("\n→ " + escaped(finding.cure), style="cyan")
        console.print(Padding(body, (0, 0, 0, 11)))
    console.print(_summary(findings))


def _summary(findings: Sequence[Finding]) -> str:
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    errors, warnings = counts[Level.ERROR], counts[Level.WARNING]
    if not errors and not warnings:
        return "\nNothing wrong was found."
    return f"\n{_plural(errors, 'error')}, {_plural(warnings, 'warning')}."


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"

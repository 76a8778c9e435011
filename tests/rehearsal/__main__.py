"""``python -m tests.rehearsal``: boot a Debian, install into it, and try everything that a server has to bear."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.rehearsal.machine import FailedError, Machine, copied, fetched_wheels, missing_for_a_boot, prepared_tree
from tests.rehearsal.steps import Steps, in_order


class Told:
    """What was told, line by line, for the screen and for the page."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def step(self, name: str, act: Callable[[], str]) -> None:
        """Do one step and tell what came of it and how long it took.

        Raises:
            FailedError: the step failed.
        """
        began = time.monotonic()
        try:
            said = act()
        except FailedError:
            self._line(began, f"FAILED  {name}")
            raise
        self._line(began, f"{name}: {said}")

    def _line(self, began: float, text: str) -> None:
        line = f"{time.monotonic() - began:6.1f} s  {text}"
        self.lines.append(line)
        print(line, flush=True)


def main() -> int:
    """Rehearse; return the exit code."""
    parser = argparse.ArgumentParser(prog="make rehearsal", description=__doc__)
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the log as a page of the documentation")
    parser.add_argument(
        "--only", metavar="WORD", action="append", help="besides the installation, steps with this word only"
    )
    parser.add_argument(
        "--uncommitted", action="store_true", help="the work tree as it is instead of what is committed"
    )
    parser.add_argument("--keep", action="store_true", help="leave the machine's tree behind, to look at it")
    asked = parser.parse_args()
    reason = missing_for_a_boot()
    if reason is not None:
        print(f"skipped: {reason}")
        return 0
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ninja-daemon-rehearsal"
    tree = cache / f"run-{os.getpid()}"
    machine, told, began = Machine(tree, cache / "console.log"), Told(), time.monotonic()
    steps = Steps(machine)
    try:
        rehearse(machine, told, steps, cache, asked)
    except FailedError as error:
        print(f"\n{error}\n", file=sys.stderr)
        show_journal(machine)
        return 1
    finally:
        machine.end()
        if asked.keep:
            print(f"kept: {tree}")
        else:
            shutil.rmtree(tree, ignore_errors=True)
    told.lines.append(f"{time.monotonic() - began:6.1f} s  in all")
    print(told.lines[-1])
    if asked.page:
        asked.page.write_text(page(told.lines), encoding="utf-8")
    return 0


def rehearse(machine: Machine, told: Told, steps: Steps, cache: Path, asked: argparse.Namespace) -> None:
    """Make the machine and go through the steps.

    Raises:
        FailedError: a step failed.
    """

    def make() -> str:
        base = prepared_tree(cache)
        copied(base, machine.tree)
        return base.name

    told.step("a Debian made by debootstrap", make)

    def lay_out() -> str:
        return steps.lay_out(fetched_wheels(cache, machine.tree), uncommitted=asked.uncommitted)

    told.step("a clean clone", lay_out)

    def boot() -> str:
        machine.boot()
        return machine.run("systemctl --version | head -n 1").strip()

    told.step("boot", boot)
    for number, (name, act) in enumerate(in_order(steps)):
        if not asked.only or number < 2 or any(word in name for word in asked.only):
            told.step(name, act)


def show_journal(machine: Machine) -> None:
    """Print the end of the machine's journal."""
    try:
        print(machine.run("journalctl --no-pager --lines 60 --output short-precise", limit=20), file=sys.stderr)
    except FailedError as error:
        print(error, file=sys.stderr)


def page(lines: list[str]) -> str:
    """Return the log as a page."""
    cores = os.cpu_count()
    return (
        "# The rehearsal, as it went\n\n"
        "`make rehearsal` boots a Debian that it made by debootstrap, installs a clean clone into it and tries what a "
        "server\nhas to bear. [tests/rehearsal/steps.py](../tests/rehearsal/steps.py) says what each line proves. "
        "This is what it printed\n"
        f"on {datetime.now(UTC):%d %B %Y}, on {platform.machine()} with {cores} cores that had other work as well:\n\n"
        "```\n" + "\n".join(lines) + "\n```\n"
    )


if __name__ == "__main__":
    sys.exit(main())

"""``python3 -m ninja_install COMMAND``, which is what the Makefile calls."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ninja_install import redis, steps
from ninja_install.host import StopError, complain
from ninja_install.layout import Layout


def main() -> int:
    """Do what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="ninja_install", description=__doc__)
    parser.add_argument("command", choices=["install", "upgrade", "rollback", "uninstall", "redis"])
    parser.add_argument("--root", type=Path, default=Path("/"), help="install below this folder, to look at it")
    parser.add_argument("--python", help="another interpreter than the distribution's")
    parser.add_argument("--purge", action="store_true", help="uninstall: configuration and state, too")
    parser.add_argument("--skip-replay", action="store_true", help="upgrade: signals are meant to differ")
    parser.add_argument("--server", choices=["redis", "valkey"], help="redis: which one")
    asked = parser.parse_args()
    layout = Layout(source=Path(__file__).resolve().parents[2], root=asked.root.absolute())
    try:
        match asked.command:
            case "install":
                steps.install(layout, asked.python)
            case "upgrade":
                steps.upgrade(layout, asked.python, skip_replay=asked.skip_replay)
            case "rollback":
                steps.rollback(layout)
            case "uninstall":
                steps.uninstall(layout, purge=asked.purge)
            case _:
                redis.install(layout, asked.server)
    except StopError as error:
        complain(f"stopped: {error}")
        return 1
    except KeyboardInterrupt:
        complain("stopped half-way; the same command goes on from here")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

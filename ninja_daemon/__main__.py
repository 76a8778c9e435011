"""``python -m ninja_daemon``: the same as the console script."""

from __future__ import annotations

from ninja_daemon.app.cli import main

if __name__ == "__main__":
    main()
